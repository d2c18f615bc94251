"""The bell: whoever waits hears every change, shares one future, and costs the store nothing."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from darkroom.generation import Generation, Status
from darkroom.notify import Bell
from tests.core.test_generation import a_generation

QUEUED = a_generation()
RUNNING = replace(QUEUED, status=Status.RUNNING)
COMPLETED = replace(QUEUED, status=Status.COMPLETED)
FAILED = replace(QUEUED, status=Status.FAILED)
LONG_S = 30.0


class Row:
    """What the store says; `gate` keeps an answer back once it was looked up."""

    def __init__(self, generation: Generation = QUEUED) -> None:
        self.generation = generation
        self.reads = 0
        self.looked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, _: str) -> Generation:
        self.reads += 1
        found = self.generation
        self.looked.set()
        await self.gate.wait()
        return found


def play(act: Callable[[Bell], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(5):
            await act(Bell())

    asyncio.run(run())


async def breathe() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_one_that_has_come_so_far_is_answered_at_once() -> None:
    async def act(bell: Bell) -> None:
        for found, until in (
            (QUEUED, Status.QUEUED),
            (RUNNING, Status.QUEUED),
            (RUNNING, Status.RUNNING),
            (FAILED, Status.RUNNING),
            (FAILED, Status.COMPLETED),
        ):
            assert await bell.reach("g1", until, limit_s=LONG_S, read=Row(found).read) is found
        assert bell.waiters == 0

    play(act)


def test_waiting_ends_with_the_state_asked_for_and_not_before() -> None:
    async def act(bell: Bell) -> None:
        running = asyncio.ensure_future(bell.reach("g1", Status.RUNNING, limit_s=LONG_S, read=Row().read))
        ended = asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=Row().read))
        await breathe()
        assert bell.waiters == 2
        bell.changed(replace(COMPLETED, id="another"))
        bell.changed(RUNNING)
        assert await running is RUNNING
        await breathe()
        assert (ended.done(), bell.waiters) == (False, 1)
        bell.changed(FAILED)
        assert await ended is FAILED
        assert bell.waiters == 0

    play(act)


def test_two_changes_in_one_breath_are_both_heard() -> None:
    async def act(bell: Bell) -> None:
        waiting = asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=Row().read))
        await breathe()
        bell.changed(RUNNING)
        bell.report(RUNNING, 0.5)
        bell.changed(COMPLETED)
        assert await waiting is COMPLETED

    play(act)


def test_a_change_between_the_look_and_the_wait_is_heard() -> None:
    async def act(bell: Bell) -> None:
        row = Row()
        row.gate.clear()
        waiting = asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=row.read))
        await row.looked.wait()
        bell.changed(COMPLETED)
        row.gate.set()
        assert await waiting is COMPLETED

    play(act)


def test_time_up_answers_with_what_is_known() -> None:
    async def act(bell: Bell) -> None:
        waiting = asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=0.05, read=Row().read))
        await breathe()
        bell.changed(RUNNING)
        assert await waiting is RUNNING
        assert bell.waiters == 0

    play(act)


def test_each_wait_has_a_limit_of_its_own_and_none_ends_before_it() -> None:
    async def act(bell: Bell) -> None:
        loop = asyncio.get_running_loop()

        async def wait(limit_s: float) -> float:
            began = loop.time()
            await bell.reach("g1", Status.COMPLETED, limit_s=limit_s, read=Row().read)
            return loop.time() - began - limit_s

        limits_s = (0.0, 0.01, 0.02, 0.07, 0.1, 0.13, 0.2)
        late_s = await asyncio.gather(*(wait(limit_s) for limit_s in limits_s))
        # A clock that is read twice differs from itself by what a float cannot hold.
        assert min(late_s) > -1e-6, late_s

    play(act)


def test_one_who_waits_no_more_is_not_kept_until_its_limit() -> None:
    async def act(bell: Bell) -> None:
        before = seats()
        for _ in range(100):
            waiting = asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=Row().read))
            await breathe()
            bell.changed(COMPLETED)
            await waiting
        del waiting
        assert seats() - before < 10

    play(act)


def test_one_who_watches_no_more_is_not_kept_until_its_limit() -> None:
    async def act(bell: Bell) -> None:
        before = seats()
        for _ in range(100):
            with bell.watch("g1") as watch:
                waiting = asyncio.ensure_future(watch.next(LONG_S))
                await breathe()
                bell.changed(COMPLETED)
                await waiting
        del waiting, watch
        assert seats() - before < 10

    play(act)


def seats() -> int:
    gc.collect()
    return sum(isinstance(each, asyncio.Future) for each in gc.get_objects())


def test_a_thousand_waiters_read_once_each_and_never_again() -> None:
    async def act(bell: Bell) -> None:
        row = Row()
        waiting = [
            asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=row.read))
            for _ in range(1000)
        ]
        await breathe()
        assert (bell.waiters, row.reads) == (1000, 1000)
        for progress in range(50):
            bell.report(RUNNING, progress / 50)
        bell.changed(COMPLETED)
        answers = await asyncio.gather(*waiting)
        assert all(answer is COMPLETED for answer in answers)
        assert (row.reads, bell.waiters) == (1000, 0)

    play(act)


def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    async def act(bell: Bell) -> None:
        first, second = [
            asyncio.ensure_future(bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=Row().read)) for _ in range(2)
        ]
        await breathe()
        first.cancel()
        await breathe()
        assert bell.waiters == 1
        bell.changed(COMPLETED)
        assert await second is COMPLETED

    play(act)


def test_closing_answers_all_now_and_from_now_on() -> None:
    async def act(bell: Bell) -> None:
        waiting = [
            asyncio.ensure_future(bell.reach(id, Status.COMPLETED, limit_s=LONG_S, read=Row(RUNNING).read))
            for id in ("g1", "g1", "g2")
        ]
        watching = asyncio.ensure_future(collect(bell))
        await breathe()
        bell.close()
        assert await asyncio.gather(*waiting) == [RUNNING] * 3
        assert await watching == [None]
        assert await bell.reach("g1", Status.COMPLETED, limit_s=LONG_S, read=Row(RUNNING).read) is RUNNING

    play(act)


async def collect(bell: Bell) -> list[Generation | None]:
    """Each change until an end."""
    told: list[Generation | None] = []
    with bell.watch("g1") as watch:
        while not (told and (told[-1] is None or told[-1].is_terminal)):
            change = await watch.next(LONG_S)
            assert change is not None
            told.append(change.generation)
    return told


def test_watching_tells_every_change_until_the_end() -> None:
    async def act(bell: Bell) -> None:
        watching = asyncio.ensure_future(collect(bell))
        await breathe()
        assert bell.waiters == 1
        bell.changed(RUNNING)
        bell.report(RUNNING, 0.25)
        bell.report(RUNNING, 1.7)
        bell.changed(COMPLETED)
        told = await watching
        assert told == [RUNNING, replace(RUNNING, progress=0.25), replace(RUNNING, progress=1.0), COMPLETED]
        assert bell.waiters == 0

    play(act)


def test_one_who_stops_watching_leaves_nothing_behind() -> None:
    async def act(bell: Bell) -> None:
        watching = asyncio.ensure_future(collect(bell))
        await breathe()
        watching.cancel()
        await breathe()
        assert (watching.cancelled(), bell.waiters) == (True, 0)

    play(act)


def test_watching_breathes_while_nothing_changes() -> None:
    async def act(bell: Bell) -> None:
        with bell.watch("g1") as watch:
            assert [await watch.next(0.01) for _ in range(2)] == [None, None]
            bell.changed(COMPLETED)
            change = await watch.next(LONG_S)
            assert change is not None
            assert change.generation is COMPLETED

    play(act)


@pytest.mark.parametrize(("changes", "is_cut"), [(1001, False), (1002, True)])
def test_a_listener_that_takes_nothing_is_cut_off_after_a_thousand(changes: int, is_cut: bool) -> None:
    async def act(bell: Bell) -> None:
        heard = bell.listen(RUNNING.account_id, every_s=LONG_S)
        assert await anext(heard) is None
        for _ in range(changes):
            bell.changed(RUNNING)
        assert await anext(heard, "cut off") == ("cut off" if is_cut else RUNNING)

    play(act)


def test_progress_is_that_of_the_running_one_alone() -> None:
    async def act(bell: Bell) -> None:
        bell.report(RUNNING, -1)
        assert bell.with_progress(RUNNING).progress == 0.0
        bell.report(RUNNING, 0.123456)
        assert bell.with_progress(RUNNING).progress == 0.123
        assert bell.with_progress(QUEUED).progress is None
        bell.changed(QUEUED)
        assert bell.with_progress(RUNNING).progress is None

    play(act)
