-- The tables that grow, divided by the month in which a generation was submitted. One key does it for all of them: an id
-- begins with its instant (UUIDv7), so a range of ids is a span of time, and whoever asks by id is sent to one month.

CREATE SCHEMA parted;

CREATE TABLE parted.generation (LIKE darkroom.generation INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (id);
CREATE UNIQUE INDEX ON parted.generation (id);
-- Unique within a month; over all months because one sequence gives the numbers out.
CREATE UNIQUE INDEX ON parted.generation (number, id);
CREATE INDEX ON parted.generation (account_id, number);
CREATE INDEX ON parted.generation (account_id) WHERE settled_at IS NULL;
CREATE TRIGGER generation_moves BEFORE UPDATE OF status ON parted.generation FOR EACH ROW
WHEN (NOT (
    OLD.status = NEW.status
    OR (OLD.status = 'queued' AND NEW.status IN ('running', 'failed', 'canceled'))
    OR (OLD.status = 'running' AND NEW.status IN ('queued', 'completed', 'failed', 'canceled'))
))
EXECUTE FUNCTION darkroom.refuse_move();

CREATE TABLE parted.attempt (LIKE darkroom.attempt INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (generation_id);
ALTER TABLE parted.attempt ADD PRIMARY KEY (generation_id, number);

-- An entry lives in the month of its generation, and so does the law that there is one hold and one capture. Grants have
-- no generation: they are few, and stay in the default part for good.
CREATE TABLE parted.entry (LIKE darkroom.entry INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (generation_id);
CREATE UNIQUE INDEX ON parted.entry (generation_id, kind, purse);
CREATE INDEX ON parted.entry (account_id, sequence);
CREATE TABLE parted.entry_grants PARTITION OF parted.entry DEFAULT;
CREATE TRIGGER entry_is_never_updated BEFORE UPDATE ON parted.entry FOR EACH ROW EXECUTE FUNCTION darkroom.refuse_change();
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON parted.entry FOR EACH ROW EXECUTE FUNCTION darkroom.refuse_change();

CREATE TABLE parted.event (LIKE darkroom.event INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (generation_id);
CREATE INDEX ON parted.event (account_id, sequence);
CREATE INDEX ON parted.event (generation_id, sequence);
CREATE INDEX ON parted.event (xid);

-- What the entries of a month that is taken out come to: with them, the books of what is left still add up.
CREATE TABLE parted.closed (
    month      TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES darkroom.account (id),
    purse      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    PRIMARY KEY (month, account_id, purse, kind)
);

-- A month's tables: name, the first id of it, the first id of the next one.
CREATE FUNCTION parted.open_month(name TEXT, first_id TEXT, next_id TEXT) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent TEXT;
BEGIN
    FOREACH parent IN ARRAY ARRAY['generation', 'attempt', 'entry', 'event'] LOOP
        EXECUTE format(
            'CREATE TABLE parted.%I PARTITION OF parted.%I FOR VALUES FROM (%L) TO (%L)',
            parent || '_' || name, parent, first_id, next_id
        );
        -- To the generations of the same month: a reference to all months would be looked up in each, five times as slowly.
        IF parent <> 'generation' THEN
            EXECUTE format(
                'ALTER TABLE parted.%I ADD FOREIGN KEY (generation_id) REFERENCES parted.%I (id)',
                parent || '_' || name, 'generation_' || name
            );
        END IF;
    END LOOP;
END $$;

-- Takes a month out of the tables, and leaves it beside them to be copied away: no row is deleted, none is rewritten.
-- Refused while anything in it is unfinished.
CREATE FUNCTION parted.close_month(name TEXT) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent TEXT;
    unfinished BIGINT;
BEGIN
    EXECUTE format('SELECT count(*) FROM parted.%I WHERE settled_at IS NULL', 'generation_' || name) INTO unfinished;
    IF unfinished > 0 THEN
        RAISE EXCEPTION '% generations of % are unfinished', unfinished, name;
    END IF;
    EXECUTE format(
        'INSERT INTO parted.closed SELECT %L, account_id, purse, kind, sum(amount) FROM parted.%I GROUP BY 2, 3, 4',
        name, 'entry_' || name
    );
    FOREACH parent IN ARRAY ARRAY['event', 'entry', 'attempt', 'generation'] LOOP
        EXECUTE format('ALTER TABLE parted.%I DETACH PARTITION parted.%I', parent, parent || '_' || name);
    END LOOP;
END $$;
