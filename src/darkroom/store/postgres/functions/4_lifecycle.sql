-- The lifecycle of generations: each function is one verb for many generations, in one statement and one transaction.
-- They are called with arrays, because what is asked for while a commit is on its way goes into the next one together.

-- Which of them must wait on, as their account runs as many as its plan lets it. Asked while the accounts are locked, it
-- stays so. What is held as ambiguous does not count: it is in nobody's hands, and may be for an hour.
CREATE OR REPLACE FUNCTION over_limit(ids text[]) RETURNS text[] LANGUAGE sql AS $$
    WITH asked AS (
        -- Where a plan has changed the greatest limit comes first, and none at all before it: so what must wait
        -- takes no place from those that come after it.
        SELECT id, account_id, run_limit,
               row_number() OVER (PARTITION BY account_id ORDER BY run_limit DESC, priority DESC, number) AS place
          FROM generation WHERE id = ANY(ids) AND status = 'queued'
    ), running AS (
        SELECT account_id, count(*) AS count
          FROM generation AS g
         WHERE account_id IN (SELECT account_id FROM asked WHERE run_limit IS NOT NULL)
           AND status = 'running' AND settled_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM attempt
                            WHERE generation_id = g.id AND number = g.attempt AND outcome = 'ambiguous')
         GROUP BY account_id
    )
    SELECT ARRAY(SELECT id FROM asked LEFT JOIN running USING (account_id)
                  WHERE coalesce(running.count, 0) + place > run_limit);
$$;

-- A worker takes its turn: the attempt's number is the fence for everything that follows. The attempt is there before the
-- paid call. One row for each id, empty where it is not queued (any more). Asked `again` after a lost answer, a writer is
-- given what it has begun: by the same writer at the same microsecond nothing is begun twice. Whoever `keeps_limit` is
-- given what must wait on as it is, queued; a process of an earlier day would carry it out.
-- Like `settle` one statement for all of them, by their ids alone: a plan that was made while a table was small, and
-- reads all of it or all that waits, would be kept while it grows. So the status stands in a CASE, which no index knows;
-- and the plan is made once, not anew for each of a connection's first calls.
CREATE OR REPLACE FUNCTION begin_attempts(given jsonb[], by_writer text, again boolean)
RETURNS TABLE (told_event bigint, begun generation) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    each record;
    ids CONSTANT text[] := ARRAY(SELECT one ->> 'id' FROM unnest(given) AS one);
    accounts text[];
    has_limits boolean;
    listening text[];
    waiting text[] := '{}';
BEGIN
    SELECT array_agg(DISTINCT account_id), bool_or(run_limit IS NOT NULL) INTO accounts, has_limits
      FROM generation WHERE id = ANY(ids);
    PERFORM lock_accounts(accounts);
    listening := listeners(accounts);
    IF has_limits AND given[1] ? 'keeps_limit' THEN
        waiting := over_limit(ids);
    END IF;
    FOR each IN
        WITH wanted AS MATERIALIZED (
            SELECT place, one ->> 'id' AS id, (one ->> 'now')::bigint AS at
              FROM unnest(given) WITH ORDINALITY AS asked (one, place)
        ), taken AS (
            UPDATE generation
               SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, at)
              FROM wanted
             WHERE generation.id = wanted.id AND CASE status WHEN 'queued' THEN wanted.id != ALL(waiting) END
            RETURNING place, at, generation AS changed
        ), tried AS (
            INSERT INTO attempt (generation_id, number, provider, started_at, worker)
            SELECT (changed).id, (changed).attempt, (changed).provider, at, by_writer FROM taken
        ), told AS MATERIALIZED (
            SELECT place, at, changed, nextval('event_sequence_seq') AS sequence
              FROM (SELECT * FROM taken ORDER BY place) AS taken
        ), written AS (
            INSERT INTO event (sequence, generation_id, account_id, status, at, writer)
            SELECT sequence, (changed).id, (changed).account_id, (changed).status, at, by_writer FROM told
        )
        SELECT place, (changed).id, at, sequence, changed, is_heard(changed, listening) FROM told
         UNION ALL
        SELECT place, id, at, NULL, NULL, FALSE FROM wanted WHERE place NOT IN (SELECT place FROM told)
         ORDER BY place
    LOOP
        IF each.id = ANY(waiting) THEN
            SELECT generation AS changed, NULL::bigint AS sequence, FALSE AS is_heard INTO each
              FROM generation WHERE id = each.id;
        ELSIF each.sequence IS NULL AND again THEN
            SELECT max(sequence) AS sequence, ours AS changed, FALSE AS is_heard INTO each
              FROM generation AS ours JOIN event ON generation_id = id
             WHERE id = each.id AND ours.status = 'running' AND EXISTS (
                   SELECT 1 FROM event WHERE generation_id = each.id AND status = 'running' AND writer = by_writer
                      AND at = each.at)
             GROUP BY ours.number;
        END IF;
        IF each.is_heard THEN
            PERFORM deliver(each.changed, 'running', each.at);
        END IF;
        told_event := each.sequence;
        begun := each.changed;
        RETURN NEXT;
    END LOOP;
