-- name: endpoints
-- Where an account wants to be told of what came by a dialect.
SELECT id, url, events, disabled_at FROM webhook WHERE account_id = :account_id AND dialect = :dialect;

-- name: insert
-- A message, in the transaction of the change that it tells. It waits while an earlier one of its generation is on its
-- way to the same address.
INSERT INTO delivery (id, account_id, webhook_id, generation_id, dialect, event, data, url, host, stage, created_at,
                      due_at, outcome)
SELECT :id, :account_id, :webhook_id, :generation_id, :dialect, :event, :data, :url, :host, stage, :now,
       CASE stage WHEN 'due' THEN :now END, CASE stage WHEN 'held' THEN 'the endpoint is disabled' END
  FROM (SELECT CASE WHEN :is_held THEN 'held'
                    WHEN EXISTS (SELECT 1 FROM delivery WHERE generation_id = :generation_id AND url = :url
                                    AND stage IN ('waiting', 'due')) THEN 'waiting'
                    ELSE 'due' END AS stage);

-- name: due
-- A host that has enough in hand is passed over in the index: those behind its messages are found.
SELECT delivery.id, generation_id, event, data, delivery.url, delivery.dialect, tries, delivery.created_at,
       coalesce(webhook.secret, ''), coalesce(webhook.old_secrets, '[]')
  FROM delivery LEFT JOIN webhook ON webhook.id = webhook_id
 WHERE due_at IS NOT NULL AND due_at <= :now AND host NOT IN (SELECT value FROM json_each(:busy_hosts))
 ORDER BY due_at, delivery.number LIMIT :limit;

-- name: next_due
SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL AND due_at > :now;

-- name: note
-- What was held while it was on its way stays held, unless it has arrived after all.
UPDATE delivery
   SET tries = tries + 1, outcome = :outcome, done_at = CASE WHEN :is_done THEN :now END,
       due_at = CASE WHEN stage = 'held' THEN NULL ELSE :due_at END,
       stage = CASE WHEN :is_done THEN 'delivered' WHEN stage = 'held' THEN 'held'
                    WHEN :due_at IS NULL THEN 'given_up' ELSE 'due' END
 WHERE id = :id
RETURNING stage, account_id, webhook_id, generation_id, url;

-- name: insert_try
INSERT INTO delivery_try (delivery_id, at, latency_ms, status, outcome, headers, body)
VALUES (:id, :at, :latency_ms, :status, :outcome, :headers, :body);

-- name: postpone
UPDATE delivery SET due_at = :due_at WHERE id = :id AND stage = 'due' AND due_at < :due_at;

-- name: promote
-- The next of a generation's line to an address, once nothing is on its way there before it.
UPDATE delivery SET stage = 'due', due_at = :now
 WHERE number = (SELECT min(number) FROM delivery
                  WHERE generation_id = :generation_id AND url = :url AND stage IN ('waiting', 'due'))
   AND stage = 'waiting'
RETURNING id;

-- name: hold
-- Nothing goes to an endpoint that is disabled.
UPDATE delivery SET stage = 'held', due_at = NULL, outcome = coalesce(outcome, 'the endpoint is disabled')
 WHERE webhook_id = :webhook_id AND stage IN ('waiting', 'due');

-- name: readdress
-- An endpoint that moves takes what it has not had along.
UPDATE delivery SET url = :url, host = :host WHERE webhook_id = :id AND stage IN ('waiting', 'due', 'held');

-- name: drop
DELETE FROM delivery WHERE webhook_id = :webhook_id AND stage IN ('waiting', 'due', 'held');

-- name: one
SELECT number, id, webhook_id, generation_id, event, url, stage, created_at, due_at, done_at, outcome FROM delivery
 WHERE id = :id AND account_id = :account_id;

-- name: page
SELECT number, id, webhook_id, generation_id, event, url, stage, created_at, due_at, done_at, outcome FROM delivery
 WHERE account_id = :account_id AND number < :before
   AND (:webhook_id IS NULL OR webhook_id = :webhook_id)
   AND (:generation_id IS NULL OR generation_id = :generation_id)
   AND (:stage IS NULL OR stage = :stage)
 ORDER BY number DESC LIMIT :limit;

-- name: tries
SELECT at, latency_ms, status, outcome, headers, body FROM delivery_try WHERE delivery_id = :id ORDER BY number;

-- name: again
-- From the first try on. Which of a generation's line goes first is decided right after.
UPDATE delivery SET stage = 'waiting', tries = 0, done_at = NULL, due_at = NULL
 WHERE id = :id AND account_id = :account_id AND stage IN ('delivered', 'given_up', 'held')
RETURNING generation_id, url;

-- name: make_due
UPDATE delivery SET stage = 'due', due_at = :now WHERE id = :id;

-- name: undelivered_since
SELECT id FROM delivery
 WHERE webhook_id = :webhook_id AND account_id = :account_id AND created_at >= :since AND stage IN ('given_up', 'held')
 ORDER BY number LIMIT :limit;

-- name: prune
-- Delivered, given up or held long ago. A few at a time: nobody's submit waits for a great many.
DELETE FROM delivery
 WHERE id IN (SELECT id FROM delivery WHERE stage IN ('delivered', 'given_up', 'held') AND created_at < :before
               ORDER BY created_at LIMIT :limit)
RETURNING id;
