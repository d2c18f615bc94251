-- name: lock
SELECT lock_accounts(:account_ids);

-- name: lock_of
SELECT lock_accounts_of(:ids);

-- name: submit
SELECT refusal, detail, known_id, was_held, told_number, told_event FROM submit(:given, :writer, :again);

-- name: begin
SELECT told_event, (begun).* FROM begin_attempts(:given, :writer, :again);

-- name: note_ticket
SELECT is_noted FROM note_tickets(:given);

-- name: settle
SELECT told_event, (settled).* FROM settle(:given, :writer);

-- name: hand_back
SELECT * FROM hand_back(:given);

-- name: cancel
SELECT told_event, (canceled).* FROM cancel(:account_id, :id, :billed, :now, :writer);

-- name: fail_queued
SELECT told_event, (failed).* FROM fail_queued(:id, :code, :message, :now, :writer, :only_unstarted);

-- name: rescue
SELECT rescue(:now);

-- name: warn
SELECT warn(:now);
