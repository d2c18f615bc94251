-- Which request an idempotency key belongs to, and what it led to.
CREATE TABLE idempotency (
    account_id    TEXT NOT NULL REFERENCES account (id),
    key           TEXT NOT NULL,
    fingerprint   BLOB NOT NULL,
    generation_id TEXT NOT NULL REFERENCES generation (id),
    at            INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (at);

-- The hash of the request that a generation was submitted by: how a retry without a key is known.
ALTER TABLE generation ADD COLUMN fingerprint BLOB;
