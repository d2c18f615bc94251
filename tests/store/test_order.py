"""An account's own order in PostgreSQL's queue: the more urgent first, among equals the older, however many wait."""

import asyncio
from collections.abc import Sequence

from darkroom.account import Account
from darkroom.store.postgres.store import PostgresStore
from tests.postgres import postgres
from tests.store.conftest import AnyStore, Dsn, a_new, an_account, by_hand, opened, play, rows_of

ORDER = """
    SELECT g.number FROM pgqueuer AS q JOIN generation AS g ON convert_from(q.payload, 'UTF8') = g.id
     ORDER BY q.priority DESC, q.id
"""
TURNS = "SELECT -priority FROM pgqueuer ORDER BY id"


def order(home: Dsn) -> list[int]:
    return [number for (number,) in rows_of(home, ORDER)]


async def submitted(store: AnyStore, account: Account, priorities: Sequence[int]) -> None:
    """All at once: the first two hundred of them in one statement, numbered in this order."""
    await asyncio.gather(*(store.submit(a_new(account, 0, priority=priority)) for priority in priorities))


def test_nobody_goes_behind_what_is_less_urgent_however_many_are_passed() -> None:
    async def act() -> None:
        home = Dsn(await postgres().fresh())
        async with opened(home) as store:
            ann = await an_account(store)
            for priorities in ([5] * 1100, [0] * 1100, [-5] * 10):
                await submitted(store, ann, priorities)
            assert order(home) == list(range(1, 2211))
            # As urgent as the first of them, and younger. Those whom they pass next are in their places still.
            await submitted(store, ann, [5, 5])
            numbers = order(home)
            assert numbers[:1102] == [*range(1, 1101), 2211, 2212]
            assert numbers[1102:1600] == list(range(1101, 1599))
            assert sorted(numbers[1600:2202]) == list(range(1599, 2201))
            assert sorted(numbers[2202:]) == list(range(2201, 2211))
            # One before all, and one between the others.
            await submitted(store, ann, [9, -1])
            numbers = order(home)
            assert numbers[0] == 2213
            assert numbers[1:500] == list(range(1, 500))
            assert sorted(numbers[500:1103]) == [*range(500, 1101), 2211, 2212]
            assert sorted(numbers[1103:2203]) == list(range(1101, 2201))
            assert numbers[2203] == 2214
            assert sorted(numbers[2204:]) == list(range(2201, 2211))
            # Nobody is far behind its place.
            exact = [2213, *range(1, 1101), 2211, 2212, *range(1101, 2201), 2214, *range(2201, 2211)]
            assert max(numbers.index(number) - place for place, number in enumerate(exact)) < 10
            # The turns are those that it would have had without any hurry.
            assert sorted(turn for (turn,) in rows_of(home, TURNS)) == list(range(2214))

    play(act)


def test_each_that_is_passed_is_found_by_itself() -> None:
    """Compared with each other, ten thousand that wait were half a minute under the account's lock."""

    async def act() -> None:
        home = Dsn(await postgres().fresh())
        async with opened(home) as store:
            ann = await an_account(store)
            await submitted(store, ann, [0] * 50)
            newest = (await store.submit(a_new(ann, 0))).id
            pass_all = f"SELECT let_pass('{ann.id}', 'sketch', ARRAY['{newest}'])"
            looked_up = "SELECT pg_stat_get_xact_numscans('pgqueuer_unique_dedupe_key'::regclass)"
            urgent = f"UPDATE generation SET priority = 1 WHERE id = '{newest}' RETURNING id"
            assert by_hand(home, ["BEGIN", urgent, pass_all, looked_up]) == [(51,)]

    play(act)


def test_what_is_in_hand_keeps_its_turn_and_what_waits_does_not() -> None:
    async def act() -> None:
        home = Dsn(await postgres().fresh())
        async with opened(home) as store:
            assert isinstance(store, PostgresStore)
            ann = await an_account(store)
            await submitted(store, ann, [0, 0])
            # A worker has taken it, and will begin it in a moment.
            by_hand(home, ["UPDATE pgqueuer SET status = 'picked' WHERE priority = 0 RETURNING id"])
            await submitted(store, ann, [5])
            assert rows_of(home, TURNS) == [(0,), (2,), (1,)]

    play(act)
