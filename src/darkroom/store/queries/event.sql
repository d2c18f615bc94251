-- name: insert
INSERT INTO event (generation_id, status, at, writer) VALUES (?, ?, ?, ?);

-- name: since
-- What other processes have changed. Told once, however often it has changed.
SELECT generation.*, told.newest
  FROM (SELECT generation_id, max(sequence) AS newest FROM event
         WHERE sequence > :sequence AND sequence <= :newest AND writer != :writer GROUP BY generation_id) AS told
  JOIN generation ON generation.id = told.generation_id
 ORDER BY number;

-- name: newest
SELECT coalesce(max(sequence), 0) FROM event;

-- name: prune
-- Whoever had to hear of these has heard: events are told to other processes, which look every few seconds.
DELETE FROM event
 WHERE sequence < (SELECT sequence FROM event WHERE at >= :before ORDER BY sequence LIMIT 1);
