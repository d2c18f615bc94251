"""A lost answer is looked up where that can be done: right after the loss, after a restart, and while it is held."""

from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.attempts import Rules
from darkroom.errors import Ambiguous, ProviderUnavailable
from darkroom.generation import Status
from darkroom.ports import Output, Produced, Ticket, Work
from darkroom.testing import FrozenClock, an_output
from tests.worker.away import FIRST, SECOND, Away
from tests.worker.scene import AT_ONCE, Scene, interrupted, play, put_forward, until, working

NOW = FrozenClock().now()
UP = Ticket("up_1")
LOST = Ambiguous("the answer was lost")
DOWN = ProviderUnavailable("503")
FAIL = Rules(max_attempts=3, limit_s=20.0, when_ambiguous="fail", hold_s=30.0, retry_s=0.0)


async def tries(scene: Scene) -> list[tuple[object, ...]]:
    return await scene.rows("SELECT number, ticket, outcome, credential FROM attempt ORDER BY number")


def test_a_ticket_that_is_found_is_polled(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST, an_output()], FIRST, can_look_up=True, found=[UP])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.asked == [("start", FIRST), ("lookup", FIRST), ("poll", FIRST)]
            assert await tries(scene) == [(1, "up_1", "completed", "one")]
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_what_was_not_taken_is_started_again(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST, UP, an_output()], FIRST, SECOND, can_look_up=True, found=[None])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(await scene.submit())).status is Status.COMPLETED
            assert [verb for verb, _ in provider.asked] == ["start", "lookup", "start", "poll"]
            assert await tries(scene) == [(1, "", "provider_unavailable", "one"), (2, "up_1", "completed", "two")]
            assert await scene.books() == (60, 0, 40)

    play(act)


class Finished(Away):
    """Its look-up has the result itself."""

    async def lookup(self, work: Work) -> Ticket | Output | None:
        self.asked.append(("lookup", work.address))
        path = work.folder / "found.mp4"
        path.write_bytes(b"found")
        return Output(files=(Produced(path=path, media_type="video/mp4"),))


@pytest.mark.parametrize("after_a_restart", [False, True])
def test_a_result_that_is_found_is_delivered(tmp_path: Path, after_a_restart: bool) -> None:
    async def act() -> None:
        provider = Finished([LOST], FIRST, can_look_up=True)
        if after_a_restart:
            id = await cut_off(tmp_path)
        async with working(tmp_path, provider) as scene:
            submitted = id if after_a_restart else await scene.submit()
            assert (await scene.reach(submitted)).status is Status.COMPLETED
            assert await scene.books() == (60, 0, 40)

    play(act)


async def cut_off(folder: Path) -> str:
    """What a server leaves that was killed between the paid call and its answer."""
    async with interrupted(folder) as (store, id):
        await store.begin(id, now=NOW)
        await store.note_ticket(id, 1, "", address=FIRST, sent_at=NOW)
    return id


@pytest.mark.parametrize("rules", [AT_ONCE, FAIL])
def test_after_a_restart_it_is_looked_up_where_it_was_sent(tmp_path: Path, rules: Rules) -> None:
    """Whatever the policy is: nothing is ambiguous that can be told."""

    async def act() -> None:
        id = await cut_off(tmp_path)
        provider = Away([an_output()], SECOND, can_look_up=True, found=[UP])
        async with working(tmp_path, provider, rules=rules) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.asked == [("lookup", FIRST), ("poll", FIRST)]
            assert provider.started == []

    play(act)


@pytest.mark.parametrize("rules", [AT_ONCE, FAIL])
def test_one_that_cannot_be_asked_now_is_asked_again_while_it_is_held(tmp_path: Path, rules: Rules) -> None:
    async def act() -> None:
        provider = Away([LOST, an_output()], FIRST, can_look_up=True, found=[DOWN, DOWN, DOWN, UP])
        async with working(tmp_path, provider, rules=rules) as scene:
            id = await scene.submit()
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.started == [id]
            assert [verb for verb, _ in provider.asked] == ["start", *["lookup"] * 4, "poll"]
            assert await tries(scene) == [(1, "up_1", "found", "one"), (2, "up_1", "completed", "one")]
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_what_was_not_taken_is_started_again_from_its_hold_too(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST, UP, an_output()], FIRST, SECOND, can_look_up=True, found=[DOWN, None])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(await scene.submit())).status is Status.COMPLETED
            assert [verb for verb, _ in provider.asked] == ["start", "lookup", "lookup", "start", "poll"]

    play(act)


def test_the_hold_ends_where_nobody_ever_tells(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST], FIRST, can_look_up=True, found=[DOWN] * 100_000)
        async with working(tmp_path, provider, rules=FAIL) as scene:
            id = await scene.submit()
            await until(lambda: len(provider.looked_up) > 2)
            put_forward(FAIL.hold_s)
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "ambiguous")
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_look_up_is_backed_off(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST], FIRST, can_look_up=True, found=[DOWN] * 100_000)
        async with working(tmp_path, provider, rules=replace(FAIL, hold_s=0.3)) as scene:
            await scene.reach(await scene.submit())
            # In 0.3 s: one at once, one after 0.01 s, then after 0.0025, 0.005, 0.01 ... up to 0.1 s.
            assert len(provider.looked_up) <= 12

    play(act)


def test_one_that_was_found_is_no_longer_ambiguous_after_a_restart(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST], FIRST, can_look_up=True, found=[DOWN, UP])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            assert await scene.engine.store.ambiguous() == []
        again = Away([an_output()], can_look_up=True)
        async with working(tmp_path, again) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert again.asked == [("poll", FIRST)]

    play(act)


def test_its_caller_takes_back_what_is_being_looked_up(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([LOST], FIRST, can_look_up=True, found=[DOWN] * 100_000)
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await scene.held()
            assert (await scene.cancel(id)).status is Status.CANCELED
            assert await scene.books() == (100, 0, 0)

    play(act)
