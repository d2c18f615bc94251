-- name: saw
SELECT saw_worker(:id, :about);

-- name: leave
DELETE FROM worker WHERE id = :id;

-- name: living
SELECT count(*) FROM worker WHERE seen_at > now() - make_interval(secs => :dead_after_s::float8);

-- name: recover
SELECT handed_back, enqueued FROM recover(:now::bigint, :dead_after_s::float8, :most::int);

-- name: secret
-- The first process makes it, every other finds it.
INSERT INTO secret (name, value) VALUES ('links', :fresh::bytea)
ON CONFLICT (name) DO UPDATE SET value = secret.value RETURNING value;
