-- Instants are whole microseconds since the epoch, amounts whole micro-credits, JSON is text.

CREATE TABLE account (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    plan       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE key (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL REFERENCES account (id),
    name       TEXT NOT NULL,
    hint       TEXT NOT NULL,
    dialect    TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE generation (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    account_id     TEXT NOT NULL REFERENCES account (id),
    dialect        TEXT NOT NULL,
    model          TEXT NOT NULL,
    modality       TEXT NOT NULL,
    task           TEXT NOT NULL,
    provider       TEXT NOT NULL,
    inputs         TEXT NOT NULL,
    wire           TEXT NOT NULL,
    quote          INTEGER NOT NULL CHECK (quote >= 0),
    held           TEXT NOT NULL,
    spent          TEXT NOT NULL DEFAULT '{}',
    status         TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'canceled')),
    attempt        INTEGER NOT NULL DEFAULT 0,
    cause_code     TEXT,
    cause_message  TEXT,
    outputs        TEXT NOT NULL DEFAULT '[]',
    created_at     INTEGER NOT NULL,
    started_at     INTEGER,
    settled_at     INTEGER,
    retention_days INTEGER,
    expires_at     INTEGER,
    callback_url   TEXT,
    is_favorite    INTEGER NOT NULL DEFAULT 0,
    rating         INTEGER,
    is_hidden      INTEGER NOT NULL DEFAULT 0,
    CHECK ((settled_at IS NULL) = (status IN ('queued', 'running')))
) STRICT;

CREATE INDEX generation_by_account ON generation (account_id, number);
CREATE INDEX generation_unfinished ON generation (account_id, status) WHERE settled_at IS NULL;
CREATE INDEX generation_expiring ON generation (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE attempt (
    generation_id TEXT NOT NULL REFERENCES generation (id),
    number        INTEGER NOT NULL,
    provider      TEXT NOT NULL,
    ticket        TEXT,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    outcome       TEXT,
    PRIMARY KEY (generation_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    account_id    TEXT NOT NULL REFERENCES account (id),
    generation_id TEXT REFERENCES generation (id),
    kind          TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'capture', 'release')),
    purse         TEXT NOT NULL CHECK (purse IN ('subscription', 'permanent')),
    amount        INTEGER NOT NULL CHECK (amount > 0),
    note          TEXT NOT NULL DEFAULT '',
    CHECK ((kind = 'grant') = (generation_id IS NULL))
) STRICT;

CREATE INDEX entry_by_account ON entry (account_id, sequence);
CREATE INDEX entry_by_month ON entry (account_id, at);
-- One hold, one capture, one release for each generation (and purse), whatever the application believes.
CREATE UNIQUE INDEX entry_once ON entry (generation_id, kind, purse) WHERE generation_id IS NOT NULL;

CREATE TRIGGER entry_is_never_updated BEFORE UPDATE ON entry
BEGIN SELECT RAISE (ABORT, 'entries are append-only'); END;

CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE (ABORT, 'entries are append-only'); END;

-- What the entries add up to, kept beside them so that a submit need not add. `issued` is negative: all four sum to zero.
CREATE TABLE balance (
    account_id TEXT NOT NULL REFERENCES account (id),
    purse      TEXT NOT NULL,
    issued     INTEGER NOT NULL DEFAULT 0,
    available  INTEGER NOT NULL DEFAULT 0 CHECK (available >= 0),
    held       INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    spent      INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    PRIMARY KEY (account_id, purse),
    CHECK (issued + available + held + spent = 0)
) STRICT, WITHOUT ROWID;

-- Every change of a generation, in the transaction that made it: what wakes those who wait.
CREATE TABLE event (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    generation_id TEXT NOT NULL REFERENCES generation (id),
    status        TEXT NOT NULL,
    at            INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    dialect    TEXT NOT NULL,
    url        TEXT NOT NULL,
    secret     TEXT NOT NULL,
    events     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_by_account ON webhook (account_id);

CREATE TABLE delivery (
    id            TEXT PRIMARY KEY,
    generation_id TEXT NOT NULL REFERENCES generation (id),
    state         TEXT NOT NULL,
    url           TEXT NOT NULL,
    secret        TEXT NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    due_at        INTEGER,
    done_at       INTEGER,
    outcome       TEXT
) STRICT;

CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
