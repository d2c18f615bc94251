-- Whom a message is for: a receiver that is slow must not stand before all others.
ALTER TABLE delivery ADD COLUMN host TEXT NOT NULL DEFAULT '';
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (due_at, host) WHERE due_at IS NOT NULL;

-- The sweep asks every few seconds for what is queued, among however many have ended.
CREATE INDEX generation_by_status ON generation (status, number) WHERE settled_at IS NULL;
