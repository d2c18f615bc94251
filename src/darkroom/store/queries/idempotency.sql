-- name: find
SELECT fingerprint, generation_id FROM idempotency WHERE account_id = :account_id AND key = :key AND at >= :since;

-- name: keep
-- One that has run out may be used anew.
INSERT INTO idempotency (account_id, key, fingerprint, generation_id, at)
VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id, at = excluded.at;

-- name: alike
-- Among an account's last thousand: a retry comes soon, and its account's history may be long.
SELECT number FROM (SELECT number, dialect, fingerprint, created_at FROM generation
                     WHERE account_id = :account_id ORDER BY number DESC LIMIT 1000)
 WHERE dialect = :dialect AND fingerprint = :fingerprint AND created_at >= :since
 ORDER BY number DESC LIMIT 1;

-- name: newest
-- What was accepted in the second before the last of all: their answers may never have gone out.
SELECT account_id, dialect, fingerprint, id FROM generation
 WHERE number > (SELECT coalesce(max(number), 0) FROM generation) - 5000 AND fingerprint IS NOT NULL
   AND created_at >= (SELECT created_at FROM generation ORDER BY number DESC LIMIT 1) - 1000000 AND created_at >= :since
 ORDER BY number;

-- name: prune
DELETE FROM idempotency WHERE at < :before;
