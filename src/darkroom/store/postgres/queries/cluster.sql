-- name: saw
-- Tells how long this one had not been seen before, in seconds; NULL where it never was.
WITH before AS (SELECT extract(epoch FROM now() - seen_at)::float8 AS silent_s FROM worker WHERE id = :id)
SELECT (SELECT silent_s FROM before), saw_worker(:id, :about);

-- name: leave
DELETE FROM worker WHERE id = :id;

-- name: living
SELECT count(*) FROM worker WHERE seen_at > now() - make_interval(secs => :dead_after_s::float8);

-- name: held
-- What the attempts that other workers carry out hold of each credential.
SELECT attempt.provider, attempt.credential, count(*)
  FROM generation JOIN attempt ON attempt.generation_id = generation.id AND attempt.number = generation.attempt
 WHERE generation.status = 'running' AND generation.settled_at IS NULL
   AND attempt.credential <> '' AND attempt.worker IS DISTINCT FROM :id
 GROUP BY attempt.provider, attempt.credential;

-- name: recover
SELECT handed_back, enqueued FROM recover(:now::bigint, :dead_after_s::float8, :most::int);

-- name: secret
-- The first process makes it, every other finds it.
INSERT INTO secret (name, value) VALUES ('links', :fresh::bytea)
ON CONFLICT (name) DO UPDATE SET value = secret.value RETURNING value;
