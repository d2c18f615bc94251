-- name: find
SELECT fingerprint, generation_id FROM idempotency WHERE account_id = :account_id AND key = :key AND at >= :since;

-- name: keep
-- One that has run out may be used anew.
INSERT INTO idempotency (account_id, key, fingerprint, generation_id, at)
VALUES (:account_id, :key, :fingerprint, :id, :now)
    ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id, at = excluded.at;

-- name: alike
-- Among an account's last thousand: a retry comes soon, and its account's history may be long.
SELECT number FROM (SELECT number, dialect, fingerprint, created_at FROM generation
                     WHERE account_id = :account_id ORDER BY number DESC LIMIT 1000)
 WHERE dialect = :dialect AND fingerprint = :fingerprint AND created_at >= :since
 ORDER BY number DESC LIMIT 1;

-- name: prune
DELETE FROM idempotency WHERE at < :before;
