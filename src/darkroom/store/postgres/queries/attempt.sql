-- name: end
UPDATE attempt
   SET ended_at = :now, outcome = :outcome, detail = coalesce(nullif(:detail, ''), detail),
       cost_micro_usd = coalesce(cost_micro_usd + :cost::bigint, cost_micro_usd, :cost)
 WHERE generation_id = :id AND number = :attempt;
