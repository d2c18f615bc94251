-- name: of_account
SELECT event.sequence, event.status, generation.*
  FROM event JOIN generation ON generation.id = event.generation_id
 WHERE event.account_id = :account_id AND event.sequence > :after AND NOT generation.is_hidden
 ORDER BY event.sequence LIMIT :limit;
