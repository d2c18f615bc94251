"""Answers of PostgreSQL that are lost after the commit: nothing is done twice, and nobody is told what is not so."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from darkroom.asset import Asset
from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.credits import Credits
from darkroom.errors import StaleAttempt, StoreAway
from darkroom.generation import Status
from darkroom.ledger import Purse
from darkroom.notify import FrontDesk
from darkroom.ports import Settlement
from darkroom.settling import Settler
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.store import PostgresStore
from tests.crash.server import local_store
from tests.postgres import postgres
from tests.store.conftest import NOW, Dsn, a_new, an_account, as_read, buckets, opened, play, rows_of
from tests.store.cutting import wire
from tests.worker.scene import until

LATER = NOW + timedelta(seconds=1)

DONE = Settlement(
    status=Status.COMPLETED,
    used=Credits(25),
    outputs=(Asset(key="results/x/1/x.mp4", media_type="video/mp4", size_bytes=8),),
)


class RunningClock:
    """A second later each time."""

    def __init__(self) -> None:
        self._now = NOW

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


async def fresh() -> Dsn:
    return Dsn(await postgres().fresh())


def test_a_submit_whose_answer_is_lost_is_stored_once() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            new = a_new(ann, 40)
            cut.cut_after(new.id)
            stored = await store.submit(new)
            assert cut.cuts == 1
            assert (stored.id, stored.status) == (new.id, Status.QUEUED)
            assert await buckets(store, ann) == (60, 40, 0)
            assert rows_of(home, "SELECT status FROM event") == [("queued",)]

    play(act)


def test_of_many_submits_whose_answers_are_lost_each_is_stored_once() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            news = [a_new(ann, 1) for _ in range(60)]
            cut.cut_after(news[30].id)
            stored = await asyncio.gather(*map(store.submit, news))
            assert cut.cuts == 1
            assert [generation.id for generation in stored] == [new.id for new in news]
            assert await buckets(store, ann) == (40, 60, 0)

    play(act)


def test_a_worker_whose_turn_was_begun_unheard_has_it_all_the_same() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store, opened(home) as other:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            cut.cut_after(stored.id)
            begun = await store.begin(stored.id, now=NOW)
            assert cut.cuts == 1
            assert begun is not None
            assert (begun.generation.attempt, begun.before) == (1, ())
            assert begun.generation.event > stored.event
            # And nobody else has it, not even at the same instant.
            assert await other.begin(stored.id, now=NOW) is None
            assert await store.begin(stored.id, now=NOW) is None

    play(act)


def test_a_turn_that_another_has_is_not_given_to_one_who_asks_again() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store, opened(home) as other:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            assert await other.begin(stored.id, now=NOW) is not None
            cut.cut_after(stored.id)
            assert await store.begin(stored.id, now=NOW) is None
            assert cut.cuts == 1

    play(act)


def test_a_settlement_whose_answer_is_lost_is_not_taken_for_a_stale_one() -> None:
    """Or its worker would delete what the caller has just paid for."""

    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            await store.begin(stored.id, now=NOW)
            cut.cut_after("results/x/1/x.mp4")
            settled = await store.settle(stored.id, 1, DONE, now=NOW)
            assert cut.cuts == 1
            assert as_read(settled) == await store.get(stored.id)
            assert (settled.status, settled.outputs, settled.event) == (Status.COMPLETED, DONE.outputs, 3)
            assert await buckets(store, ann) == (75, 0, 25)
            with pytest.raises(StaleAttempt):
                await store.settle(stored.id, 2, DONE, now=NOW)
            other = Asset(key="results/x/1/y.mp4", media_type="video/mp4", size_bytes=8)
            with pytest.raises(StaleAttempt):
                await store.settle(stored.id, 1, replace(DONE, outputs=(other,)), now=NOW)

    play(act)


def test_turns_are_told_however_long_the_database_is_away() -> None:
    """Begun and unheard, they would be nobody's: their worker lives, and does not know."""

    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn), patience_s=0.0) as store:
            ann = await an_account(store)
            ids = [(await store.submit(a_new(ann))).id for _ in range(2)]
            await store.begin(ids[0], now=NOW)
            await store.hand_back(ids[0], 1, "handed back", now=NOW)
            cut.cut_after(ids[0])
            cut.is_down = True
            beginning = asyncio.gather(*(store.begin(id, now=LATER) for id in ids))
            await until(lambda: cut.refused > 2 or beginning.done())
            cut.is_down = False
            begun = [(each.generation.attempt, len(each.before)) for each in await beginning if each is not None]
            assert begun == [(2, 1), (1, 0)]

    play(act)


