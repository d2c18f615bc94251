"""A caller's own limits: what has not begun fails, and of what runs the provider is asked before it fails."""

import asyncio
from datetime import timedelta
from pathlib import Path

from darkroom.clock import SystemClock
from darkroom.errors import ContentRefused
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import Output, Pending, Report, Ticket, Work
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from darkroom.verbs import Submit
from tests.worker.scene import Scene, interrupted, play, put_forward, working

SOON_S = 0.05
IN_TIME_S = 10.0
LATER_S = 3600.0


async def submit(scene: Scene, **limits: float) -> str:
    wanted = Submit(model="reel", inputs={"prompt": "a reel"}, dialect="native", **limits)  # type: ignore[arg-type]
    return (await scene.engine.service.submit(await scene.engine.principal("ann"), wanted)).id


def told(generation: Generation) -> tuple[Status, str]:
    return generation.status, generation.cause.code if generation.cause else ""


LATE = (Status.FAILED, "deadline_exceeded")


def test_what_has_not_begun_in_its_time_fails_and_costs_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([], slots=0)
        async with working(tmp_path, provider, clock=SystemClock()) as scene:
            first = await submit(scene, start_within_s=SOON_S)
            second = await submit(scene, deadline_s=SOON_S, start_within_s=LATER_S)
            assert told(await scene.reach(first)) == told(await scene.reach(second)) == LATE
            assert await scene.books() == (100, 0, 0)
            assert scene.engine.queue.depths == {"sketch": 0}
            assert provider.started == []

    play(act)


def test_what_has_begun_in_time_may_take_its_time(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("u"), an_output()])
        provider.gate.clear()
        clock = FrozenClock()
        async with working(tmp_path, provider, clock=clock) as scene:
            id = await submit(scene, start_within_s=10)
            await provider.entered.wait()
            clock.advance(20)
            assert await scene.engine.store.fail_unstarted(id, Cause("x", "x"), now=clock.now()) is None
            provider.gate.set()
            assert told(await scene.reach(id)) == (Status.COMPLETED, "")

    play(act)


class Slow(ScriptedProvider):
    """Its first poll hangs until it is cut off, the next one is answered from the script."""

    def __init__(self, last: Output | Pending | ContentRefused | None) -> None:
        super().__init__([Ticket("u")] + ([an_output()] if last is None else [last]))
        self.polls = 0
        self.hangs = asyncio.Event()

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        self.polls += 1
        if self.polls == 1:
            self.hangs.set()
            await asyncio.Event().wait()
        return await super().poll(work, ticket, report)


async def at_its_deadline(scene: Scene, provider: Slow, clock: FrozenClock) -> Generation:
    """What comes of one whose deadline passes while its first poll hangs."""
    id = await submit(scene, deadline_s=IN_TIME_S)
    await provider.hangs.wait()
    clock.advance(IN_TIME_S)
    put_forward(IN_TIME_S)
    return await scene.reach(id)


def test_at_the_deadline_a_result_that_is_there_counts(tmp_path: Path) -> None:
    async def act() -> None:
        provider, clock = Slow(None), FrozenClock()
        async with working(tmp_path, provider, clock=clock) as scene:
            assert told(await at_its_deadline(scene, provider, clock)) == (Status.COMPLETED, "")
            assert await scene.books() == (60, 0, 40)
            assert (provider.polls, provider.canceled) == (2, [])

    play(act)


def test_at_the_deadline_what_is_not_there_is_called_off(tmp_path: Path) -> None:
    async def act() -> None:
        provider, clock = Slow(Pending(after_s=0)), FrozenClock()
        async with working(tmp_path, provider, clock=clock) as scene:
            assert told(await at_its_deadline(scene, provider, clock)) == LATE
            assert await scene.books() == (100, 0, 0)
            assert provider.canceled == ["u"]

    play(act)


def test_at_the_deadline_a_refusal_is_told_as_one(tmp_path: Path) -> None:
    async def act() -> None:
        provider, clock = Slow(ContentRefused("no")), FrozenClock()
        async with working(tmp_path, provider, clock=clock) as scene:
            assert told(await at_its_deadline(scene, provider, clock)) == (Status.FAILED, "content_refused")
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_limits_are_watched_over_a_restart(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, ScriptedProvider([], slots=0), clock=FrozenClock()) as scene:
            id = await submit(scene, start_within_s=60)
            row = await scene.engine.store.get(id)
            assert row.start_by == row.created_at + timedelta(seconds=60)
        clock = FrozenClock()
        clock.advance(61)
        async with working(tmp_path, ScriptedProvider([], slots=0), clock=clock) as scene:
            assert told(await scene.reach(id)) == LATE
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_result_that_is_late_over_a_restart_is_still_asked_for(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("u")])
        provider.gate.clear()
        async with working(tmp_path, provider, clock=FrozenClock()) as scene:
            id = await submit(scene, deadline_s=60)
            await provider.entered.wait()
        clock = FrozenClock()
        clock.advance(100)
        async with working(tmp_path, ScriptedProvider([an_output()]), clock=clock) as scene:
            assert told(await scene.reach(id)) == (Status.COMPLETED, "")
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_one_that_was_begun_and_waits_again_is_its_worker_s(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            now = FrozenClock().now()
            await store.begin(id, now=now)
            await store.rescue(now=now)
            assert await store.fail_unstarted(id, Cause("deadline_exceeded", "late"), now=now) is None
            assert (await store.get(id)).status is Status.QUEUED

    play(act)
