-- What a Darkroom of this day asks of PostgreSQL, and the columns that it reads in the answers: see test_side_by_side.py.

-- name: account_by_name
-- gives: number int8, id text, name text, plan text, created_at int8
SELECT * FROM account WHERE name = $1 OR id = $1;

-- name: account_every
-- gives: number int8, id text, name text, plan text, created_at int8
SELECT * FROM account ORDER BY number;

-- name: account_insert
-- gives: number int8, id text, name text, plan text, created_at int8
INSERT INTO account (id, name, plan, created_at) VALUES ($1, $2, $3, $4) RETURNING *;

-- name: account_insert_key
-- gives: number int8, account_id text, name text, hint text, dialect text, hash bytea, created_at int8, revoked_at int8
INSERT INTO key (account_id, name, hint, dialect, hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING *;

-- name: account_keys
-- gives: number int8, account_id text, name text, hint text, dialect text, hash bytea, created_at int8, revoked_at int8
SELECT * FROM key WHERE account_id = $1 ORDER BY number;

-- name: account_principal
-- gives: number int8, id text, name text, plan text, created_at int8, number int8, account_id text, name text,
-- gives: hint text, dialect text, hash bytea, created_at int8, revoked_at int8
SELECT account.*, key.* FROM key JOIN account ON account.id = key.account_id WHERE key.hash = $1;

-- name: account_rename
-- gives: number int8, id text, name text, plan text, created_at int8
UPDATE account SET name = $1 WHERE id = $2 RETURNING *;

-- name: account_rename_key
-- gives: number int8, account_id text, name text, hint text, dialect text, hash bytea, created_at int8, revoked_at int8
UPDATE key SET name = $1 WHERE number = $2 AND account_id = $3 RETURNING *;

-- name: account_revoke_key
-- gives: number int8, account_id text, name text, hint text, dialect text, hash bytea, created_at int8, revoked_at int8
UPDATE key SET revoked_at = coalesce(revoked_at, $1) WHERE number = $2 AND account_id = $3 RETURNING *;

-- name: account_set_plan
-- gives: number int8, id text, name text, plan text, created_at int8
UPDATE account SET plan = $1 WHERE id = $2 RETURNING *;

-- name: asset_accounts_of
-- gives: account_id text
SELECT DISTINCT account_id FROM content WHERE id = ANY($1);

-- name: asset_asset
-- gives: id text, number int8, account_id text, name text, sha256 text, key text, media_type text, size_bytes int8,
-- gives: created_at int8, expires_at int8, ended_at int8, coalesce text, content_id text
SELECT asset.id, number, asset.account_id, name, sha256, key, media_type, size_bytes, asset.created_at, expires_at,
       ended_at, coalesce(reason, ''), content_id
  FROM asset JOIN content ON content.id = content_id
 WHERE asset.id = $1;

-- name: asset_assets
-- gives: id text, number int8, account_id text, name text, sha256 text, key text, media_type text, size_bytes int8,
-- gives: created_at int8, expires_at int8, ended_at int8, coalesce text, content_id text
SELECT asset.id, number, asset.account_id, name, sha256, key, media_type, size_bytes, asset.created_at, expires_at,
       ended_at, coalesce(reason, ''), content_id
  FROM asset JOIN content ON content.id = content_id
 WHERE asset.account_id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
   AND number < $3
 ORDER BY number DESC LIMIT $4;

-- name: asset_doom
UPDATE content SET state = 'doomed'
 WHERE id = ANY($1) AND state = 'stored'
   AND NOT EXISTS (SELECT 1 FROM asset WHERE content_id = content.id AND ended_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM content_use WHERE content_id = content.id);

-- name: asset_doom_late
UPDATE content SET state = 'doomed' WHERE state = 'arriving' AND created_at < $1;

-- name: asset_doomed
-- gives: id text, account_id text, sha256 text, key text, media_type text, size_bytes int8
SELECT id, account_id, sha256, key, media_type, size_bytes FROM content
 WHERE state = 'doomed' AND id > $1 ORDER BY id LIMIT $2;

-- name: asset_end_asset
-- gives: content_id text
UPDATE asset SET ended_at = $1, reason = $2 WHERE id = $3 AND ended_at IS NULL RETURNING content_id;

-- name: asset_end_upload
DELETE FROM upload WHERE id = $1;

-- name: asset_expire_assets
-- gives: content_id text
UPDATE asset SET ended_at = expires_at, reason = 'expired'
 WHERE ended_at IS NULL AND expires_at IS NOT NULL AND expires_at <= $1
RETURNING content_id;

-- name: asset_hold_as_asset
INSERT INTO asset (id, account_id, content_id, name, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: asset_hold_as_input
INSERT INTO content_use (generation_id, content_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: asset_let_go
-- gives: content_id text
DELETE FROM content_use WHERE generation_id = ANY($1) RETURNING content_id;

-- name: asset_move_content
-- gives: id text
UPDATE content SET state = $1 WHERE id = $2 AND state = $3 RETURNING id;

-- name: asset_move_contents
UPDATE content SET state = $1 WHERE id = ANY($2) AND state = $3;

-- name: asset_note_part
INSERT INTO upload_part (upload_id, number) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: asset_parts
-- gives: number int4
SELECT number FROM upload_part WHERE upload_id = $1 ORDER BY number;

-- name: asset_stale_uploads
-- gives: id text
SELECT id FROM upload WHERE created_at < $1;

-- name: asset_stored_bytes
-- gives: int8 int8
SELECT ((SELECT coalesce(sum(size_bytes), 0) FROM content WHERE account_id = $1 AND state IN ('arriving', 'stored'))
      + (SELECT coalesce(sum(size_bytes), 0) FROM upload WHERE account_id = $1))::bigint;

-- name: asset_strangers
-- gives: content_id text
DELETE FROM content_use
 WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM generation WHERE generation.id = generation_id)
RETURNING content_id;

-- name: asset_upload
-- gives: id text, account_id text, name text, size_bytes int8, part_bytes int8, sha256 text, expires_after_s int8,
-- gives: created_at int8
SELECT id, account_id, name, size_bytes, part_bytes, sha256, expires_after_s, created_at FROM upload WHERE id = $1;

-- name: asset_upload_held_fast
-- gives: id text
SELECT id FROM upload WHERE id = $1 FOR KEY SHARE;

-- name: attempt_ambiguous
-- gives: generation_id text, number int4, provider text, ticket text, started_at int8, outcome text, credential text,
-- gives: base_url text, sent_at int8, ended_at int8, reason text, detail text, cost_micro_usd int8
SELECT generation_id, attempt.number, attempt.provider, ticket, attempt.started_at, outcome, credential, base_url,
       sent_at, ended_at, reason, detail, cost_micro_usd
  FROM attempt JOIN generation ON generation.id = attempt.generation_id AND generation.attempt = attempt.number
 WHERE outcome = 'ambiguous' AND settled_at IS NULL ORDER BY ended_at, generation_id;

-- name: attempt_end
UPDATE attempt
   SET ended_at = $1, outcome = $2, detail = coalesce(nullif($3, ''), detail),
       cost_micro_usd = coalesce(cost_micro_usd + $4::bigint, cost_micro_usd, $4)
 WHERE generation_id = $5 AND number = $6;

-- name: attempt_of
-- gives: generation_id text, number int4, provider text, ticket text, started_at int8, outcome text, credential text,
-- gives: base_url text, sent_at int8, ended_at int8, reason text, detail text, cost_micro_usd int8
SELECT generation_id, number, provider, ticket, started_at, outcome, credential, base_url, sent_at, ended_at, reason,
       detail, cost_micro_usd
  FROM attempt WHERE generation_id = $1 ORDER BY number DESC;

-- name: cluster_leave
DELETE FROM worker WHERE id = $1;

-- name: cluster_living
-- gives: count int8
SELECT count(*) FROM worker WHERE seen_at > now() - make_interval(secs => $1::float8);

-- name: cluster_recover
-- gives: handed_back int8, enqueued int8
SELECT handed_back, enqueued FROM recover($1::bigint, $2::float8, $3::int);

-- name: cluster_saw
-- gives: saw_worker void
SELECT saw_worker($1, $2);

-- name: cluster_secret
-- gives: value bytea
INSERT INTO secret (name, value) VALUES ('links', $1::bytea)
ON CONFLICT (name) DO UPDATE SET value = secret.value RETURNING value;

-- name: copying_columns
-- gives: column_name text, data_type text
SELECT column_name::text, data_type::text FROM information_schema.columns
 WHERE table_schema = $1 AND table_name = $2;

-- name: copying_count_on
-- gives: setval int8
SELECT setval(pg_get_serial_sequence($1, $2), $3);

-- name: copying_counter
-- gives: column_name text
SELECT column_name::text FROM information_schema.columns
 WHERE table_schema = $1 AND table_name = $2 AND is_identity = 'YES';

-- name: cost_by_credential
-- gives: provider text, credential text, sum int8
SELECT provider, credential, CAST(sum(cost_micro_usd) AS bigint) FROM attempt
 WHERE cost_micro_usd IS NOT NULL AND ended_at >= $1 GROUP BY provider, credential;

-- name: cost_report
-- gives: name text, sum int8, sum int8, sum int8
SELECT name, CAST(sum(ended) AS bigint), CAST(sum(captured) AS bigint), CAST(sum(cost) AS bigint)
  FROM (SELECT CASE $1 WHEN 'model' THEN model WHEN 'provider' THEN provider ELSE account_id END AS name,
               1 AS ended, 0 AS captured, 0 AS cost
          FROM generation WHERE settled_at >= $2
         UNION ALL
        SELECT CASE $1 WHEN 'model' THEN model WHEN 'provider' THEN provider ELSE generation.account_id END,
               0, entry.amount, 0
          FROM entry JOIN generation ON generation.id = entry.generation_id
         WHERE entry.kind = 'capture' AND entry.at >= $2
         UNION ALL
        SELECT CASE $1 WHEN 'model' THEN generation.model WHEN 'provider' THEN attempt.provider
                        ELSE generation.account_id END,
               0, 0, attempt.cost_micro_usd
          FROM attempt JOIN generation ON generation.id = attempt.generation_id
         WHERE attempt.cost_micro_usd IS NOT NULL AND attempt.ended_at >= $2) AS moved
 GROUP BY name ORDER BY name;

-- name: delivery_account_of
-- gives: account_id text
SELECT account_id FROM delivery WHERE id = $1;

-- name: delivery_again
-- gives: generation_id text, url text
UPDATE delivery SET stage = 'waiting', tries = 0, done_at = NULL, due_at = NULL
 WHERE id = $1 AND account_id = $2 AND stage IN ('delivered', 'given_up', 'held')
RETURNING generation_id, url;

-- name: delivery_drop
DELETE FROM delivery WHERE webhook_id = $1 AND stage IN ('waiting', 'due', 'held');

-- name: delivery_due
-- gives: id text, generation_id text, event text, data text, url text, dialect text, tries int4, created_at int8,
-- gives: coalesce text, coalesce text
SELECT delivery.id, generation_id, event, data, delivery.url, delivery.dialect, tries, delivery.created_at,
       coalesce(webhook.secret, ''), coalesce(webhook.old_secrets, '[]')
  FROM delivery LEFT JOIN webhook ON webhook.id = webhook_id
 WHERE due_at IS NOT NULL AND due_at <= $1 AND host <> ALL($2)
 ORDER BY due_at, delivery.number LIMIT $3;

-- name: delivery_endpoints
-- gives: id text, url text, events text, disabled_at int8
SELECT id, url, events, disabled_at FROM webhook WHERE account_id = $1 AND dialect = $2;

-- name: delivery_hold
UPDATE delivery SET stage = 'held', due_at = NULL, outcome = coalesce(outcome, 'the endpoint is disabled')
 WHERE webhook_id = $1 AND stage IN ('waiting', 'due');

-- name: delivery_insert
INSERT INTO delivery (id, account_id, webhook_id, dialect, event, data, url, host, stage, created_at, due_at, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
        CASE WHEN $9 THEN 'held' ELSE 'due' END, $10,
        CASE WHEN $9 THEN NULL ELSE $10::bigint END, CASE WHEN $9 THEN 'the endpoint is disabled' END);

-- name: delivery_insert_try
INSERT INTO delivery_try (delivery_id, at, latency_ms, status, outcome, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: delivery_make_due
UPDATE delivery SET stage = 'due', due_at = $1 WHERE id = $2;

-- name: delivery_next_due
-- gives: min int8
SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL AND due_at > $1;

-- name: delivery_note
-- gives: stage text, account_id text, webhook_id text, generation_id text, url text
UPDATE delivery
   SET tries = tries + 1, outcome = $1, done_at = CASE WHEN $2 THEN $3::bigint END,
       due_at = CASE WHEN $2 OR stage = 'held' THEN NULL ELSE $4::bigint END,
       stage = CASE WHEN $2 THEN 'delivered' WHEN stage = 'held' THEN 'held'
                    WHEN $4::bigint IS NULL THEN 'given_up' ELSE 'due' END
 WHERE id = $5
RETURNING stage, account_id, webhook_id, generation_id, url;

-- name: delivery_one
-- gives: number int8, id text, webhook_id text, generation_id text, event text, url text, stage text, created_at int8,
-- gives: due_at int8, done_at int8, outcome text
SELECT number, id, webhook_id, generation_id, event, url, stage, created_at, due_at, done_at, outcome FROM delivery
 WHERE id = $1 AND account_id = $2;

-- name: delivery_page
-- gives: number int8, id text, webhook_id text, generation_id text, event text, url text, stage text, created_at int8,
-- gives: due_at int8, done_at int8, outcome text
SELECT number, id, webhook_id, generation_id, event, url, stage, created_at, due_at, done_at, outcome FROM delivery
 WHERE account_id = $1 AND number < $2
   AND ($3::text IS NULL OR webhook_id = $3)
   AND ($4::text IS NULL OR generation_id = $4)
   AND ($5::text IS NULL OR stage = $5)
 ORDER BY number DESC LIMIT $6;

-- name: delivery_postpone
UPDATE delivery SET due_at = $1 WHERE id = ANY($2) AND stage = 'due' AND due_at < $1;

-- name: delivery_promote
-- gives: id text
UPDATE delivery SET stage = 'due', due_at = $1
 WHERE number = (SELECT min(number) FROM delivery
                  WHERE generation_id = $2 AND url = $3 AND stage IN ('waiting', 'due'))
   AND stage = 'waiting'
RETURNING id;

-- name: delivery_prune
-- gives: id text
DELETE FROM delivery
 WHERE id IN (SELECT id FROM delivery WHERE stage IN ('delivered', 'given_up', 'held') AND created_at < $1
               ORDER BY created_at LIMIT $2)
RETURNING id;

-- name: delivery_readdress
UPDATE delivery SET url = $1, host = $2 WHERE webhook_id = $3 AND stage IN ('waiting', 'due', 'held');

-- name: delivery_tries_of
-- gives: delivery_id text, at int8, latency_ms int8, status int4, outcome text, headers text, body text
SELECT delivery_id, at, latency_ms, status, outcome, headers, body FROM delivery_try
 WHERE delivery_id = ANY($1) ORDER BY number;

-- name: delivery_undelivered_since
-- gives: id text
SELECT id FROM delivery
 WHERE webhook_id = $1 AND account_id = $2 AND created_at >= $3 AND stage IN ('given_up', 'held')
 ORDER BY number LIMIT $4;

-- name: event_here
-- gives: pg_current_snapshot text
SELECT pg_current_snapshot()::text;

-- name: event_newest
-- gives: coalesce int8
SELECT coalesce(max(sequence), 0) FROM event;

-- name: event_newest_of
-- gives: coalesce int8
SELECT coalesce(max(sequence), 0) FROM event WHERE account_id = $1;

-- name: event_prune
DELETE FROM event
 WHERE sequence < (SELECT sequence FROM event WHERE at >= $1 ORDER BY sequence LIMIT 1);

-- name: event_since
-- gives: pg_current_snapshot text, newest int8, number int8, id text, account_id text, dialect text, model text,
-- gives: modality text, task text, provider text, inputs text, wire text, quote int8, held text, spent text,
-- gives: status text, attempt int4, cause_code text, cause_message text, outputs text, created_at int8, started_at int8,
-- gives: settled_at int8, retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4,
-- gives: is_hidden bool, fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4,
-- gives: warn_before_s int8, is_warned bool, start_by int8, deadline_at int8, callback_events text, newest int8
SELECT pg_current_snapshot()::text, told.newest, told.*
  FROM (SELECT 1) AS always
  LEFT JOIN LATERAL (
      SELECT generation.*, changed.newest
        FROM (SELECT generation_id, max(sequence) AS newest FROM event
               WHERE (xid >= pg_snapshot_xmax($1::text::pg_snapshot)
                      OR xid = ANY(ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot))))
                 AND writer != $2
               GROUP BY generation_id) AS changed
        JOIN generation ON generation.id = changed.generation_id
       ORDER BY generation.number) AS told ON TRUE;

-- name: generation_by_id
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation WHERE id = $1;

-- name: generation_by_number
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation WHERE number = $1;

-- name: generation_count_in_flight
-- gives: count int8
SELECT count(*) FROM generation WHERE account_id = $1 AND settled_at IS NULL;

-- name: generation_expired
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation
 WHERE expires_at IS NOT NULL AND NOT is_swept AND expires_at <= $1 AND (expires_at, number) > ($2, $3)
 ORDER BY expires_at, number LIMIT 500;

-- name: generation_forget_assets
UPDATE generation SET outputs = '[]', inputs = '{}', wire = '{}', is_swept = TRUE WHERE id = $1;

-- name: generation_hand_back
UPDATE generation SET status = 'queued' WHERE id = $1 AND status = 'running' AND attempt = $2;

-- name: generation_held_fast
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation WHERE id = $1 FOR NO KEY UPDATE;

-- name: generation_hide
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
UPDATE generation SET is_hidden = TRUE, expires_at = $1 WHERE id = $2 AND settled_at IS NOT NULL RETURNING *;

-- name: generation_mark
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
UPDATE generation
   SET is_favorite = CASE WHEN $1 THEN NOT is_favorite ELSE is_favorite END,
       rating = coalesce($2, rating)
 WHERE id = $3
RETURNING *;

-- name: generation_queued
-- gives: id text, number int8, provider text, account_id text, priority int4, run_limit int4
SELECT id, number, provider, account_id, priority, run_limit FROM generation
 WHERE settled_at IS NULL AND status = 'queued' AND number > $1 ORDER BY number LIMIT $2;

-- name: generation_running_held_fast
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation WHERE id = $1 AND status = 'running' AND attempt = $2 FOR NO KEY UPDATE;

-- name: generation_some
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation WHERE id = ANY($1) OR number = ANY($2);

-- name: generation_with_deadline
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM generation
 WHERE settled_at IS NULL AND (start_by IS NOT NULL OR deadline_at IS NOT NULL) ORDER BY number;

-- name: idempotency_alike
-- gives: number int8
SELECT number FROM (SELECT number, dialect, fingerprint, created_at FROM generation
                     WHERE account_id = $1 ORDER BY number DESC LIMIT 1000)
 WHERE dialect = $2 AND fingerprint = $3 AND created_at >= $4
 ORDER BY number DESC LIMIT 1;

-- name: idempotency_find
-- gives: fingerprint bytea, generation_id text
SELECT fingerprint, generation_id FROM idempotency WHERE account_id = $1 AND key = $2 AND at >= $3;

-- name: idempotency_newest
-- gives: account_id text, dialect text, fingerprint bytea, id text
SELECT account_id, dialect, fingerprint, id FROM generation
 WHERE number > (SELECT coalesce(max(number), 0) FROM generation) - 5000 AND fingerprint IS NOT NULL
   AND created_at >= (SELECT created_at FROM generation ORDER BY number DESC LIMIT 1) - 1000000 AND created_at >= $1
 ORDER BY number;

-- name: idempotency_prune
DELETE FROM idempotency WHERE at < $1;

-- name: ledger_balances
-- gives: purse text, issued int8, available int8, held int8, spent int8
SELECT purse, issued, available, held, spent FROM balance WHERE account_id = $1;

-- name: ledger_by_sequence
-- gives: sequence int8, at int8, account_id text, generation_id text, kind text, purse text, amount int8, note text
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note FROM entry WHERE sequence = $1;

-- name: ledger_counts
-- gives: count int8, count int8, count int8
SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM account), (SELECT count(*) FROM generation);

