-- name: report
-- What generations have brought in and cost since an instant, by one of their words: those that ended, what was captured of
-- them, and what upstreams billed. A provider is charged with its own attempts, whoever completed the work in the end.
SELECT name, CAST(sum(ended) AS bigint), CAST(sum(captured) AS bigint), CAST(sum(cost) AS bigint)
  FROM (SELECT CASE :by WHEN 'model' THEN model WHEN 'provider' THEN provider ELSE account_id END AS name,
               1 AS ended, 0 AS captured, 0 AS cost
          FROM generation WHERE settled_at >= :since
         UNION ALL
        SELECT CASE :by WHEN 'model' THEN model WHEN 'provider' THEN provider ELSE generation.account_id END,
               0, entry.amount, 0
          FROM entry JOIN generation ON generation.id = entry.generation_id
         WHERE entry.kind = 'capture' AND entry.at >= :since
         UNION ALL
        SELECT CASE :by WHEN 'model' THEN generation.model WHEN 'provider' THEN attempt.provider
                        ELSE generation.account_id END,
               0, 0, attempt.cost_micro_usd
          FROM attempt JOIN generation ON generation.id = attempt.generation_id
         WHERE attempt.cost_micro_usd IS NOT NULL AND attempt.ended_at >= :since) AS moved
 GROUP BY name ORDER BY name;

-- name: by_credential
-- What upstreams have billed since an instant: what is left of a credential's budget is known to every process.
SELECT provider, credential, CAST(sum(cost_micro_usd) AS bigint) FROM attempt
 WHERE cost_micro_usd IS NOT NULL AND ended_at >= :since GROUP BY provider, credential;
