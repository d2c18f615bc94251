-- The sweep takes deliveries that have ended out by their age, however many are on their way.
CREATE INDEX delivery_by_age ON delivery (created_at) WHERE due_at IS NULL;