-- name: ledger_entries_after
-- gives: sequence int8, at int8, account_id text, generation_id text, kind text, purse text, amount int8, note text
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note
  FROM entry WHERE sequence > $1 ORDER BY sequence LIMIT $2;

-- name: ledger_every_balance
-- gives: account_id text, purse text, issued int8, available int8, held int8, spent int8
SELECT account_id, purse, issued, available, held, spent FROM balance;

-- name: ledger_grant
-- gives: move int8
SELECT move($1, NULL, 'grant', $2, $3, $4, $5);

-- name: ledger_open
INSERT INTO balance (account_id, purse) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: ledger_some_entries
-- gives: sequence int8, at int8, account_id text, generation_id text, kind text, purse text, amount int8, note text
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note FROM entry;

-- name: ledger_turnover
-- gives: kind text, sum int8
SELECT kind, sum(amount)::bigint FROM entry WHERE account_id = $1 AND at >= $2 GROUP BY kind;

-- name: ledger_unsettled_books
-- gives: id text, status text, quote int8, was_held int8, was_captured int8, was_released int8
WITH moved AS (
    SELECT generation_id,
           coalesce(sum(amount) FILTER (WHERE kind = 'hold'), 0)::bigint AS was_held,
           coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS was_captured,
           coalesce(sum(amount) FILTER (WHERE kind = 'release'), 0)::bigint AS was_released
      FROM entry WHERE generation_id IS NOT NULL GROUP BY generation_id
), told AS (
    SELECT id, status, quote, settled_at IS NOT NULL AS is_ended,
           (SELECT coalesce(sum(value::bigint), 0) FROM json_each_text(held::json)) AS told_held,
           (SELECT coalesce(sum(value::bigint), 0) FROM json_each_text(spent::json)) AS told_spent,
           coalesce(was_held, 0) AS was_held, coalesce(was_captured, 0) AS was_captured,
           coalesce(was_released, 0) AS was_released
      FROM generation LEFT JOIN moved ON generation_id = id
)
SELECT id, status, quote, was_held, was_captured, was_released
  FROM told
 WHERE was_held != quote
    OR was_captured + was_released != CASE WHEN is_ended THEN was_held ELSE 0 END
    OR (status NOT IN ('completed', 'canceled') AND was_captured != 0)
    OR told_held != was_held
    OR told_spent != was_captured;

