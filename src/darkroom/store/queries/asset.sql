-- name: find_content
-- The same bytes in the same account.
SELECT id, account_id, sha256, key, media_type, size_bytes FROM content
 WHERE account_id = :account_id AND sha256 = :sha256 AND state = 'stored';

-- name: insert_content
INSERT INTO content (id, account_id, sha256, key, media_type, size_bytes, state, created_at)
VALUES (:id, :account_id, :sha256, :key, :media_type, :size_bytes, 'arriving', :now);

-- name: stored_bytes
-- What an account has stored, and what is coming.
SELECT (SELECT coalesce(sum(size_bytes), 0) FROM content WHERE account_id = :account_id AND state IN ('arriving', 'stored'))
     + (SELECT coalesce(sum(size_bytes), 0) FROM upload WHERE account_id = :account_id);

-- name: move_content
-- From one state to the next; no row where it has left that state.
UPDATE content SET state = :after WHERE id = :id AND state = :before RETURNING id;

-- name: hold_as_asset
INSERT INTO asset (id, account_id, content_id, name, created_at, expires_at)
VALUES (:id, :account_id, :content_id, :name, :now, :expires_at);

-- name: hold_as_input
INSERT INTO content_use (generation_id, content_id, created_at) VALUES (:id, :content_id, :now) ON CONFLICT DO NOTHING;

-- name: doom
-- Of these, the contents that nobody holds. The same look that finds nobody takes it out of everyone's reach.
UPDATE content SET state = 'doomed'
 WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'stored'
   AND NOT EXISTS (SELECT 1 FROM asset WHERE content_id = content.id AND ended_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM content_use WHERE content_id = content.id);

-- name: let_go
DELETE FROM content_use WHERE generation_id = :id RETURNING content_id;

-- name: asset
SELECT asset.id, number, asset.account_id, name, sha256, key, media_type, size_bytes, asset.created_at, expires_at,
       ended_at, coalesce(reason, ''), content_id
  FROM asset JOIN content ON content.id = content_id
 WHERE asset.id = :id;

-- name: assets
SELECT asset.id, number, asset.account_id, name, sha256, key, media_type, size_bytes, asset.created_at, expires_at,
       ended_at, coalesce(reason, ''), content_id
  FROM asset JOIN content ON content.id = content_id
 WHERE asset.account_id = :account_id AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
   AND number < :before
 ORDER BY number DESC LIMIT :limit;

-- name: end_asset
UPDATE asset SET ended_at = :now, reason = :reason WHERE id = :id AND ended_at IS NULL RETURNING content_id;

-- name: expire_assets
UPDATE asset SET ended_at = expires_at, reason = 'expired'
 WHERE ended_at IS NULL AND expires_at IS NOT NULL AND expires_at <= :now
RETURNING content_id;

-- name: doomed
SELECT id, account_id, sha256, key, media_type, size_bytes FROM content
 WHERE state = 'doomed' AND id > :after ORDER BY id LIMIT :limit;

-- name: doom_late
-- Bytes that began to come and never did: whoever sent them has given up, or we were cut off.
UPDATE content SET state = 'doomed' WHERE state = 'arriving' AND created_at < :before;

-- name: strangers
-- Held for a generation that was never stored.
DELETE FROM content_use
 WHERE created_at < :before AND NOT EXISTS (SELECT 1 FROM generation WHERE generation.id = generation_id)
RETURNING content_id;

-- name: begin_upload
INSERT INTO upload (id, account_id, name, size_bytes, part_bytes, sha256, expires_after_s, created_at)
VALUES (:id, :account_id, :name, :size_bytes, :part_bytes, :sha256, :expires_after_s, :now);

-- name: upload
SELECT id, account_id, name, size_bytes, part_bytes, sha256, expires_after_s, created_at FROM upload WHERE id = :id;

-- name: parts
SELECT number FROM upload_part WHERE upload_id = :id ORDER BY number;

-- name: note_part
INSERT INTO upload_part (upload_id, number) VALUES (:id, :number) ON CONFLICT DO NOTHING;

-- name: end_upload
DELETE FROM upload WHERE id = :id;

-- name: stale_uploads
SELECT id FROM upload WHERE created_at < :before;