END $$;

-- Before the paid call with where it goes, and right after it with the answer. The fence is the generation's own row.
CREATE OR REPLACE FUNCTION note_tickets(given jsonb[]) RETURNS TABLE (is_noted boolean) LANGUAGE plpgsql AS $$
DECLARE
    one jsonb;
BEGIN
    FOREACH one IN ARRAY given LOOP
        UPDATE attempt
           SET ticket = one ->> 'ticket', credential = one ->> 'credential', base_url = one ->> 'base_url',
               sent_at = (one ->> 'sent_at')::bigint, reason = one ->> 'reason'
         WHERE generation_id = one ->> 'id' AND number = (one ->> 'attempt')::int
           AND EXISTS (SELECT 1 FROM generation WHERE id = one ->> 'id' AND status = 'running'
                          AND attempt = (one ->> 'attempt')::int);
        RETURN QUERY SELECT FOUND;
    END LOOP;
END $$;

-- When the assets of what ends now are to go: as its plan says, or sooner where its caller does.
CREATE OR REPLACE FUNCTION expiry(of_generation generation, ended_at bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ended_at + least(of_generation.retention_days * 86400, of_generation.expires_after_s) * 1000000;
$$;

CREATE OR REPLACE FUNCTION end_attempt(
    of_generation generation, how text, ended bigint, went_wrong text DEFAULT '', cost bigint DEFAULT NULL
) RETURNS void LANGUAGE sql AS $$
    UPDATE attempt
       SET ended_at = ended, outcome = how, detail = coalesce(nullif(went_wrong, ''), detail),
           cost_micro_usd = coalesce(cost_micro_usd + cost, cost_micro_usd, cost)
     WHERE generation_id = of_generation.id AND number = of_generation.attempt;
$$;

-- Finish attempts: status, credits and event together. A worker that lost its turn matches no row: its attempt is stale,
-- and its row of the answer empty. One that asks the same again, because the answer was lost, is answered as before.
CREATE OR REPLACE FUNCTION settle(given jsonb[], by_writer text)
RETURNS TABLE (told_event bigint, settled generation) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    each record;
    accounts CONSTANT text[] := ARRAY(SELECT DISTINCT account_id FROM generation
                                       WHERE id = ANY(ARRAY(SELECT one ->> 'id' FROM unnest(given) AS one)));
    listening text[];
    paid_ids text[] := '{}';
    paid_used bigint[] := '{}';
    paid_at bigint[] := '{}';
BEGIN
    PERFORM lock_accounts(accounts);
    listening := listeners(accounts);
    FOR each IN
        WITH wanted AS MATERIALIZED (
            SELECT place, one, one ->> 'id' AS id, (one ->> 'now')::bigint AS at, (one ->> 'used')::bigint AS used,
                   (one ->> 'cost')::bigint AS cost, spent
              FROM unnest(given) WITH ORDINALITY AS asked (one, place)
             CROSS JOIN LATERAL spent_of(one ->> 'id', (one ->> 'used')::bigint)
        ), ended AS (
            UPDATE generation
               SET status = one ->> 'status', outputs = one ->> 'outputs', cause_code = one ->> 'cause_code',
                   cause_message = one ->> 'cause_message', settled_at = at, expires_at = expiry(generation, at),
                   spent = wanted.spent
              FROM wanted
             WHERE generation.id = wanted.id
               AND CASE generation.status WHEN 'running' THEN attempt = (one ->> 'attempt')::int END
            RETURNING place, one, used, at, cost, generation AS changed
        ), tried AS (
            UPDATE attempt
               SET ended_at = at, outcome = (changed).status,
                   cost_micro_usd = coalesce(cost_micro_usd + cost, cost_micro_usd, cost)
              FROM ended WHERE generation_id = (changed).id AND number = (changed).attempt
        ), told AS MATERIALIZED (
            SELECT place, one, used, at, changed, nextval('event_sequence_seq') AS sequence
              FROM (SELECT * FROM ended ORDER BY place) AS ended
        ), written AS (
            INSERT INTO event (sequence, generation_id, account_id, status, at, writer)
            SELECT sequence, (changed).id, (changed).account_id, (changed).status, at, by_writer FROM told
        )
        SELECT place, one, (changed).id, used, at, sequence, changed, is_heard(changed, listening) FROM told
         UNION ALL
        SELECT place, one, id, used, at, NULL, NULL, FALSE FROM wanted WHERE place NOT IN (SELECT place FROM told)
         ORDER BY place
    LOOP
        IF each.sequence IS NOT NULL THEN
            paid_ids := paid_ids || each.id;
            paid_used := paid_used || each.used;
            paid_at := paid_at || each.at;
        ELSE
            SELECT max(sequence) AS sequence, ours AS changed, FALSE AS is_heard INTO each
              FROM generation AS ours JOIN event ON generation_id = id
             WHERE id = each.id AND ours.status = each.one ->> 'status' AND ours.outputs = each.one ->> 'outputs'
               AND ours.attempt = (each.one ->> 'attempt')::int AND ours.settled_at = each.at
             GROUP BY ours.number;
        END IF;
        IF each.is_heard THEN
            PERFORM deliver(each.changed, each.one ->> 'status', each.at);
        END IF;
        told_event := each.sequence;
        settled := each.changed;
        RETURN NEXT;
    END LOOP;
    PERFORM pay(paid_ids, paid_used, paid_at);
END $$;

-- Give attempts' generations to the next attempts, at the same provider or at another; a row for each, empty where the attempt is stale.
CREATE OR REPLACE FUNCTION hand_back(given jsonb[]) RETURNS SETOF generation LANGUAGE plpgsql AS $$
DECLARE
    one jsonb;
    given_up generation;
BEGIN
    -- Its account's turn is written as well: in the one order that everybody locks in.
    PERFORM lock_accounts_of(ARRAY(SELECT each ->> 'id' FROM unnest(given) AS each));
    FOREACH one IN ARRAY given LOOP
        UPDATE generation SET status = 'queued', provider = coalesce(one ->> 'provider', provider)
         WHERE id = one ->> 'id' AND status = 'running' AND attempt = (one ->> 'attempt')::int
        RETURNING * INTO given_up;
        IF FOUND THEN
            PERFORM end_attempt(given_up, one ->> 'outcome', (one ->> 'now')::bigint, one ->> 'detail',
                                (one ->> 'cost')::bigint);
            PERFORM enqueue(given_up, (one ->> 'now')::bigint, coalesce((one ->> 'after_s')::float8, 0));
        END IF;
        RETURN NEXT given_up;
    END LOOP;
END $$;

-- The caller takes it back, running or not: the running attempt becomes stale. One that runs at a provider among `billed`
-- is paid for all the same. Empty where it is not there or has ended.
CREATE OR REPLACE FUNCTION cancel(of_account text, of_id text, billed text[], canceled_at bigint, by_writer text)
RETURNS TABLE (told_event bigint, canceled generation) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ended generation;
    used bigint;
BEGIN
    PERFORM lock_accounts(ARRAY[of_account]);
    SELECT CASE WHEN status = 'running' AND provider = ANY(billed) THEN quote ELSE 0 END INTO used
      FROM generation WHERE id = of_id FOR NO KEY UPDATE;
    UPDATE generation
       SET status = 'canceled', cause_code = 'canceled', cause_message = 'canceled by the caller',
           spent = (SELECT spent FROM spent_of(id, used)), settled_at = canceled_at, expires_at = expiry(generation, canceled_at)
     WHERE id = of_id AND account_id = of_account AND status IN ('queued', 'running')
    RETURNING * INTO ended;
    IF FOUND THEN
        PERFORM end_attempt(ended, 'canceled', canceled_at);
        PERFORM pay(ARRAY[ended.id], ARRAY[used], ARRAY[canceled_at]);
        RETURN QUERY SELECT announce(ended, by_writer, canceled_at), ended;
    END IF;
END $$;

-- End a generation that waits, and give everything back.
CREATE OR REPLACE FUNCTION fail_queued(
    of_id text, code text, message text, failed_at bigint, by_writer text, only_unstarted boolean
) RETURNS TABLE (told_event bigint, failed generation) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ended generation;
BEGIN
    PERFORM lock_accounts_of(ARRAY[of_id]);
    UPDATE generation
       SET status = 'failed', cause_code = code, cause_message = message, settled_at = failed_at,
           expires_at = expiry(generation, failed_at)
     WHERE id = of_id AND status = 'queued' AND (attempt = 0 OR NOT only_unstarted)
    RETURNING * INTO ended;
    IF FOUND THEN
        PERFORM pay(ARRAY[ended.id], ARRAY[0::bigint], ARRAY[failed_at]);
        RETURN QUERY SELECT announce(ended, by_writer, failed_at), ended;
    END IF;
END $$;

-- At a start where nobody is running anything: what says so was cut off. Returns how many.
CREATE OR REPLACE FUNCTION rescue(rescued_at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    cut_off generation;
    count bigint := 0;
BEGIN
    FOR cut_off IN UPDATE generation SET status = 'queued' WHERE settled_at IS NULL AND status = 'running'
                   RETURNING * LOOP
        PERFORM enqueue(cut_off, rescued_at);
        count := count + 1;
    END LOOP;
    RETURN count;
END $$;

-- A message to whoever asked to be told before the assets go, once. Returns how many generations it was about.
CREATE OR REPLACE FUNCTION warn(warned_at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    expiring generation;
    count bigint := 0;
BEGIN
    PERFORM lock_accounts(ARRAY(
        SELECT account_id FROM generation
         WHERE warn_before_s IS NOT NULL AND NOT is_warned AND expires_at - warn_before_s * 1000000 <= warned_at));
    FOR expiring IN UPDATE generation SET is_warned = TRUE
                     WHERE warn_before_s IS NOT NULL AND NOT is_warned
                       AND expires_at - warn_before_s * 1000000 <= warned_at AND expires_at > warned_at
                    RETURNING * LOOP
        PERFORM deliver(expiring, 'expiring', warned_at);
        count := count + 1;
    END LOOP;
    RETURN count;
END $$;
