-- name: insert
INSERT INTO webhook (id, account_id, dialect, url, secret, events, created_at)
VALUES (:id, :account_id, :dialect, :url, :secret, :events, :now);

-- name: count
SELECT count(*) FROM webhook WHERE account_id = :account_id;

-- name: of
SELECT id, account_id, dialect, url, secret, events, created_at, old_secrets, disabled_at, disabled_why, failing_since
  FROM webhook WHERE account_id = :account_id ORDER BY created_at, id;

-- name: one
SELECT id, account_id, dialect, url, secret, events, created_at, old_secrets, disabled_at, disabled_why, failing_since
  FROM webhook WHERE account_id = :account_id AND id = :id;

-- name: change
UPDATE webhook SET url = coalesce(:url, url), events = coalesce(:events, events)
 WHERE account_id = :account_id AND id = :id;

-- name: rotate
UPDATE webhook SET secret = :secret, old_secrets = :old_secrets WHERE account_id = :account_id AND id = :id;

-- name: disable
UPDATE webhook SET disabled_at = :now, disabled_why = :why
 WHERE account_id = :account_id AND id = :id AND disabled_at IS NULL
RETURNING url;

-- name: enable
UPDATE webhook SET disabled_at = NULL, disabled_why = '', failing_since = NULL
 WHERE account_id = :account_id AND id = :id;

-- name: delete
DELETE FROM webhook WHERE account_id = :account_id AND id = :id RETURNING id;

-- name: note_success
UPDATE webhook SET failing_since = NULL WHERE id = :id AND failing_since IS NOT NULL;

-- name: note_failure
UPDATE webhook SET failing_since = coalesce(failing_since, :now) WHERE id = :id RETURNING failing_since;
