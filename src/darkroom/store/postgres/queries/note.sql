-- name: accounts
-- Accounts or keys have changed.
SELECT pg_notify('darkroom', 'accounts');

-- name: events
-- Generations have changed.
SELECT pg_notify('darkroom', 'events');
