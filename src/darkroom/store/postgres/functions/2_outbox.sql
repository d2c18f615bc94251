-- A UUID of version 7: the milliseconds of now, then chance.
CREATE OR REPLACE FUNCTION new_id() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid::text;
$$;

-- Whom a message is for, as far as the courier's turns go: the host of its address, in small letters and without a port.
CREATE OR REPLACE FUNCTION host_of(url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(trim(BOTH '[]' FROM coalesce(substring(url FROM '^[^:/?#]+://(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]*)'), '')));
$$;

-- One message. It waits while an earlier one of its generation is on its way to the same address.
CREATE OR REPLACE FUNCTION post(
    about generation, to_webhook text, to_url text, told_event text, is_held boolean, posted_at bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    chosen text := 'due';
BEGIN
    IF is_held THEN
        chosen := 'held';
    ELSIF EXISTS (SELECT 1 FROM delivery WHERE generation_id = about.id AND url = to_url
                     AND stage IN ('waiting', 'due')) THEN
        chosen := 'waiting';
    END IF;
    INSERT INTO delivery (id, account_id, webhook_id, generation_id, dialect, event, url, host, stage, created_at, due_at,
                          outcome)
    VALUES (new_id(), about.account_id, to_webhook, about.id, about.dialect, told_event, to_url, host_of(to_url), chosen,
            posted_at, CASE chosen WHEN 'due' THEN posted_at END,
            CASE chosen WHEN 'held' THEN 'the endpoint is disabled' END);
END $$;

-- A message for everyone who asked to be told of this state of a generation.
CREATE OR REPLACE FUNCTION deliver(about generation, state text, told_at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    hook record;
BEGIN
    FOR hook IN SELECT id, url, events, disabled_at FROM webhook
                 WHERE account_id = about.account_id AND dialect = about.dialect ORDER BY created_at, id LOOP
        IF hook.events = '[]' OR hook.events::jsonb ? state THEN
            PERFORM post(about, hook.id, hook.url, state, hook.disabled_at IS NOT NULL, told_at);
        END IF;
    END LOOP;
    IF about.callback_url IS NOT NULL
       AND (CASE about.callback_events WHEN '[]' THEN state != 'queued' ELSE about.callback_events::jsonb ? state END) THEN
        PERFORM post(about, NULL, about.callback_url, state, FALSE, told_at);
    END IF;
END $$;

-- Who of these accounts may have asked to be told, in which dialects: hardly anybody. Asked once for many generations.
CREATE OR REPLACE FUNCTION listeners(accounts text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT DISTINCT account_id || ' ' || dialect FROM webhook WHERE account_id = ANY(accounts));
$$;

CREATE OR REPLACE FUNCTION is_heard(about generation, listening text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT about.callback_url IS NOT NULL OR about.account_id || ' ' || about.dialect = ANY(listening);
$$;

-- Write down that a generation has changed, and a message for everyone who asked to be told. Returns the event's number.
-- The account is locked by now: see `lock_accounts`.
CREATE OR REPLACE FUNCTION announce(changed generation, by_writer text, changed_at bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    told bigint;
BEGIN
    INSERT INTO event (generation_id, account_id, status, at, writer)
    VALUES (changed.id, changed.account_id, changed.status, changed_at, by_writer)
    RETURNING sequence INTO told;
    PERFORM deliver(changed, changed.status, changed_at);
    RETURN told;
END $$;
