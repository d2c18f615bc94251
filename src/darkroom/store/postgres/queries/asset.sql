-- name: stored_bytes
-- What an account has stored, and what is coming.
SELECT ((SELECT coalesce(sum(size_bytes), 0) FROM content WHERE account_id = :account_id AND state IN ('arriving', 'stored'))
      + (SELECT coalesce(sum(size_bytes), 0) FROM upload WHERE account_id = :account_id))::bigint;

-- name: doom
-- Of these, the contents that nobody holds. Their accounts are locked, so that nobody takes hold meanwhile.
UPDATE content SET state = 'doomed'
 WHERE id = ANY(:ids) AND state = 'stored'
   AND NOT EXISTS (SELECT 1 FROM asset WHERE content_id = content.id AND ended_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM content_use WHERE content_id = content.id);

-- name: accounts_of
SELECT DISTINCT account_id FROM content WHERE id = ANY(:ids);

-- name: let_go
DELETE FROM content_use WHERE generation_id = ANY(:ids) RETURNING content_id;

-- name: move_contents
UPDATE content SET state = :after WHERE id = ANY(:ids) AND state = :before;

-- name: upload_held_fast
-- Not ended while a part of it is noted.
SELECT id FROM upload WHERE id = :id FOR KEY SHARE;
