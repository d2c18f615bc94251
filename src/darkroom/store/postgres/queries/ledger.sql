-- name: grant
SELECT move(:account_id, NULL, 'grant', :purse, :amount, :now, :note);

-- name: turnover
-- What has moved in an account since an instant, by kind.
SELECT kind, sum(amount)::bigint FROM entry WHERE account_id = :account_id AND at >= :since GROUP BY kind;

-- name: unsettled_books
-- Generations whose row and entries disagree: see the embedded store's query of the same name.
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

-- name: entries_after
SELECT sequence, at, account_id, generation_id, kind, purse, amount, note
  FROM entry WHERE sequence > :after ORDER BY sequence LIMIT :limit;
