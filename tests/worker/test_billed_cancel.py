"""A cancel says what became of the credits, and never races them apart from the status."""

import asyncio
import os
from pathlib import Path

import pytest

from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.worker.scene import play, until, working

RACES = int(os.environ.get("DARKROOM_CANCEL_RACES", "100"))


@pytest.mark.parametrize(("bills", "books"), [(True, (60, 0, 40)), (False, (100, 0, 0))], ids=["billed", "free"])
def test_a_running_one_costs_what_its_provider_bills(tmp_path: Path, bills: bool, books: tuple[int, int, int]) -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("up_1")], bills_canceled=bills)
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            canceled = await scene.cancel(id)
            assert (canceled.status, canceled.spent_total) == (Status.CANCELED, books[2] * 1_000_000)
            assert await scene.books() == books
            assert (await scene.cancel(id)).spent_total == canceled.spent_total
            assert await scene.books() == books

    play(act)


def test_one_that_waits_costs_nothing_anywhere(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, ScriptedProvider([], slots=0, bills_canceled=True)) as scene:
            id = await scene.submit()
            assert (await scene.cancel(id)).spent_total == 0
            assert await scene.books() == (100, 0, 0)

    play(act)


@pytest.mark.parametrize("bills", [True, False], ids=["billed", "free"])
def test_a_cancel_and_a_completion_at_once_are_one_of_the_two(tmp_path: Path, bills: bool) -> None:
    """`DARKROOM_CANCEL_RACES=1000` for as many. Who wins tells when the next cancel comes, so that most are
    close."""

    async def act() -> None:
        provider = ScriptedProvider([Ticket("u"), an_output()] * RACES, bills_canceled=bills)
        spent, turns = 0, 10.0
        ends = {Status.COMPLETED: 0, Status.CANCELED: 0}
        async with working(tmp_path, provider) as scene:
            store = scene.engine.store
            ann = await store.find_account("ann")
            await store.grant(ann.id, 40_000_000 * RACES, purse="permanent", note="", now=scene.engine.clock.now())  # type: ignore[arg-type]
            for _ in range(RACES):
                provider.gate.clear()
                provider.entered.clear()
                id = await scene.submit()
                await provider.entered.wait()
                provider.gate.set()
                for _ in range(int(turns)):
                    await asyncio.sleep(0)
                answered = await scene.cancel(id)
                ended = await scene.reach(id)
                assert ended.is_terminal
                assert answered.status is ended.status
                ends[ended.status] += 1
                turns = turns * 1.3 + 1 if ended.status is Status.CANCELED else turns * 0.8
                expected = 40 if bills or ended.status is Status.COMPLETED else 0
                assert ended.spent_total == expected * 1_000_000
                spent += expected
                await until(lambda: scene.engine.queue.in_hand == 0)
            assert await scene.books() == (100 + 40 * RACES - spent, 0, spent)
            assert all(ends.values()), f"the races were no races: {ends}"

    asyncio.run(asyncio.wait_for(act(), 120))
