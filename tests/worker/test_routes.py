"""From one route to the next: only what was certainly not taken moves on, and each decision is written down."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Ambiguous, ContentRefused, ModelUnavailable, ProviderUnavailable
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from tests.worker.scene import Scene, interrupted, one_model, play, working

DOWN = ProviderUnavailable("connection refused")
LOST = Ambiguous("the answer was lost")
UP = Ticket("up_1")
# All of the first choices go to the first; the others are there for when it is not.
ROUTES = """
[[routes]]
provider = "a"
upstream = "reel-a"
[[routes]]
provider = "b"
upstream = "reel-b"
weight = 0
[[routes]]
provider = "c"
upstream = "reel-c"
weight = 0
"""


def named(name: str, script: Sequence[Any], **more: Any) -> ScriptedProvider:
    return ScriptedProvider(script, name=name, **more)


async def tried(scene: Scene) -> list[tuple[Any, ...]]:
    return await scene.rows("SELECT provider, outcome, reason FROM attempt ORDER BY number")


def test_what_was_not_taken_goes_to_the_next_route_at_once(tmp_path: Path) -> None:
    async def act() -> None:
        a, b, c = named("a", [DOWN]), named("b", [DOWN]), named("c", [UP, an_output()])
        async with working(tmp_path, a, b, c, models=one_model(ROUTES)) as scene:
            id = await scene.submit()
            ended = await scene.reach(id)
            assert (ended.status, ended.provider, ended.attempt) == (Status.COMPLETED, "c", 3)
            assert await scene.rows("SELECT provider FROM generation") == [("c",)]
            assert await tried(scene) == [
                ("a", "provider_unavailable", "first by weight"),
                ("b", "provider_unavailable", "after a: connection refused"),
                ("c", "completed", "after b: connection refused"),
            ]
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_where_all_have_been_tried_the_first_is_tried_again(tmp_path: Path) -> None:
    async def act() -> None:
        a, b = named("a", [DOWN, UP, an_output()]), named("b", [DOWN])
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            ended = await scene.reach(await scene.submit())
            assert (ended.status, ended.provider, ended.attempt) == (Status.COMPLETED, "a", 3)

    play(act)


def test_each_route_has_its_own_number_of_tries(tmp_path: Path) -> None:
    async def act() -> None:
        a, b = named("a", [DOWN] * 9), named("b", [DOWN] * 9)
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "provider_unavailable")
            assert (len(a.started), len(b.started)) == (3, 3)
            assert await scene.books() == (100, 0, 0)

    play(act)


@pytest.mark.parametrize("error", [LOST, ContentRefused("no")], ids=["ambiguous", "refused"])
def test_what_may_have_been_taken_or_was_refused_goes_nowhere_else(tmp_path: Path, error: Exception) -> None:
    async def act() -> None:
        a, b = named("a", [error]), named("b", [UP, an_output()])
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            id = await scene.submit()
            await scene.reach(id, Status.RUNNING)
            await scene.idle()
            assert b.started == []
            assert (await scene.engine.store.get(id)).provider == "a"

    play(act)


def test_what_a_look_up_says_was_not_taken_may_go_elsewhere(tmp_path: Path) -> None:
    async def act() -> None:
        a, b = named("a", [LOST], can_look_up=True, found=[None]), named("b", [UP, an_output()])
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            ended = await scene.reach(await scene.submit())
            assert (ended.status, ended.provider) == (Status.COMPLETED, "b")

    play(act)


def test_what_lies_at_a_provider_stays_there_though_it_cannot_be_asked(tmp_path: Path) -> None:
    async def act() -> None:
        a, b = named("a", [UP, DOWN, DOWN, an_output()]), named("b", [])
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            ended = await scene.reach(await scene.submit())
            assert (ended.status, ended.provider, ended.attempt) == (Status.COMPLETED, "a", 1)

    play(act)


def test_a_provider_that_has_failed_again_and_again_is_left_alone_then_tried_with_one(tmp_path: Path) -> None:
    async def act() -> None:
        clock = FrozenClock()
        a = named("a", [DOWN] * 5 + [UP, an_output(), UP, an_output()])
        b = named("b", [UP, an_output()] * 20)
        async with working(tmp_path, a, b, models=one_model(ROUTES), clock=clock, credits_given=10_000) as scene:
            for _ in range(7):
                assert (await scene.reach(await scene.submit())).provider == "b"
            assert len(a.started) == 5
            reasons = await scene.rows("SELECT reason FROM attempt WHERE provider = 'b' ORDER BY generation_id")
            assert reasons[-1] == ("a was resting",)
            clock.advance(15)
            assert (await scene.reach(await scene.submit())).provider == "a"
            assert (await scene.reach(await scene.submit())).provider == "a"

    play(act)


def test_what_waits_for_a_provider_that_has_begun_to_rest_is_handed_over(tmp_path: Path) -> None:
    async def act() -> None:
        a, b = named("a", [UP, an_output()], slots=1), named("b", [UP, an_output()])
        a.gate.clear()
        async with working(tmp_path, a, b, models=one_model(ROUTES)) as scene:
            first, second = await scene.submit(), await scene.submit()
            await a.entered.wait()
            for _ in range(5):
                scene.engine.routing.health.failed("a")
            a.gate.set()
            assert (await scene.reach(first)).provider == "a"
            ended = await scene.reach(second)
            assert (ended.status, ended.provider, a.started) == (Status.COMPLETED, "b", [first])
            tries = await scene.rows(f"SELECT provider, outcome FROM attempt WHERE generation_id = '{second}'")
            assert tries == [("a", "at a limit"), ("b", "completed")]

    play(act)


def test_a_provider_alone_is_tried_however_ill_it_is(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider) as scene:
            for _ in range(9):
                scene.engine.routing.health.failed("sketch")
            assert (await scene.reach(await scene.submit())).status is Status.COMPLETED

    play(act)


def test_a_model_that_nobody_here_runs_holds_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, named("z", []), models=one_model(ROUTES)) as scene:
            with pytest.raises(ModelUnavailable):
                await scene.submit()
            assert await scene.books() == (100, 0, 0)
            assert await scene.rows("SELECT id FROM generation") == []

    play(act)


def test_work_goes_on_at_its_provider_though_the_routes_have_changed(tmp_path: Path) -> None:
    """What was accepted stays accepted."""

    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=FrozenClock().now())
            await store.note_ticket(id, 1, "up_1")
        provider = ScriptedProvider([an_output()])
        a = named("a", [])
        async with working(tmp_path, provider, a, models=one_model(ROUTES)) as scene:
            ended = await scene.reach(id)
            assert (ended.status, ended.provider) == (Status.COMPLETED, "sketch")

    play(act)
