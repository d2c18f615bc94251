-- name: oldest
-- What is kept begins here; before it, events were pruned.
SELECT coalesce(min(sequence), 0) FROM event;

-- name: of_generation
SELECT sequence, status FROM event WHERE sequence > :after AND generation_id = :id ORDER BY sequence;

-- name: of_account
-- Along the events, never along the account's generations: those who watch are asking for the newest few.
SELECT event.sequence, event.status, generation.*
  FROM event CROSS JOIN generation ON generation.id = event.generation_id
 WHERE event.sequence > :after AND event.sequence <= :newest
   AND generation.account_id = :account_id AND NOT generation.is_hidden
 ORDER BY event.sequence LIMIT :limit;

-- name: took
-- How long the newest ones took, by model and provider, for a process that has seen none yet: from their start, and from
-- the instant that their work was sent upstream (NULL where it was done here).
SELECT model, generation.provider, settled_at - generation.started_at,
       CASE WHEN base_url != '' THEN settled_at - sent_at END
  FROM generation LEFT JOIN attempt ON attempt.generation_id = generation.id AND attempt.number = generation.attempt
 WHERE generation.number > (SELECT coalesce(max(number), 0) - 5000 FROM generation)
   AND status = 'completed' AND generation.started_at IS NOT NULL
 ORDER BY generation.number;
