-- The bytes of one SHA-256 in one account, stored once, whoever holds them. A row outlives its bytes.
CREATE TABLE content (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    sha256     TEXT NOT NULL,
    key        TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('arriving', 'stored', 'doomed', 'deleted')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX content_once ON content (account_id, sha256) WHERE state = 'stored';
CREATE INDEX content_by_state ON content (state, id) WHERE state IN ('arriving', 'doomed');
CREATE INDEX content_size ON content (account_id, size_bytes) WHERE state IN ('arriving', 'stored');

-- What an account knows by an id of its own. The row stays when the asset has ended: it says why, and when.
CREATE TABLE asset (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES account (id),
    content_id TEXT NOT NULL REFERENCES content (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    ended_at   INTEGER,
    reason     TEXT CHECK (reason IN ('deleted', 'expired')),
    CHECK ((ended_at IS NULL) = (reason IS NULL))
) STRICT;

CREATE INDEX asset_by_account ON asset (account_id, number) WHERE ended_at IS NULL;
CREATE INDEX asset_by_content ON asset (content_id) WHERE ended_at IS NULL;
CREATE INDEX asset_expiring ON asset (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;

-- Contents that are among a generation's inputs. Written before the generation is, so it cannot refer to it.
CREATE TABLE content_use (
    generation_id TEXT NOT NULL,
    content_id    TEXT NOT NULL REFERENCES content (id),
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (generation_id, content_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX content_use_by_content ON content_use (content_id);

-- Assets on their way in parts.
CREATE TABLE upload (
    id              TEXT PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES account (id),
    name            TEXT NOT NULL,
    size_bytes      INTEGER NOT NULL,
    part_bytes      INTEGER NOT NULL,
    sha256          TEXT,
    expires_after_s INTEGER,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE upload_part (
    upload_id TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;
