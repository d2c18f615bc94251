-- name: append
-- Entries are only ever added.
INSERT INTO entry (at, account_id, generation_id, kind, purse, amount, note)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: by_sequence
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note FROM entry WHERE sequence = :sequence;

-- name: open
-- A purse with nothing in it, so that moves out of it meet the CHECK and not a missing row.
INSERT INTO balance (account_id, purse) VALUES (:account_id, :purse) ON CONFLICT DO NOTHING;

-- name: move
-- Between two of an account's buckets. What would be overdrawn meets a CHECK.
UPDATE balance
   SET issued = issued + :issued, available = available + :available, held = held + :held, spent = spent + :spent
 WHERE account_id = :account_id AND purse = :purse;

-- name: balances
SELECT purse, issued, available, held, spent FROM balance WHERE account_id = :account_id;

-- name: holds
-- What a generation has held, in the order of the purses.
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note
  FROM entry WHERE generation_id = :generation_id AND kind = 'hold' ORDER BY sequence;

-- name: turnover
-- What has moved in an account since an instant, by kind.
SELECT kind, sum(amount) FROM entry WHERE account_id = :account_id AND at >= :since GROUP BY kind;

-- name: every_balance
SELECT account_id, purse, issued, available, held, spent FROM balance;

-- name: some_entries
-- The list adds its own conditions.
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note FROM entry;

-- name: every_entry
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note FROM entry ORDER BY sequence;

-- name: unsettled_books
-- Generations whose row and entries disagree (a canceled one may be paid for: its provider may bill it): one that has not held its quote, an ended one that still holds credits, one
-- that failed and paid, an unfinished one that has moved its hold, or one that tells its caller other sums.
WITH moved AS (
    SELECT generation.id, status, quote, settled_at IS NOT NULL AS is_ended,
           (SELECT coalesce(sum(value), 0) FROM json_each(held)) AS told_held,
           (SELECT coalesce(sum(value), 0) FROM json_each(spent)) AS told_spent,
           coalesce(sum(amount) FILTER (WHERE kind = 'hold'), 0) AS was_held,
           coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS was_captured,
           coalesce(sum(amount) FILTER (WHERE kind = 'release'), 0) AS was_released
      FROM generation LEFT JOIN entry ON entry.generation_id = generation.id
     GROUP BY generation.id
)
SELECT id, status, quote, was_held, was_captured, was_released
  FROM moved
 WHERE was_held != quote
    OR was_captured + was_released != CASE WHEN is_ended THEN was_held ELSE 0 END
    OR (status NOT IN ('completed', 'canceled') AND was_captured != 0)
    OR told_held != was_held
    OR told_spent != was_captured;

-- name: counts
SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM account), (SELECT count(*) FROM generation);