def test_a_settlement_that_is_said_again_much_later_is_the_same_one(tmp_path: Path) -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn), patience_s=0.0) as store:
            clock = RunningClock()
            settler = Settler(
                store=store, assets=ObstoreAssets(local_store(tmp_path)), desk=FrontDesk(), clock=clock, retry_s=0.0
            )
            ann = await an_account(store)
            begun = await store.begin((await store.submit(a_new(ann))).id, now=NOW)
            assert begun is not None
            (tmp_path / "results/x/1").mkdir(parents=True)
            (tmp_path / "results/x/1/x.mp4").write_bytes(b"a result")
            cut.cut_after("results/x/1/x.mp4")
            await settler.settle(begun.generation, DONE)
            assert cut.cuts == 1
            assert (tmp_path / "results/x/1/x.mp4").read_bytes() == b"a result"
            assert await buckets(store, ann) == (75, 0, 25)

    play(act)


def test_a_grant_whose_commit_is_unheard_is_made_once() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            cut.cut_after("COMMIT")
            with pytest.raises(StoreAway):
                await store.grant(ann.id, Credits(10), purse=Purse.PERMANENT, note="", now=NOW)
            assert cut.cuts == 1
            assert await buckets(store, ann) == (110, 0, 0)

    play(act)


def test_a_grant_that_is_cut_off_before_its_commit_is_made_once() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            cut.cut_after("a gift")
            await store.grant(ann.id, Credits(10), purse=Purse.PERMANENT, note="a gift", now=NOW)
            assert cut.cuts == 1
            assert await buckets(store, ann) == (110, 0, 0)

    play(act)


def test_one_bad_submit_does_not_take_the_others_with_it() -> None:
    async def act() -> None:
        async with opened(await fresh()) as store:
            ann = await an_account(store)
            good = [a_new(ann, 1) for _ in range(20)]
            bad = a_new(ann, 1, id=good[3].id)
            told = await asyncio.gather(*map(store.submit, [*good, bad]), return_exceptions=True)
            assert [isinstance(one, Exception) for one in told] == [False] * 20 + [True]
            assert await buckets(store, ann) == (80, 20, 0)

    play(act)


def test_who_asks_while_the_database_is_away_is_answered_when_it_is_back() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut, opened(Dsn(cut.dsn)) as store:
            ann = await an_account(store)
            stored, unwanted = await store.submit(a_new(ann)), await store.submit(a_new(ann, 20))
            cut.is_down = True
            cut.cut_all()
            asking = [
                asyncio.ensure_future(store.submit(a_new(ann, 10))),
                asyncio.ensure_future(store.get(stored.id)),
                asyncio.ensure_future(store.begin(stored.id, now=NOW)),
                asyncio.ensure_future(store.cancel(ann.id, unwanted.id, now=NOW)),
            ]
            await asyncio.wait(asking, timeout=0.2)
            assert not any(one.done() for one in asking)
            cut.is_down = False
            await asyncio.gather(*asking)
            assert await buckets(store, ann) == (50, 50, 0)

    play(act)


def test_a_database_that_stays_away_is_said_so_by_reads_and_writes() -> None:
    async def act() -> None:
        home = await fresh()
        async with wire(home) as cut:
            database = Database(cut.dsn, patience_s=0.05)
            await database.open()
            store = PostgresStore(database)
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            cut.is_down = True
            cut.cut_all()
            asked = (store.submit(a_new(ann)), store.find_account(ann.name), store.cancel(ann.id, stored.id, now=NOW))
            told = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(one) for one in told] == [StoreAway] * 3
            cut.is_down = False
            await database.close()

    play(act)
