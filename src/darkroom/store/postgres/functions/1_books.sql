-- The account's row is the lock of its books, of its places in flight, of its idempotency keys and of the order of its
-- events. Every verb that moves one of these takes it first, and those of several accounts in the order of their ids.
CREATE OR REPLACE FUNCTION lock_accounts(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM account WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
END $$;

-- The same for whoever knows generations only. Which account a generation is of never changes.
CREATE OR REPLACE FUNCTION lock_accounts_of(generation_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM account
      WHERE id IN (SELECT account_id FROM generation WHERE generation.id = ANY(generation_ids))
      ORDER BY id FOR NO KEY UPDATE;
END $$;

-- Move an amount between two of a purse's buckets, and write it down. What would be overdrawn meets a CHECK.
CREATE OR REPLACE FUNCTION move(
    of_account text, of_generation text, of_kind text, of_purse text, credits bigint, moved_at bigint, because text DEFAULT ''
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    UPDATE balance
       SET issued    = issued    - CASE WHEN of_kind = 'grant' THEN credits ELSE 0 END,
           available = available + CASE of_kind WHEN 'grant' THEN credits WHEN 'release' THEN credits
                                                WHEN 'hold' THEN -credits ELSE 0 END,
           held      = held      + CASE of_kind WHEN 'hold' THEN credits WHEN 'capture' THEN -credits
                                                WHEN 'release' THEN -credits ELSE 0 END,
           spent     = spent     + CASE WHEN of_kind = 'capture' THEN credits ELSE 0 END
     WHERE account_id = of_account AND purse = of_purse;
    INSERT INTO entry (at, account_id, generation_id, kind, purse, amount, note)
    VALUES (moved_at, of_account, of_generation, of_kind, of_purse, credits, because)
    RETURNING sequence INTO written;
    RETURN written;
END $$;

-- What a generation has held, in the order of the purses, and how much of each is captured where so much was used.
CREATE OR REPLACE FUNCTION split(of_generation text, used bigint)
RETURNS TABLE (place bigint, from_purse text, captured bigint, released bigint) LANGUAGE sql STABLE AS $$
    SELECT sequence, purse, taken, amount - taken
      FROM (SELECT sequence, purse, amount,
                   -- A provider can bill us more than we quoted. That is our loss, not the caller's.
                   least(amount, greatest(0, used - coalesce(sum(amount) OVER (
                       ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS taken
              FROM entry WHERE generation_id = of_generation AND kind = 'hold') AS held
     ORDER BY sequence;
$$;

-- What a generation is told to have spent: JSON by purse. A table of one row, which becomes part of the statement that
-- asks: a plain value would be a statement of its own for each row.
CREATE OR REPLACE FUNCTION spent_of(of_generation text, used bigint) RETURNS TABLE (spent text) LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_object_agg(from_purse, captured ORDER BY place) FILTER (WHERE captured > 0), '{}')::text
      FROM split(of_generation, used);
$$;

-- Capture what was used, and give the rest back: for many generations at once, whose accounts are locked. A balance is
-- written once for all of them: each version of a row has to pass those that its transaction has written before it.
CREATE OR REPLACE FUNCTION pay(of_generations text[], used bigint[], paid_at bigint[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
    WITH part AS (
        SELECT account_id, generation_id, from_purse, place, at, kind, amount
          FROM unnest(of_generations, used, paid_at) WITH ORDINALITY AS paid (generation_id, used, at, turn)
          JOIN generation ON generation.id = generation_id
         CROSS JOIN LATERAL split(generation_id, paid.used)
         CROSS JOIN LATERAL (VALUES ('capture', captured), ('release', released)) AS way (kind, amount)
         WHERE amount > 0 ORDER BY turn, place, kind
    ), written AS (
        INSERT INTO entry (at, account_id, generation_id, kind, purse, amount)
        SELECT at, account_id, generation_id, kind, from_purse, amount FROM part
        RETURNING account_id, purse, kind, amount
    ), moved AS (
        SELECT account_id, purse, coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured,
               coalesce(sum(amount) FILTER (WHERE kind = 'release'), 0)::bigint AS released
          FROM written GROUP BY account_id, purse
    )
    UPDATE balance
       SET available = available + released, held = held - captured - released, spent = spent + captured
      FROM moved WHERE balance.account_id = moved.account_id AND balance.purse = moved.purse;
$$;
