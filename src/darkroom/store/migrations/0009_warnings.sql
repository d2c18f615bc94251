-- How long before a generation's assets are deleted somebody wants to be told, and whether that has been done.
ALTER TABLE generation ADD COLUMN warn_before_s INTEGER;
ALTER TABLE generation ADD COLUMN is_warned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX generation_to_warn ON generation (expires_at - warn_before_s * 1000000)
 WHERE warn_before_s IS NOT NULL AND is_warned = 0;
