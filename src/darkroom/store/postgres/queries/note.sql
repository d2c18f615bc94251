-- name: accounts
-- Accounts or keys have changed.
SELECT pg_notify('darkroom', 'accounts');

-- name: events
-- Generations have changed, and what else there is to say of it.
SELECT pg_notify('darkroom', :note);

-- name: nudges
-- Upstreams have work to show.
SELECT pg_notify('darkroom_nudges', id) FROM unnest(:ids::text[]) AS id;
