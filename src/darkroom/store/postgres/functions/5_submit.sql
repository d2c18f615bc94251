-- Store generations, their holds, their events and their queue entries, or say why not. Each is decided by itself, as it
-- leaves less for the next one of its account; what is accepted is written in a few statements for all of them.

-- `again` is set where the same call may have been stored before its answer was lost: its id is then the name of what it
-- led to. An answer for each, in the order given.
CREATE OR REPLACE FUNCTION submit(given jsonb[], by_writer text, again boolean)
RETURNS TABLE (refusal text, detail bigint, known_id text, was_held text, told_number bigint, told_event bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    -- What a new row has and its caller does not give.
    fresh CONSTANT jsonb := '{"spent": "{}", "status": "queued", "attempt": 0, "outputs": "[]", "is_favorite": false,
                              "is_hidden": false, "is_swept": false, "is_warned": false}';
    accounts CONSTANT text[] := ARRAY(SELECT DISTINCT each ->> 'account_id' FROM unnest(given) AS each);
    many CONSTANT int := cardinality(given);
    -- The answers, by place. Of one that is accepted the number is set.
    refusals text[] := array_fill(NULL::text, ARRAY[many]);
    details bigint[] := array_fill(NULL::bigint, ARRAY[many]);
    ids text[] := array_fill(NULL::text, ARRAY[many]);
    numbers bigint[] := array_fill(NULL::bigint, ARRAY[many]);
    events bigint[] := array_fill(NULL::bigint, ARRAY[many]);
    -- What one that is accepted holds of each purse, and its turn in its lane.
    from_subscription bigint[] := array_fill(0::bigint, ARRAY[many]);
    from_permanent bigint[] := array_fill(0::bigint, ARRAY[many]);
    turns bigint[] := array_fill(NULL::bigint, ARRAY[many]);
    -- The last turn of each account in each lane. They are kept in the end: an account begins where nobody has waited
    -- before it, whatever others ask for at the same time.
    lasts jsonb := '{}';
    -- Of the account that is looked at: what is left in its purses, how many it has in flight (NULL: not counted yet),
    -- and which keys it has used.
    of_account text := '';
    subscription bigint;
    permanent bigint;
    in_flight bigint;
    keys jsonb;
    lane text;
    one record;
    before record;
    new generation;
