"""What one process does wakes the others, whatever happens to the connection; and no event is ever passed over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from darkroom.generation import Status
from darkroom.store.postgres.database import Database, connect
from darkroom.store.postgres.store import PostgresStore
from tests.postgres import postgres
from tests.store.conftest import NOW, Dsn, a_new, an_account, by_hand, opened, play

LISTENING = """SELECT pid FROM pg_stat_activity
 WHERE query LIKE 'LISTEN%' AND datname = current_database() AND pid != pg_backend_pid()"""


class Ear:
    """What a process hears of the others."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bool] = asyncio.Queue()

    def __call__(self, *, only_events: bool = False) -> None:
        self.heard.put_nowait(only_events)


@asynccontextmanager
async def listening(home: Dsn) -> AsyncIterator[tuple[PostgresStore, Ear]]:
    database = Database(home)
    await database.open()
    database.on_foreign_change = ear = Ear()
    try:
        yield PostgresStore(database), ear
    finally:
        await database.close()


async def look(home: Dsn, query: str) -> list[tuple[Any, ...]]:
    return await asyncio.to_thread(by_hand, home, [query])


async def fresh() -> Dsn:
    return Dsn(await postgres().fresh())


def test_a_change_wakes_the_others_and_not_who_made_it() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as first:
            ann = await an_account(first)
        async with listening(home) as (ours, our_ear), listening(home) as (theirs, their_ear):
            place = await theirs.here()
            stored = await ours.submit(a_new(ann))
            assert await their_ear.heard.get() is True
            place, changed = await theirs.events_since(place)
            assert [(one.id, one.event) for one in changed] == [(stored.id, stored.event)]
            await theirs.begin(stored.id, now=NOW)
            assert await our_ear.heard.get() is True
            assert (our_ear.heard.qsize(), their_ear.heard.qsize()) == (0, 0)

    play(act)


def test_a_revoked_key_is_told_with_its_commit_and_as_more_than_events() -> None:
    async def act() -> None:
        home = await fresh()
        async with listening(home) as (ours, _), listening(home) as (_, ear):
            ann = await an_account(ours)
            assert await ear.heard.get() is False
            key = await ours.create_key(ann.id, name="k", hint="", dialect="native", hash=b"h", now=NOW)
            assert await ear.heard.get() is False
            await ours.revoke_key(ann.id, key.number, now=NOW)
            assert await ear.heard.get() is False

    play(act)


def test_a_process_that_ends_at_once_has_woken_the_others() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as first:
            ann = await an_account(first)
        async with listening(home) as (_, ear):
            async with opened(home) as brief:
                await brief.submit(a_new(ann))
            assert await ear.heard.get() is True

    play(act)


def test_who_was_cut_off_looks_when_it_listens_again() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as first:
            ann = await an_account(first)
        async with listening(home) as (ours, ear):
            place = await ours.here()
            ((pid,),) = await look(home, LISTENING)
            await look(home, f"SELECT pg_terminate_backend({pid}, 5000)")
            async with opened(home) as other:
                stored = await other.submit(a_new(ann))
                # Cut off, not an event that was heard.
                assert await ear.heard.get() is False
                _, changed = await ours.events_since(place)
                assert [one.id for one in changed] == [stored.id]
                # It listened before it said so: what comes now is heard.
                while not ear.heard.empty():
                    ear.heard.get_nowait()
                await other.begin(stored.id, now=NOW)
                assert await ear.heard.get() is True

    play(act)


def test_an_event_that_is_committed_late_is_not_passed_over() -> None:
    """Numbers are given out before the commit: the later number may be seen first."""

    async def act() -> None:
        home = await fresh()
        async with opened(home) as ours, opened(home) as theirs:
            ann, bob = await an_account(theirs), await an_account(theirs, "bob")
            slow, quick = [await theirs.submit(a_new(account, 1)) for account in (ann, bob)]
            place = await ours.here()
            late = await connect(home)
            async with late.transaction():
                given = f'{{"id": "{slow.id}", "now": 1}}'
                ((number,),) = await late.fetch("SELECT told_event FROM begin_attempts($1, $2, FALSE)", [given], "late")
                begun = await theirs.begin(quick.id, now=NOW)
                assert begun is not None
                assert begun.generation.event > number
                place, changed = await ours.events_since(place)
                assert [one.id for one in changed] == [quick.id]
                place, changed = await ours.events_since(place)
                assert changed == []
            place, changed = await ours.events_since(place)
            assert [(one.id, one.event, one.status) for one in changed] == [(slow.id, number, Status.RUNNING)]
            assert (await ours.events_since(place))[1] == []
            await late.close()

    play(act)


def test_within_an_account_the_numbers_come_in_the_order_of_the_commits() -> None:
    """So that a stream can go on after the last number that it was told."""

    async def act() -> None:
        home = await fresh()
        async with opened(home) as ours, opened(home) as theirs:
            ann = await an_account(theirs)
            first, second = [await theirs.submit(a_new(ann, 1)) for _ in range(2)]
            cursor = await ours.newest_event(ann.id)
            late = await connect(home)
            async with late.transaction():
                given = f'{{"id": "{first.id}", "now": 1}}'
                ((number,),) = await late.fetch("SELECT told_event FROM begin_attempts($1, $2, FALSE)", [given], "late")
                waiting = asyncio.ensure_future(theirs.begin(second.id, now=NOW))
                while not await look(home, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                    pass
                page = await ours.account_events(ann.id, cursor, limit=9)
                assert (page.events, page.newest) == ((), cursor)
            begun = await waiting
            assert begun is not None
            page = await ours.account_events(ann.id, page.newest, limit=9)
            assert [event for event, _, _ in page.events] == [number, begun.generation.event]
            await late.close()

    play(act)


def test_a_cursor_of_an_account_is_not_past_what_is_still_to_be_committed() -> None:
    async def act() -> None:
        home = await fresh()
        async with opened(home) as ours, opened(home) as theirs:
            ann, bob = await an_account(theirs), await an_account(theirs, "bob")
            slow = await theirs.submit(a_new(ann, 1))
            late = await connect(home)
            async with late.transaction():
                given = f'{{"id": "{slow.id}", "now": 1}}'
                await late.fetch("SELECT told_event FROM begin_attempts($1, $2, FALSE)", [given], "late")
                await theirs.submit(a_new(bob, 1))
                cursor = await ours.newest_event(ann.id)
            events = (await ours.account_events(ann.id, cursor, limit=9)).events
            assert [status for _, status, _ in events] == [Status.RUNNING]
            await late.close()

    play(act)
