-- name: insert
INSERT INTO event (generation_id, status, at, writer) VALUES (:id, :status, :now, :writer);

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

-- name: endpoints
-- Where an account wants to be told of what came by a dialect.
SELECT url, secret, events FROM webhook WHERE account_id = :account_id AND dialect = :dialect;

-- name: deliver
-- A message, in the transaction of the change that it tells. One without a secret goes unsigned.
INSERT INTO delivery (id, generation_id, state, url, host, secret, created_at, due_at)
VALUES (:delivery_id, :id, :status, :url, :host, :secret, :now, :now);

-- name: due
-- A host that has enough in hand is passed over in the index: those behind its messages are found.
SELECT id, generation_id, state, url, secret, tries, created_at FROM delivery
 WHERE due_at IS NOT NULL AND due_at <= :now AND host NOT IN (SELECT value FROM json_each(:busy_hosts))
 ORDER BY due_at LIMIT :limit;

-- name: next_due
SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL AND due_at > :now;

-- name: note
UPDATE delivery
   SET tries = tries + 1, outcome = :outcome, due_at = :due_at, done_at = CASE WHEN :is_done THEN :now END
 WHERE id = :id;

-- name: prune_deliveries
-- Delivered or given up long ago. A few at a time: nobody's submit waits for a great many.
DELETE FROM delivery
 WHERE id IN (SELECT id FROM delivery WHERE due_at IS NULL AND created_at < :before ORDER BY created_at LIMIT :limit)
RETURNING id;

-- name: insert_webhook
INSERT INTO webhook (id, account_id, dialect, url, secret, events, created_at)
VALUES (:id, :account_id, :dialect, :url, :secret, :events, :now);

-- name: webhooks
SELECT id, account_id, dialect, url, secret, events, created_at FROM webhook WHERE account_id = :account_id ORDER BY created_at;

-- name: delete_webhook
DELETE FROM webhook WHERE account_id = :account_id AND id = :id RETURNING id;