BEGIN
    PERFORM lock_accounts(accounts);
    FOR one IN
        SELECT place, each ->> 'account_id' AS account_id, each ->> 'id' AS id, each ->> 'provider' AS lane,
               (each ->> 'quote')::bigint AS quote, (each ->> 'in_flight_limit')::bigint AS most,
               each ->> 'idempotency_key' AS key, each ->> 'fingerprint' AS fingerprint,
               (each ->> 'keys_since')::bigint AS keys_since
          FROM unnest(given) WITH ORDINALITY AS asked (each, place) ORDER BY account_id, place
    LOOP
        IF one.account_id != of_account THEN
            of_account := one.account_id;
            in_flight := NULL;
            keys := '{}';
            SELECT coalesce(sum(available) FILTER (WHERE purse = 'subscription'), 0),
                   coalesce(sum(available) FILTER (WHERE purse = 'permanent'), 0)
              INTO subscription, permanent FROM balance WHERE account_id = of_account;
        END IF;
        ids[one.place] := one.id;
        IF again AND EXISTS (SELECT 1 FROM generation WHERE id = one.id) THEN
            refusals[one.place] := 'known';
            CONTINUE;
        END IF;
        IF one.key IS NOT NULL THEN
            IF keys ? one.key THEN
                SELECT keys -> one.key ->> 0 AS fingerprint, keys -> one.key ->> 1 AS id INTO before;
            ELSE
                SELECT fingerprint::text, generation_id AS id INTO before FROM idempotency
                 WHERE account_id = of_account AND key = one.key AND at >= one.keys_since;
            END IF;
            IF before.id IS NOT NULL THEN
                refusals[one.place] := CASE WHEN before.fingerprint = one.fingerprint THEN 'known' ELSE 'conflict' END;
                ids[one.place] := before.id;
                CONTINUE;
            END IF;
        END IF;
        IF one.most IS NOT NULL AND in_flight IS NULL THEN
            SELECT count(*) + (SELECT count(*) FROM unnest(given, numbers) AS so_far (each, number)
                                WHERE number IS NOT NULL AND each ->> 'account_id' = of_account)
              INTO in_flight FROM generation WHERE account_id = of_account AND settled_at IS NULL;
        END IF;
        IF in_flight >= one.most THEN
            refusals[one.place] := 'full';
            details[one.place] := one.most;
            CONTINUE;
        END IF;
        IF one.quote > subscription + permanent THEN
            refusals[one.place] := 'poor';
            details[one.place] := subscription + permanent;
            CONTINUE;
        END IF;
        -- From the first purse first, as far as it goes: what lapses first is used first.
        from_subscription[one.place] := least(one.quote, subscription);
        from_permanent[one.place] := one.quote - from_subscription[one.place];
        subscription := subscription - from_subscription[one.place];
        permanent := permanent - from_permanent[one.place];
        in_flight := in_flight + 1;
        numbers[one.place] := nextval('generation_number_seq');
        events[one.place] := nextval('event_sequence_seq');
        lane := ARRAY[one.lane, of_account]::text;
        turns[one.place] := coalesce((lasts ->> lane)::bigint + 1, next_turn(one.lane, of_account));
        lasts := lasts || jsonb_build_object(lane, turns[one.place]);
        IF one.key IS NOT NULL THEN
            keys := keys || jsonb_build_object(one.key, jsonb_build_array(one.fingerprint, one.id));
        END IF;
    END LOOP;
    PERFORM keep_turn((place::text[])[1], (place::text[])[2], last::bigint)
       FROM jsonb_each_text(lasts) AS kept (place, last);

    INSERT INTO generation
    SELECT stored.* FROM unnest(given, numbers, from_subscription, from_permanent)
                    WITH ORDINALITY AS accepted (each, number, subscription, permanent, place)
     CROSS JOIN LATERAL jsonb_populate_record(NULL::generation, fresh || each || jsonb_build_object(
               'number', accepted.number, 'held', held_of(accepted.subscription, accepted.permanent))) AS stored
     WHERE accepted.number IS NOT NULL ORDER BY place;
    PERFORM hold(given, from_subscription, from_permanent);
    INSERT INTO idempotency (account_id, key, fingerprint, generation_id, at)
    SELECT each ->> 'account_id', each ->> 'idempotency_key', (each ->> 'fingerprint')::bytea, each ->> 'id',
           (each ->> 'created_at')::bigint
      FROM unnest(given, numbers) AS accepted (each, number)
     WHERE number IS NOT NULL AND each ? 'idempotency_key'
        -- One that has run out may be used anew.
        ON CONFLICT (account_id, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, generation_id = excluded.generation_id, at = excluded.at;
    PERFORM enqueue_new(ARRAY(SELECT id FROM unnest(ids, numbers) AS accepted (id, number) WHERE number IS NOT NULL),
                        ARRAY(SELECT turn FROM unnest(turns) AS turn WHERE turn IS NOT NULL));
    INSERT INTO event (sequence, generation_id, account_id, status, at, writer)
    SELECT sequence, each ->> 'id', each ->> 'account_id', 'queued', (each ->> 'created_at')::bigint, by_writer
      FROM unnest(given, events) AS accepted (each, sequence) WHERE sequence IS NOT NULL ORDER BY sequence;
    FOR new IN
        SELECT stored.* FROM unnest(ids, numbers) WITH ORDINALITY AS accepted (id, number, place)
          JOIN generation AS stored ON stored.id = accepted.id
         WHERE accepted.number IS NOT NULL AND is_heard(stored, listeners(accounts)) ORDER BY place
    LOOP
        PERFORM deliver(new, 'queued', new.created_at);
    END LOOP;
    RETURN QUERY
    SELECT refusal, detail, id, CASE WHEN number IS NOT NULL THEN held_of(subscription, permanent) END, number, event
      FROM unnest(refusals, details, ids, numbers, events, from_subscription, from_permanent)
           WITH ORDINALITY AS decided (refusal, detail, id, number, event, subscription, permanent, place)
     ORDER BY place;
END $$;

-- What a generation is told to hold: JSON by purse.
CREATE OR REPLACE FUNCTION held_of(subscription bigint, permanent bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'subscription', nullif(subscription, 0), 'permanent', nullif(permanent, 0)))::text;
$$;

-- Move what new generations hold, and write it down. A balance is written once for all of them, see `pay`; what would be
-- overdrawn meets a CHECK.
CREATE OR REPLACE FUNCTION hold(given jsonb[], from_subscription bigint[], from_permanent bigint[])
RETURNS void LANGUAGE sql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
    WITH written AS (
        INSERT INTO entry (at, account_id, generation_id, kind, purse, amount)
        SELECT (each ->> 'created_at')::bigint, each ->> 'account_id', each ->> 'id', 'hold', purse, amount
          FROM unnest(given, from_subscription, from_permanent)
               WITH ORDINALITY AS accepted (each, subscription, permanent, place)
         CROSS JOIN LATERAL (VALUES (1, 'subscription', subscription), (2, 'permanent', permanent))
                         AS part (turn, purse, amount)
         WHERE amount > 0 ORDER BY place, turn
        RETURNING account_id, purse, amount
    ), moved AS (
        SELECT account_id, purse, sum(amount)::bigint AS amount FROM written GROUP BY account_id, purse
    )
    UPDATE balance SET available = available - amount, held = held + amount
      FROM moved WHERE balance.account_id = moved.account_id AND balance.purse = moved.purse;
$$;
