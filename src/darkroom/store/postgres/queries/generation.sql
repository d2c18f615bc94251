-- name: some
SELECT * FROM generation WHERE id = ANY(:ids) OR number = ANY(:numbers);

-- name: held_fast
-- For a verb that looks first: nobody else moves it meanwhile.
SELECT * FROM generation WHERE id = :id FOR NO KEY UPDATE;

-- name: running_held_fast
SELECT * FROM generation WHERE id = :id AND status = 'running' AND attempt = :attempt FOR NO KEY UPDATE;

-- name: hand_back
UPDATE generation SET status = 'queued' WHERE id = :id AND status = 'running' AND attempt = :attempt;

-- name: expired
-- Past retention, and still holding assets.
SELECT * FROM generation
 WHERE expires_at IS NOT NULL AND NOT is_swept AND expires_at <= :now AND (expires_at, number) > (:after_at, :after)
 ORDER BY expires_at, number LIMIT 500;