-- name: lifecycle_begin
-- gives: told_event int8, number int8, id text, account_id text, dialect text, model text, modality text, task text,
-- gives: provider text, inputs text, wire text, quote int8, held text, spent text, status text, attempt int4,
-- gives: cause_code text, cause_message text, outputs text, created_at int8, started_at int8, settled_at int8,
-- gives: retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool,
-- gives: fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8,
-- gives: is_warned bool, start_by int8, deadline_at int8, callback_events text
SELECT told_event, (begun).* FROM begin_attempts($1, $2, $3);

-- name: lifecycle_cancel
-- gives: told_event int8, number int8, id text, account_id text, dialect text, model text, modality text, task text,
-- gives: provider text, inputs text, wire text, quote int8, held text, spent text, status text, attempt int4,
-- gives: cause_code text, cause_message text, outputs text, created_at int8, started_at int8, settled_at int8,
-- gives: retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool,
-- gives: fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8,
-- gives: is_warned bool, start_by int8, deadline_at int8, callback_events text
SELECT told_event, (canceled).* FROM cancel($1, $2, $3, $4, $5);

-- name: lifecycle_fail_queued
-- gives: told_event int8, number int8, id text, account_id text, dialect text, model text, modality text, task text,
-- gives: provider text, inputs text, wire text, quote int8, held text, spent text, status text, attempt int4,
-- gives: cause_code text, cause_message text, outputs text, created_at int8, started_at int8, settled_at int8,
-- gives: retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool,
-- gives: fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8,
-- gives: is_warned bool, start_by int8, deadline_at int8, callback_events text
SELECT told_event, (failed).* FROM fail_queued($1, $2, $3, $4, $5, $6);

