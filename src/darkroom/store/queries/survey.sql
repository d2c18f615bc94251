-- name: unfinished
SELECT provider, status, count(*), min(created_at) FROM generation WHERE settled_at IS NULL GROUP BY provider, status;

-- name: ambiguous
SELECT attempt.provider, count(*)
  FROM attempt JOIN generation ON generation.id = attempt.generation_id AND generation.attempt = attempt.number
 WHERE outcome = 'ambiguous' AND settled_at IS NULL GROUP BY attempt.provider;

-- name: backlog
-- What should have gone out by now: held back by nobody, and not delivered.
SELECT count(*), min(due_at) FROM delivery WHERE due_at IS NOT NULL AND due_at <= :now;
