-- name: newest
SELECT coalesce(max(sequence), 0) FROM event;

-- name: newest_of
-- Of one account: its numbers come in the order of its commits, so that nothing before this one is still to come.
SELECT coalesce(max(sequence), 0) FROM event WHERE account_id = :account_id;

-- name: here
SELECT pg_current_snapshot()::text;

-- name: since
-- What other processes have changed, each generation once: the events of all transactions that this statement sees and an
-- earlier look at `place` did not, in whatever order they were committed. A row without a generation where there is none.
SELECT pg_current_snapshot()::text, told.newest, told.*
  FROM (SELECT 1) AS always
  LEFT JOIN LATERAL (
      SELECT generation.*, changed.newest
        FROM (SELECT generation_id, max(sequence) AS newest FROM event
               WHERE (xid >= pg_snapshot_xmax(:place::text::pg_snapshot)
                      OR xid = ANY(ARRAY(SELECT pg_snapshot_xip(:place::text::pg_snapshot))))
                 AND writer != :writer
               GROUP BY generation_id) AS changed
        JOIN generation ON generation.id = changed.generation_id
       ORDER BY generation.number) AS told ON TRUE;
