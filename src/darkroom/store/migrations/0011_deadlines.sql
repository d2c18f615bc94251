-- A caller's own limits: begun by then, ended by then.
ALTER TABLE generation ADD COLUMN start_by INTEGER;
ALTER TABLE generation ADD COLUMN deadline_at INTEGER;
CREATE INDEX generation_with_deadline ON generation (number)
 WHERE settled_at IS NULL AND (start_by IS NOT NULL OR deadline_at IS NOT NULL);
