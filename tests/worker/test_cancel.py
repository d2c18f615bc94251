"""What its caller takes back: nothing goes on, nothing is kept, nothing is paid."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from obstore.store import LocalStore

from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.errors import Unavailable
from darkroom.generation import Status
from darkroom.ports import Output, Pending, Report, Ticket, Work
from darkroom.testing import ScriptedProvider, an_output
from tests.worker.scene import play, working

UP = Ticket("up_1")


def a_gated(script: Sequence[object]) -> ScriptedProvider:
    provider = ScriptedProvider(script)  # type: ignore[arg-type]
    provider.gate.clear()
    return provider


def test_a_queued_generation_never_reaches_the_provider(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, Pending(after_s=0.0)] * 2, slots=1)
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            first, second = await scene.submit(), await scene.submit()
            await provider.entered.wait()
            assert await scene.books() == (20, 80, 0)
            assert (await scene.cancel(second)).status is Status.CANCELED
            assert await scene.books() == (60, 40, 0)
            assert scene.engine.queue.depths == {"sketch": 0}
            await scene.cancel(first)
            await scene.idle()
            assert provider.started == [first]
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_running_one_is_stopped_here_and_upstream(tmp_path: Path) -> None:
    async def act() -> None:
        provider = a_gated([UP])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            canceled = await scene.cancel(id)
            assert (canceled.status, canceled.spent_total) == (Status.CANCELED, 0)
            assert await scene.books() == (100, 0, 0)
            await scene.idle()
            assert provider.canceled == ["up_1"]
            assert await scene.outcomes() == [(1, "up_1", "canceled")]
            assert (await scene.cancel(id)).status is Status.CANCELED
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_one_that_has_ended_stays_as_it_is(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, [UP, an_output()]) as scene:
            id = await scene.submit()
            await scene.reach(id)
            assert (await scene.cancel(id)).status is Status.COMPLETED
            assert await scene.books() == (60, 0, 40)

    play(act)


class Polite(ScriptedProvider):
    """Takes its time to cancel."""

    def __init__(self) -> None:
        super().__init__([UP])
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        self.asked.set()
        await self.answer.wait()
        await super().cancel(work, ticket)


def test_a_second_cancel_does_not_cut_off_the_goodbye_to_the_provider(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Polite()
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            canceled = await scene.cancel(id)
            await provider.asked.wait()
            scene.engine.desk.changed(canceled)  # as when two callers cancel at once
            provider.answer.set()
            await scene.idle()
            assert provider.canceled == ["up_1"]

    play(act)


class Slow(ScriptedProvider):
    """Holds every start until `door` is opened."""

    def __init__(self, script: Sequence[object], *, may_restart: bool = False) -> None:
        super().__init__(script, may_restart=may_restart)  # type: ignore[arg-type]
        self.door = asyncio.Event()
        self.at_the_door = asyncio.Event()

    async def start(self, work: Work) -> Ticket | Output:
        self.at_the_door.set()
        await self.door.wait()
        return await super().start(work)


def test_work_that_was_taken_back_elsewhere_while_it_was_sent_is_canceled_upstream(tmp_path: Path) -> None:
    """The command line cancels in the store alone: the worker learns of it at its next write."""

    async def act() -> None:
        provider = Slow([UP])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.at_the_door.wait()
            ann = await scene.engine.store.find_account("ann")
            await scene.engine.store.cancel(ann.id, id, now=scene.engine.clock.now())
            provider.door.set()
            await scene.idle()
            assert provider.canceled == ["up_1"]
            assert provider.polled == []
            assert await scene.books() == (100, 0, 0)

    play(act)


class SlowAssets(ObstoreAssets):
    """Holds each copy after it was made, until `door` is opened."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(LocalStore(folder))
        self.door = asyncio.Event()
        self.copied = asyncio.Event()

    async def take(self, key: str, source: Path) -> int:
        size = await super().take(key, source)
        self.copied.set()
        await self.door.wait()
        return size


def test_a_late_result_is_dropped_and_its_assets_deleted(tmp_path: Path) -> None:
    async def act() -> None:
        assets = SlowAssets(tmp_path / "assets")
        async with working(tmp_path, [UP, an_output()], assets=assets) as scene:
            id = await scene.submit()
            await assets.copied.wait()
            assert len(scene.stored()) == 1
            assert (await scene.cancel(id)).status is Status.CANCELED
            assets.door.set()
            await scene.idle()
            assert scene.stored() == []
            assert (await scene.reach(id)).outputs == ()
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_result_that_comes_after_a_cancel_elsewhere_is_dropped_too(tmp_path: Path) -> None:
    async def act() -> None:
        provider = a_gated([UP, an_output()])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            ann = await scene.engine.store.find_account("ann")
            await scene.engine.store.cancel(ann.id, id, now=scene.engine.clock.now())
            provider.gate.set()
            await scene.idle()
            assert scene.stored() == []
            assert (await scene.reach(id)).status is Status.CANCELED
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_nothing_is_taken_on_while_closing(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, []) as scene:
            scene.engine.service.close()
            try:
                await scene.submit()
            except Unavailable:
                assert await scene.books() == (100, 0, 0)
            else:
                raise AssertionError("a closing server took work on")

    play(act)


class Talkative(ScriptedProvider):
    """Tells of progress while it is polled."""

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        report(0.25)
        return await super().poll(work, ticket, report)


def test_progress_is_told_and_then_forgotten(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Talkative([UP, an_output()])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            running = await scene.engine.store.get(id)
            assert scene.engine.bell.with_progress(running).progress == 0.25
            provider.gate.set()
            await scene.reach(id)
            assert scene.engine.bell.with_progress(running).progress is None

    play(act)