-- name: lifecycle_hand_back
-- gives: number int8, id text, account_id text, dialect text, model text, modality text, task text, provider text,
-- gives: inputs text, wire text, quote int8, held text, spent text, status text, attempt int4, cause_code text,
-- gives: cause_message text, outputs text, created_at int8, started_at int8, settled_at int8, retention_days int8,
-- gives: expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool, fingerprint bytea,
-- gives: expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8, is_warned bool,
-- gives: start_by int8, deadline_at int8, callback_events text
SELECT * FROM hand_back($1);

-- name: lifecycle_lock
-- gives: lock_accounts void
SELECT lock_accounts($1);

-- name: lifecycle_lock_of
-- gives: lock_accounts_of void
SELECT lock_accounts_of($1);

-- name: lifecycle_note_ticket
-- gives: is_noted bool
SELECT is_noted FROM note_tickets($1);

-- name: lifecycle_rescue
-- gives: rescue int8
SELECT rescue($1);

-- name: lifecycle_settle
-- gives: told_event int8, number int8, id text, account_id text, dialect text, model text, modality text, task text,
-- gives: provider text, inputs text, wire text, quote int8, held text, spent text, status text, attempt int4,
-- gives: cause_code text, cause_message text, outputs text, created_at int8, started_at int8, settled_at int8,
-- gives: retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool,
-- gives: fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8,
-- gives: is_warned bool, start_by int8, deadline_at int8, callback_events text
SELECT told_event, (settled).* FROM settle($1, $2);

