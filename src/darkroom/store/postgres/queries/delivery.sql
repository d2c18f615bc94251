-- name: account_of
SELECT account_id FROM delivery WHERE id = :id;

-- name: insert
-- A message that is about no generation.
INSERT INTO delivery (id, account_id, webhook_id, dialect, event, data, url, host, stage, created_at, due_at, outcome)
VALUES (:id, :account_id, :webhook_id, :dialect, :event, :data, :url, :host,
        CASE WHEN :is_held THEN 'held' ELSE 'due' END, :now,
        CASE WHEN :is_held THEN NULL ELSE :now::bigint END, CASE WHEN :is_held THEN 'the endpoint is disabled' END);

-- name: due
-- A host that has enough in hand is passed over in the index: those behind its messages are found.
SELECT delivery.id, generation_id, event, data, delivery.url, delivery.dialect, tries, delivery.created_at,
       coalesce(webhook.secret, ''), coalesce(webhook.old_secrets, '[]')
  FROM delivery LEFT JOIN webhook ON webhook.id = webhook_id
 WHERE due_at IS NOT NULL AND due_at <= :now AND host <> ALL(:busy_hosts)
 ORDER BY due_at, delivery.number LIMIT :limit;

-- name: note
-- What was held while it was on its way stays held, unless it has arrived after all.
UPDATE delivery
   SET tries = tries + 1, outcome = :outcome, done_at = CASE WHEN :is_done THEN :now::bigint END,
       due_at = CASE WHEN :is_done OR stage = 'held' THEN NULL ELSE :due_at::bigint END,
       stage = CASE WHEN :is_done THEN 'delivered' WHEN stage = 'held' THEN 'held'
                    WHEN :due_at::bigint IS NULL THEN 'given_up' ELSE 'due' END
 WHERE id = :id
RETURNING stage, account_id, webhook_id, generation_id, url;

-- name: postpone
UPDATE delivery SET due_at = :due_at WHERE id = ANY(:ids) AND stage = 'due' AND due_at < :due_at;

-- name: page
SELECT number, id, webhook_id, generation_id, event, url, stage, created_at, due_at, done_at, outcome FROM delivery
 WHERE account_id = :account_id AND number < :before
   AND (:webhook_id::text IS NULL OR webhook_id = :webhook_id)
   AND (:generation_id::text IS NULL OR generation_id = :generation_id)
   AND (:stage::text IS NULL OR stage = :stage)
 ORDER BY number DESC LIMIT :limit;

-- name: tries_of
SELECT delivery_id, at, latency_ms, status, outcome, headers, body FROM delivery_try
 WHERE delivery_id = ANY(:ids) ORDER BY number;
