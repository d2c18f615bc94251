-- name: insert
-- Accept a generation; its number is the sequence that integer-id dialects show.
INSERT INTO generation (id, account_id, dialect, model, modality, task, provider, inputs, wire, quote, created_at,
                        retention_days, expires_after_s, warn_before_s, callback_url, callback_events, fingerprint,
                        priority, run_limit, start_by, deadline_at, held, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued');

-- name: by_id
SELECT * FROM generation WHERE id = :id;

-- name: by_number
SELECT * FROM generation WHERE number = :number;

-- name: count_in_flight
SELECT count(*) FROM generation WHERE account_id = :account_id AND settled_at IS NULL;

-- name: begin
-- A worker takes its turn: the attempt's number is the fence for everything that follows.
UPDATE generation
   SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, :now)
 WHERE id = :id AND status = 'queued'
RETURNING *;

-- name: running
-- The fence, for what is written about an attempt alone.
SELECT * FROM generation WHERE id = :id AND status = 'running' AND attempt = :attempt;

-- name: settle
-- Finish an attempt. A worker that lost its turn matches no row: its attempt is stale.
UPDATE generation
   SET status = :status, spent = :spent, outputs = :outputs, cause_code = :cause_code, cause_message = :cause_message,
       settled_at = :now, expires_at = :now + coalesce(min(retention_days * 86400, expires_after_s),
                                                    retention_days * 86400, expires_after_s) * 1000000
 WHERE id = :id AND status = 'running' AND attempt = :attempt
RETURNING *;

-- name: hand_back
-- Give an attempt's generation to the next attempt, at the same provider or at another.
UPDATE generation SET status = 'queued', provider = coalesce(:provider, provider)
 WHERE id = :id AND status = 'running' AND attempt = :attempt
RETURNING *;

-- name: end_queued
-- End a generation that no worker has begun.
UPDATE generation
   SET status = :status, cause_code = :cause_code, cause_message = :cause_message,
       settled_at = :now, expires_at = :now + coalesce(min(retention_days * 86400, expires_after_s),
                                                    retention_days * 86400, expires_after_s) * 1000000
 WHERE id = :id AND status = 'queued'
RETURNING *;

-- name: cancel
-- The caller takes it back, running or not: the running attempt becomes stale.
UPDATE generation
   SET status = 'canceled', cause_code = 'canceled', cause_message = 'canceled by the caller', spent = :spent,
       settled_at = :now, expires_at = :now + coalesce(min(retention_days * 86400, expires_after_s),
                                                    retention_days * 86400, expires_after_s) * 1000000
 WHERE id = :id AND account_id = :account_id AND status IN ('queued', 'running')
RETURNING *;

-- name: rescue
-- At start nobody is running anything: what says so was cut off.
UPDATE generation SET status = 'queued' WHERE settled_at IS NULL AND status = 'running' RETURNING id;

-- name: queued
-- For the sweep, which asks every few seconds and knows most of them: nothing to decode, and so many at a time.
SELECT id, number, provider, account_id, priority, run_limit FROM generation
 WHERE settled_at IS NULL AND status = 'queued' AND number > :after ORDER BY number LIMIT :limit;

-- name: with_deadline
-- At start: whose time has to be watched.
SELECT * FROM generation
 WHERE settled_at IS NULL AND (start_by IS NOT NULL OR deadline_at IS NOT NULL) ORDER BY number;

-- name: mark
UPDATE generation
   SET is_favorite = CASE WHEN :toggle THEN NOT is_favorite ELSE is_favorite END,
       rating = coalesce(:rating, rating)
 WHERE id = :id
RETURNING *;

-- name: hide
UPDATE generation SET is_hidden = TRUE, expires_at = :now WHERE id = :id AND settled_at IS NOT NULL RETURNING *;

-- name: expired
-- Past retention, and still holding assets.
SELECT * FROM generation
 WHERE expires_at IS NOT NULL AND is_swept = 0 AND expires_at <= :now AND (expires_at, number) > (:after_at, :after)
 ORDER BY expires_at, number LIMIT 500;

-- name: warn
-- Whoever asked to be told before the assets go, once.
UPDATE generation SET is_warned = 1
 WHERE warn_before_s IS NOT NULL AND is_warned = 0 AND expires_at - warn_before_s * 1000000 <= :now
   AND expires_at > :now
RETURNING *;

-- name: forget_assets
-- The row stays for the books, and for whoever asks what became of it; what it pointed to is gone.
UPDATE generation SET outputs = '[]', inputs = '{}', wire = '{}', is_swept = TRUE WHERE id = :id;