-- name: lifecycle_submit
-- gives: refusal text, detail int8, known_id text, was_held text, told_number int8, told_event int8
SELECT refusal, detail, known_id, was_held, told_number, told_event FROM submit($1, $2, $3);

-- name: lifecycle_warn
-- gives: warn int8
SELECT warn($1);

-- name: note_accounts
-- gives: pg_notify void
SELECT pg_notify('darkroom', 'accounts');

-- name: note_events
-- gives: pg_notify void
SELECT pg_notify('darkroom', 'events');

-- name: stream_of_account
-- gives: sequence int8, status text, number int8, id text, account_id text, dialect text, model text, modality text,
-- gives: task text, provider text, inputs text, wire text, quote int8, held text, spent text, status text, attempt int4,
-- gives: cause_code text, cause_message text, outputs text, created_at int8, started_at int8, settled_at int8,
-- gives: retention_days int8, expires_at int8, callback_url text, is_favorite bool, rating int4, is_hidden bool,
-- gives: fingerprint bytea, expires_after_s int8, is_swept bool, priority int4, run_limit int4, warn_before_s int8,
-- gives: is_warned bool, start_by int8, deadline_at int8, callback_events text
SELECT event.sequence, event.status, generation.*
  FROM event JOIN generation ON generation.id = event.generation_id
 WHERE event.account_id = $1 AND event.sequence > $2 AND NOT generation.is_hidden
 ORDER BY event.sequence LIMIT $3;

