-- The moves between statuses, kept by the database as well: see docs/generations.md.
CREATE TRIGGER generation_moves BEFORE UPDATE OF status ON generation
WHEN NOT (
    OLD.status = NEW.status
    OR (OLD.status = 'queued' AND NEW.status IN ('running', 'failed', 'canceled'))
    OR (OLD.status = 'running' AND NEW.status IN ('queued', 'completed', 'failed', 'canceled'))
)
BEGIN SELECT RAISE (ABORT, 'a generation cannot move like that'); END;
