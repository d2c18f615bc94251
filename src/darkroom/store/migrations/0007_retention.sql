-- A caller's own wish, in seconds from the end; and whether the bytes of what is past its retention have been deleted.
ALTER TABLE generation ADD COLUMN expires_after_s INTEGER;
ALTER TABLE generation ADD COLUMN is_swept INTEGER NOT NULL DEFAULT 0;
DROP INDEX generation_expiring;
CREATE INDEX generation_expiring ON generation (expires_at, number) WHERE expires_at IS NOT NULL AND is_swept = 0;
