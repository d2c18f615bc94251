-- The queue's entries, in the transaction of what they are about: written exactly if a generation is queued.

-- Where the next entry of an account stands in a lane: start-time fair queuing. An account's entries are numbered one
-- after another, and a new one begins no earlier than what is being taken now: one with ten thousand waiting is as far
-- from its next turn as one with a single one.
CREATE OR REPLACE FUNCTION next_turn(of_lane text, of_account text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now_at bigint;
    own bigint;
BEGIN
    SELECT -priority INTO now_at FROM pgqueuer WHERE entrypoint = of_lane AND status = 'queued'
     ORDER BY priority DESC, id LIMIT 1;
    IF now_at IS NULL THEN
        -- Nobody waits: everyone begins where the last one was.
        SELECT number INTO now_at FROM turn WHERE lane = of_lane ORDER BY number DESC LIMIT 1;
    END IF;
    SELECT number + 1 INTO own FROM turn WHERE lane = of_lane AND account_id = of_account;
    RETURN greatest(own, coalesce(now_at, 0));
END $$;

-- An account has been given this number, or more than one up to it: written once for many.
CREATE OR REPLACE FUNCTION keep_turn(of_lane text, of_account text, given bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO turn (lane, account_id, number) VALUES (of_lane, of_account, given)
    ON CONFLICT (lane, account_id) DO UPDATE SET number = greatest(turn.number, excluded.number);
$$;

-- The queue's entry of a generation that waits, with its turn. The headers are for processes of an earlier day, which look
-- at the limit themselves when they take an entry.
CREATE OR REPLACE FUNCTION entry_of(waiting generation, turn bigint, after_s double precision)
RETURNS TABLE (priority int, entrypoint text, payload bytea, dedupe_key text, headers jsonb, status pgqueuer_status,
               execute_after timestamptz) LANGUAGE sql STABLE AS $$
    SELECT -least(turn, 2147483647)::int, waiting.provider, convert_to(waiting.id, 'UTF8'),
           waiting.id || ':' || waiting.attempt,
           CASE WHEN waiting.run_limit IS NOT NULL
                THEN jsonb_build_object('account', waiting.account_id, 'run_limit', waiting.run_limit) END,
           'queued'::pgqueuer_status, now() + make_interval(secs => after_s);
$$;

-- Whether any of its account waits in its lane that is less urgent: hardly ever, and the index knows.
CREATE OR REPLACE FUNCTION overtakes(waiting generation) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM generation WHERE account_id = waiting.account_id AND provider = waiting.provider
                      AND status = 'queued' AND priority < waiting.priority);
$$;

-- An account's own order: the turns stay what they are, and go to the more urgent first, among equals to the older. Only
-- those take part that stand behind the foremost newcomer. Where they are many, the first five hundred, of each priority
-- as many as are new and, of the others, some at equal distances: nobody comes behind what is less urgent, and those who
-- do not go next behind a few of their equals.
CREATE OR REPLACE FUNCTION let_pass(of_account text, of_lane text, newcomers text[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH foremost AS (
        SELECT priority, -number AS age FROM generation WHERE id = ANY(newcomers) ORDER BY 1 DESC, 2 DESC LIMIT 1
    ), standing AS MATERIALIZED (
        SELECT q.id, q.priority AS turn, g.priority AS urgency, g.number, g.id = ANY(newcomers) AS is_new
          FROM generation AS g
          -- In the collation of its index, or each would be compared with each.
          JOIN pgqueuer AS q ON q.dedupe_key = (g.id || ':' || g.attempt) COLLATE "default" AND q.status = 'queued'
         WHERE g.account_id = of_account AND g.provider = of_lane AND g.status = 'queued'
           AND (g.priority, -g.number) <= (SELECT priority, age FROM foremost)
           FOR UPDATE OF q SKIP LOCKED
    ), placed AS (
        SELECT *, row_number() OVER (ORDER BY turn DESC, id) AS place,
               row_number() OVER (PARTITION BY urgency ORDER BY turn DESC, id) AS among_equals,
               count(*) OVER () / 500 + 1 AS distance
          FROM standing
    ), concerned AS (
        SELECT * FROM placed WHERE place <= 500 OR place % distance = 0 OR among_equals <= cardinality(newcomers) OR is_new
    ), turns AS (
        SELECT array_agg(turn ORDER BY turn DESC) AS sorted FROM concerned
    ), ranked AS (
        SELECT id, row_number() OVER (ORDER BY urgency DESC, number) AS rank FROM concerned
    )
    UPDATE pgqueuer SET priority = sorted[rank] FROM ranked, turns
     WHERE pgqueuer.id = ranked.id AND priority != sorted[rank];
$$;

-- Called with every generation that is queued: by `enqueue_new` when it is stored, and by `hand_back`, `decide` and
-- `rescue` when it goes to its next attempt, some time later where `after_s` says so. There is one entry for each attempt
-- that waits, so that the entry of the attempt before, which may still be in hand, does not stand in its way.
CREATE OR REPLACE FUNCTION enqueue(waiting generation, queued_at bigint, after_s double precision DEFAULT 0)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own CONSTANT bigint := next_turn(waiting.provider, waiting.account_id);
BEGIN
    PERFORM keep_turn(waiting.provider, waiting.account_id, own);
    INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, headers, status, execute_after)
    SELECT * FROM entry_of(waiting, own, after_s)
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING;
    IF overtakes(waiting) THEN
        PERFORM let_pass(waiting.account_id, waiting.provider, ARRAY[waiting.id]);
    END IF;
END $$;

-- The same for many that are new and whose accounts' turns are kept by the caller.
CREATE OR REPLACE FUNCTION enqueue_new(ids text[], turns bigint[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
    INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, headers, status, execute_after)
    SELECT entry.* FROM unnest(ids, turns) WITH ORDINALITY AS new (id, turn, place) JOIN generation AS g USING (id)
     CROSS JOIN LATERAL entry_of(g, turn, 0) AS entry ORDER BY place;
    SELECT let_pass(account_id, provider, array_agg(id))
      FROM unnest(ids) AS new (id) JOIN generation AS g USING (id)
     WHERE overtakes(g) GROUP BY account_id, provider;
$$;

-- A worker lives. Its name is that of the store that it writes with.
CREATE OR REPLACE FUNCTION saw_worker(of_id text, of_about text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO worker (id, about) VALUES (of_id, of_about)
    ON CONFLICT (id) DO UPDATE SET seen_at = now();
$$;

-- Some that wait and have lost their entries. Both sides are gone through once: one lookup for each that waits, and none
-- by the right index where nothing is known of a young table yet, is minutes for a hundred thousand.
CREATE OR REPLACE FUNCTION without_entry(most int) RETURNS text[] LANGUAGE sql STABLE SET enable_nestloop = off AS $$
    SELECT ARRAY(
        SELECT g.id FROM generation AS g
          LEFT JOIN (SELECT dedupe_key FROM pgqueuer WHERE status IN ('queued', 'picked')) AS q
                 ON q.dedupe_key = g.id || ':' || g.attempt
         WHERE g.status = 'queued' AND g.settled_at IS NULL AND q.dedupe_key IS NULL
         ORDER BY g.number LIMIT most);
$$;

-- What a worker that is gone was carrying out goes to the next attempt; what waits and has lost its entry gets one. Only
-- the leader sweeps. Returns how many of each.
CREATE OR REPLACE FUNCTION recover(swept_at bigint, dead_after_s double precision, most int)
RETURNS TABLE (handed_back bigint, enqueued bigint) LANGUAGE plpgsql AS $$
DECLARE
    lost generation;
    -- Asked once: within a WHERE it would be asked for each row.
    forgotten CONSTANT text[] := without_entry(most);
BEGIN
    handed_back := 0;
    enqueued := 0;
    FOR lost IN
        UPDATE generation SET status = 'queued'
         WHERE status = 'running' AND settled_at IS NULL AND id IN (
               SELECT g.id FROM generation AS g
                 JOIN attempt AS a ON a.generation_id = g.id AND a.number = g.attempt
                 LEFT JOIN worker AS w ON w.id = a.worker
                WHERE g.status = 'running' AND g.settled_at IS NULL
                  AND (w.id IS NULL OR w.seen_at < now() - make_interval(secs => dead_after_s))
                ORDER BY g.number LIMIT most FOR UPDATE OF g SKIP LOCKED)
        RETURNING * LOOP
        PERFORM enqueue(lost, swept_at);
        handed_back := handed_back + 1;
    END LOOP;
    FOR lost IN
        SELECT * FROM generation WHERE id = ANY(forgotten) AND status = 'queued'
         ORDER BY number FOR UPDATE SKIP LOCKED LOOP
        PERFORM enqueue(lost, swept_at);
        enqueued := enqueued + 1;
    END LOOP;
    DELETE FROM worker WHERE seen_at < now() - INTERVAL '1 day';
    DELETE FROM pgqueuer_log WHERE created < now() - INTERVAL '1 hour';
    DELETE FROM pgqueuer_statistics WHERE created < now() - INTERVAL '1 day';
    RETURN NEXT;
END $$;
