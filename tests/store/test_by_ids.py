"""How PostgreSQL goes about a generation's statements: by ids, whatever it believes of a table that is young."""

import json

from darkroom.clock import to_micros
from tests.postgres import postgres
from tests.store.conftest import NOW, Dsn, a_new, an_account, by_hand, opened, play

WAITING = 100

BY_STATUS = """
    SELECT sum(pg_stat_get_xact_numscans(indexrelid))::int FROM pg_index
     WHERE indrelid = 'generation'::regclass AND pg_get_indexdef(indexrelid) ~ 'status|settled_at'
"""


def test_what_waits_is_not_looked_through_to_begin_and_settle_a_few() -> None:
    """Each of a batch was compared with all that waited, in the first calls of every connection."""

    async def act() -> None:
        home = Dsn(await postgres().fresh())
        async with opened(home) as store:
            ann = await an_account(store)
            ids = [(await store.submit(a_new(ann, 0))).id for _ in range(WAITING)][:3]
        one = {"now": to_micros(NOW), "attempt": 1, "used": 0, "status": "completed", "outputs": "[]"}
        given = ", ".join(f"'{json.dumps(one | {'id': id})}'" for id in ids)
        begin = f"SELECT (begun).id FROM begin_attempts(ARRAY[{given}]::jsonb[], 'w', FALSE)"
        settle = f"SELECT (settled).id FROM settle(ARRAY[{given}]::jsonb[], 'w')"
        assert by_hand(home, ["BEGIN", begin]) == [(id,) for id in ids]
        assert by_hand(home, ["BEGIN", begin, settle]) == [(id,) for id in ids]
        assert by_hand(home, ["BEGIN", begin, settle, BY_STATUS]) == [(0,)]

    play(act)
