-- name: insert
-- Committed before the paid call.
INSERT INTO attempt (generation_id, number, provider, started_at) VALUES (:id, :attempt, :provider, :now);

-- name: note_ticket
-- Before the paid call with where it goes, and right after it with the answer. The fence is the generation's own row.
UPDATE attempt SET ticket = :ticket, credential = :credential, base_url = :base_url, sent_at = :sent_at, reason = :reason
 WHERE generation_id = :id AND number = :attempt
   AND EXISTS (SELECT 1 FROM generation WHERE id = :id AND status = 'running' AND attempt = :attempt)
RETURNING number;

-- name: end
UPDATE attempt
   SET ended_at = :now, outcome = :outcome, detail = coalesce(nullif(:detail, ''), detail),
       cost_micro_usd = coalesce(cost_micro_usd + :cost, cost_micro_usd, :cost)
 WHERE generation_id = :id AND number = :attempt;

-- name: of
-- A generation's attempts, newest first.
SELECT generation_id, number, provider, ticket, started_at, outcome, credential, base_url, sent_at, ended_at, reason,
       detail, cost_micro_usd
  FROM attempt WHERE generation_id = :id ORDER BY number DESC;

-- name: ambiguous
-- What waits for an operator's word, the oldest first.
SELECT generation_id, attempt.number, attempt.provider, ticket, attempt.started_at, outcome, credential, base_url,
       sent_at, ended_at, reason, detail, cost_micro_usd
  FROM attempt JOIN generation ON generation.id = attempt.generation_id AND generation.attempt = attempt.number
 WHERE outcome = 'ambiguous' AND settled_at IS NULL ORDER BY ended_at, generation_id;
