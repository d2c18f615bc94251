-- Where an attempt went and when: whoever polls it later goes there too, whatever the configuration says by then. `reason`
-- is why it went there, `detail` what went wrong, `cost_micro_usd` what its upstream billed (NULL where it did not say).
ALTER TABLE attempt
    ADD COLUMN credential     TEXT NOT NULL DEFAULT '',
    ADD COLUMN base_url       TEXT NOT NULL DEFAULT '',
    ADD COLUMN sent_at        BIGINT,
    ADD COLUMN reason         TEXT NOT NULL DEFAULT '',
    ADD COLUMN detail         TEXT NOT NULL DEFAULT '',
    ADD COLUMN cost_micro_usd BIGINT CHECK (cost_micro_usd >= 0);

-- What waits for an operator, and what has cost anything, among however many have ended for nothing.
CREATE INDEX attempt_ambiguous ON attempt (ended_at) WHERE outcome = 'ambiguous';
CREATE INDEX attempt_costs ON attempt (ended_at) WHERE cost_micro_usd IS NOT NULL;
