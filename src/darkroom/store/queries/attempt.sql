-- name: insert
-- Committed before the paid call.
INSERT INTO attempt (generation_id, number, provider, started_at) VALUES (:id, :attempt, :provider, :now);

-- name: note_ticket
-- Right after the paid call: the fence is the generation's own row.
UPDATE attempt SET ticket = :ticket
 WHERE generation_id = :id AND number = :attempt
   AND EXISTS (SELECT 1 FROM generation WHERE id = :id AND status = 'running' AND attempt = :attempt)
RETURNING number;

-- name: end
UPDATE attempt SET ended_at = :now, outcome = :outcome WHERE generation_id = :id AND number = :attempt;

-- name: of
-- A generation's attempts, newest first.
SELECT generation_id, number, provider, ticket, started_at, outcome
  FROM attempt WHERE generation_id = :id ORDER BY number DESC;
