-- name: principal
-- A key and its account, in one look.
SELECT account.*, key.* FROM key JOIN account ON account.id = key.account_id WHERE key.hash = :hash;
