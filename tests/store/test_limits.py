"""How many generations of one account run at once where its plan lets the others wait: decided when they begin."""

import asyncio
from collections.abc import Iterable

from darkroom.account import Account
from darkroom.credits import ZERO
from darkroom.errors import MustWait
from darkroom.generation import Status
from darkroom.ports import Settlement
from darkroom.store.postgres.store import PostgresStore
from tests.postgres import postgres
from tests.store.conftest import NOW, AnyStore, Dsn, a_new, an_account, opened, play, rows_of

FAILED = Settlement(status=Status.FAILED, used=ZERO)

AS_BEFORE = """
    SELECT told_event, (begun).id FROM begin_attempts(ARRAY['{{"id": "{id}", "now": 1}}']::jsonb[], 'w', FALSE)
"""
"""What a process asks that knows of no limit here."""


async def fresh() -> Dsn:
    return Dsn(await postgres().fresh())


async def submitted(store: AnyStore, account: Account, count: int, **given: object) -> list[str]:
    return [(await store.submit(a_new(account, 1, **given))).id for _ in range(count)]


async def begin(store: AnyStore, ids: Iterable[str]) -> list[str]:
    """Those of them that were begun, asked for in one statement; the others must wait."""

    async def one(id: str) -> str:
        try:
            return id if await store.begin(id, now=NOW) is not None else f"not {id}"
        except MustWait:
            return ""

    return [id for id in await asyncio.gather(*map(one, ids)) if id]


def test_of_many_workers_that_begin_at_once_none_passes_the_limit() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as first, opened(home) as second:
            ann = await an_account(first)
            for _ in range(5):
                ids = await submitted(first, ann, 6, run_limit=2)
                begun = await asyncio.gather(
                    *(begin(store, ids[place::2]) for place, store in enumerate([first, second]))
                )
                running = sorted([*begun[0], *begun[1]])
                assert len(running) == 2
                assert rows_of(home, "SELECT id FROM generation WHERE status = 'running' ORDER BY id") == [
                    (id,) for id in running
                ]
                waiting = [id for id in ids if id not in running]
                assert await begin(second, waiting) == []
                await first.settle(running[0], 1, FAILED, now=NOW)
                # The older first.
                assert await begin(second, reversed(waiting)) == waiting[:1]
                for id in (running[1], waiting[0]):
                    await first.settle(id, 1, FAILED, now=NOW)
                for id in waiting[1:]:
                    await first.cancel(ann.id, id, now=NOW)

    play(act)


def test_a_limit_is_of_one_account_and_of_what_is_in_hand() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as store:
            assert isinstance(store, PostgresStore)
            ann, bob = await an_account(store, "ann"), await an_account(store, "bob")
            lost, second, third = await submitted(store, ann, 3, run_limit=1)
            others = await submitted(store, bob, 3)
            assert await begin(store, [lost, second, *others]) == [lost, *others]
            # What is held is in nobody's hands, until it is in somebody's again.
            await store.note_outcome(lost, 1, "ambiguous", now=NOW)
            assert await begin(store, [second, third]) == [second]
            await store.settle(second, 1, FAILED, now=NOW)
            await store.decide(lost, is_retry=True, now=NOW)
            assert await begin(store, [lost]) == [lost]
            assert await begin(store, [third]) == []
            # What is another's, or is asked for twice, takes no place.
            await store.settle(lost, 2, FAILED, now=NOW)
            (gone,) = await submitted(store, ann, 1, run_limit=1, priority=9)
            await store.cancel(ann.id, gone, now=NOW)
            assert set(await begin(store, [gone, third, third])) == {f"not {gone}", third, f"not {third}"}

    play(act)


def test_a_plan_that_has_changed_holds_each_to_the_limit_it_was_submitted_with() -> None:
    async def act() -> None:
        async with opened(await fresh()) as store:
            ann = await an_account(store)
            narrow = await submitted(store, ann, 2, run_limit=1)
            wide = await submitted(store, ann, 3, run_limit=3)
            free = await submitted(store, ann, 1)
            # One without a limit and two of three; for the narrow ones that is two too many.
            assert await begin(store, [*narrow, *wide, *free]) == [*wide[:2], *free]
            for id in (*wide[:2], *free):
                assert await begin(store, narrow) == []
                await store.settle(id, 1, FAILED, now=NOW)
            assert await begin(store, narrow) == narrow[:1]

    play(act)


def test_a_process_of_an_earlier_day_is_refused_nothing() -> None:
    """It would take that for another's turn, and its queue entry would be gone."""

    async def act() -> None:
        home = await fresh()
        async with opened(home) as store:
            ann = await an_account(store)
            first, second = await submitted(store, ann, 2, run_limit=1)
            assert await begin(store, [first]) == [first]
            ((event, id),) = rows_of(home, AS_BEFORE.format(id=second))
            assert (event > 0, id) == (True, second)

    play(act)
