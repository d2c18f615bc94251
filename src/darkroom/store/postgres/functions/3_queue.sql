-- Called with every generation that is queued, in the transaction that queues it: by `submit` when it is stored, and by
-- `hand_back`, `decide` and `rescue` when it goes to its next attempt. What is written here is there exactly if the
-- generation is queued. A queue that lives in the database puts its entry here; the one in memory needs none, and is told
-- after the commit.
CREATE OR REPLACE FUNCTION enqueue(waiting generation, queued_at bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    NULL;
END $$;
