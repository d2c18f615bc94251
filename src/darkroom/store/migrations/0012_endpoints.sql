-- How an endpoint fares, and the secrets that it is moving away from (JSON).
ALTER TABLE webhook ADD COLUMN old_secrets TEXT NOT NULL DEFAULT '[]';
ALTER TABLE webhook ADD COLUMN disabled_at INTEGER;
ALTER TABLE webhook ADD COLUMN disabled_why TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook ADD COLUMN failing_since INTEGER;

-- Which events a generation's own address is told of (JSON); empty is all but `queued`.
ALTER TABLE generation ADD COLUMN callback_events TEXT NOT NULL DEFAULT '[]';

-- A message knows its endpoint, whose secrets may change while it is on its way, and its place in its generation's line.
CREATE TABLE message (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    account_id    TEXT NOT NULL REFERENCES account (id),
    webhook_id    TEXT,
    generation_id TEXT REFERENCES generation (id),
    dialect       TEXT NOT NULL,
    event         TEXT NOT NULL,
    data          TEXT NOT NULL DEFAULT '{}',
    url           TEXT NOT NULL,
    host          TEXT NOT NULL,
    stage         TEXT NOT NULL CHECK (stage IN ('waiting', 'due', 'delivered', 'given_up', 'held')),
    tries         INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    due_at        INTEGER,
    done_at       INTEGER,
    outcome       TEXT,
    CHECK ((stage = 'due') = (due_at IS NOT NULL))
) STRICT;

INSERT INTO message (id, account_id, webhook_id, generation_id, dialect, event, url, host, stage, tries, created_at,
                     due_at, done_at, outcome)
SELECT delivery.id, generation.account_id,
       (SELECT webhook.id FROM webhook WHERE webhook.account_id = generation.account_id
           AND webhook.url = delivery.url AND webhook.secret = delivery.secret AND delivery.secret != ''),
       generation.id, generation.dialect, delivery.state, delivery.url, delivery.host,
       CASE WHEN delivery.due_at IS NOT NULL THEN 'due' WHEN delivery.done_at IS NOT NULL THEN 'delivered'
            ELSE 'given_up' END,
       delivery.tries, delivery.created_at, delivery.due_at, delivery.done_at, delivery.outcome
  FROM delivery JOIN generation ON generation.id = delivery.generation_id
 -- What an endpoint was to have had that was deleted since goes to nobody.
 WHERE delivery.secret = '' OR EXISTS (SELECT 1 FROM webhook WHERE webhook.account_id = generation.account_id
                                          AND webhook.url = delivery.url AND webhook.secret = delivery.secret)
 ORDER BY delivery.rowid;

DROP TABLE delivery;
ALTER TABLE message RENAME TO delivery;

CREATE INDEX delivery_due ON delivery (due_at, host) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_line ON delivery (generation_id, url, number);
CREATE INDEX delivery_by_account ON delivery (account_id, number);
CREATE INDEX delivery_by_webhook ON delivery (webhook_id, number);
CREATE INDEX delivery_by_age ON delivery (created_at) WHERE stage IN ('delivered', 'given_up', 'held');

-- What went out at each try, and how it was answered. The body is kept as it was sent.
CREATE TABLE delivery_try (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id TEXT NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    latency_ms  INTEGER NOT NULL,
    status      INTEGER,
    outcome     TEXT NOT NULL,
    headers     TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;

CREATE INDEX delivery_try_of ON delivery_try (delivery_id, number);
