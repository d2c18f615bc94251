-- The same as generation_by_status.
DROP INDEX generation_by_state;