-- name: stream_of_generation
-- gives: sequence int8, status text
SELECT sequence, status FROM event WHERE sequence > $1 AND generation_id = $2 ORDER BY sequence;

-- name: stream_oldest
-- gives: coalesce int8
SELECT coalesce(min(sequence), 0) FROM event;

-- name: stream_took
-- gives: model text, provider text, ?column? int8, case int8
SELECT model, generation.provider, settled_at - generation.started_at,
       CASE WHEN base_url != '' THEN settled_at - sent_at END
  FROM generation LEFT JOIN attempt ON attempt.generation_id = generation.id AND attempt.number = generation.attempt
 WHERE generation.number > (SELECT coalesce(max(number), 0) - 5000 FROM generation)
   AND status = 'completed' AND generation.started_at IS NOT NULL
 ORDER BY generation.number;

-- name: survey_ambiguous
-- gives: provider text, count int8
SELECT attempt.provider, count(*)
  FROM attempt JOIN generation ON generation.id = attempt.generation_id AND generation.attempt = attempt.number
 WHERE outcome = 'ambiguous' AND settled_at IS NULL GROUP BY attempt.provider;

-- name: survey_backlog
-- gives: count int8, min int8
SELECT count(*), min(due_at) FROM delivery WHERE due_at IS NOT NULL AND due_at <= $1;

