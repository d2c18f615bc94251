-- name: insert
INSERT INTO account (id, name, plan, created_at) VALUES (:id, :name, :plan, :now) RETURNING *;

-- name: by_name
SELECT * FROM account WHERE name = :name OR id = :name;

-- name: every
SELECT * FROM account ORDER BY number;

-- name: rename
UPDATE account SET name = :name WHERE id = :id RETURNING *;

-- name: set_plan
UPDATE account SET plan = :plan WHERE id = :id RETURNING *;

-- name: insert_key
INSERT INTO key (account_id, name, hint, dialect, hash, created_at)
VALUES (:account_id, :name, :hint, :dialect, :hash, :now)
RETURNING *;

-- name: key_by_hash
SELECT * FROM key WHERE hash = :hash;

-- name: by_id
SELECT * FROM account WHERE id = :id;

-- name: keys
SELECT * FROM key WHERE account_id = :account_id ORDER BY number;

-- name: rename_key
UPDATE key SET name = :name WHERE number = :number AND account_id = :account_id RETURNING *;

-- name: revoke_key
-- The hash stays, so that a revoked key is told from an unknown one.
UPDATE key SET revoked_at = coalesce(revoked_at, :now) WHERE number = :number AND account_id = :account_id RETURNING *;