-- name: survey_unfinished
-- gives: provider text, status text, count int8, min int8
SELECT provider, status, count(*), min(created_at) FROM generation WHERE settled_at IS NULL GROUP BY provider, status;

-- name: webhook_change
UPDATE webhook SET url = coalesce($1, url), events = coalesce($2, events)
 WHERE account_id = $3 AND id = $4;

-- name: webhook_count
-- gives: count int8
SELECT count(*) FROM webhook WHERE account_id = $1;

-- name: webhook_delete
-- gives: id text
DELETE FROM webhook WHERE account_id = $1 AND id = $2 RETURNING id;

-- name: webhook_disable
-- gives: url text
UPDATE webhook SET disabled_at = $1, disabled_why = $2
 WHERE account_id = $3 AND id = $4 AND disabled_at IS NULL
RETURNING url;

-- name: webhook_enable
UPDATE webhook SET disabled_at = NULL, disabled_why = '', failing_since = NULL
 WHERE account_id = $1 AND id = $2;

-- name: webhook_insert
INSERT INTO webhook (id, account_id, dialect, url, secret, events, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: webhook_note_failure
-- gives: failing_since int8
UPDATE webhook SET failing_since = coalesce(failing_since, $1) WHERE id = $2 RETURNING failing_since;

-- name: webhook_note_success
UPDATE webhook SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL;

-- name: webhook_of
-- gives: id text, account_id text, dialect text, url text, secret text, events text, created_at int8, old_secrets text,
-- gives: disabled_at int8, disabled_why text, failing_since int8
SELECT id, account_id, dialect, url, secret, events, created_at, old_secrets, disabled_at, disabled_why, failing_since
  FROM webhook WHERE account_id = $1 ORDER BY created_at, id;

-- name: webhook_one
-- gives: id text, account_id text, dialect text, url text, secret text, events text, created_at int8, old_secrets text,
-- gives: disabled_at int8, disabled_why text, failing_since int8
SELECT id, account_id, dialect, url, secret, events, created_at, old_secrets, disabled_at, disabled_why, failing_since
  FROM webhook WHERE account_id = $1 AND id = $2;

-- name: webhook_rotate
UPDATE webhook SET secret = $1, old_secrets = $2 WHERE account_id = $3 AND id = $4;

