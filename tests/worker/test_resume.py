"""What the next server makes of what the last one left, and what an ambiguous outcome becomes."""

import asyncio
from pathlib import Path

import pytest

from darkroom.attempts import Rules
from darkroom.errors import Ambiguous, InvalidInput, StaleAttempt
from darkroom.generation import Status
from darkroom.ports import Output, Ticket, Work
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from tests.worker.scene import Scene, interrupted, play, put_forward, until, working

NOW = FrozenClock().now()
UP = Ticket("up_1")


LIMIT_S = 20.0


def rules(when_ambiguous: str, *, hold_s: float = 3600.0) -> Rules:
    return Rules(
        max_attempts=3, limit_s=LIMIT_S, when_ambiguous=when_ambiguous, hold_s=hold_s, retry_s=0.0, verdict_s=0.05
    )


def test_an_attempt_with_a_ticket_goes_on_polling_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
            await store.note_ticket(id, 1, "up_1")
        provider = ScriptedProvider([an_output()])
        async with working(tmp_path, provider) as scene:
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 2)
            assert (provider.started, provider.polled) == ([], ["up_1"])
            assert await scene.outcomes() == [(1, "up_1", None), (2, "up_1", "completed")]
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_ticket_outlives_attempts_that_were_cut_off_before_they_polled_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
            await store.note_ticket(id, 1, "up_1")
            for _ in range(2):
                await store.rescue(now=NOW)
                await store.begin(id, now=NOW)
        provider = ScriptedProvider([an_output()])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert (provider.started, provider.polled) == ([], ["up_1"])

    play(act)


def test_an_attempt_that_had_not_sent_anything_starts(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.started == [id]

    play(act)


async def cut_off_while_sending(folder: Path) -> str:
    async with interrupted(folder) as (store, id):
        await store.begin(id, now=NOW)
        await store.note_ticket(id, 1, "")
    return id


def test_cut_off_while_sending_fails_where_the_policy_says_so(tmp_path: Path) -> None:
    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        provider = ScriptedProvider([])
        async with working(tmp_path, provider, rules=rules("fail")) as scene:
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code, provider.started) == (Status.FAILED, "ambiguous", [])
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_cut_off_while_sending_starts_anew_where_the_policy_says_so(tmp_path: Path) -> None:
    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider, rules=rules("retry")) as scene:
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt, provider.started) == (Status.COMPLETED, 3, [id])
            assert await scene.outcomes() == [(1, "", None), (2, None, "retry"), (3, "up_1", "completed")]

    play(act)


async def parked(scene: Scene, attempt: int) -> None:
    """Wait until an attempt is held for the operator."""
    while (attempt, "ambiguous") not in [(number, outcome) for number, _, outcome in await scene.outcomes()]:
        pass
    await scene.idle()


def test_cut_off_while_sending_is_held_for_the_operator(tmp_path: Path) -> None:
    """Over any number of restarts."""

    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        provider = ScriptedProvider([])
        for attempt in (2, 3):
            async with working(tmp_path, provider, rules=rules("hold")) as scene:
                await parked(scene, attempt)
                assert await scene.books() == (60, 40, 0)
                assert (await scene.engine.store.get(id)).status is Status.RUNNING
        assert provider.started == []

    play(act)


def test_the_operator_has_it_started_anew(tmp_path: Path) -> None:
    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider, rules=rules("hold")) as scene:
            await parked(scene, 2)
            assert (await scene.engine.store.decide(id, is_retry=True, now=NOW)).status is Status.QUEUED
            await scene.engine.sweeper.sweep()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt, provider.started) == (Status.COMPLETED, 3, [id])
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_the_operator_has_it_fail(tmp_path: Path) -> None:
    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        async with working(tmp_path, [], rules=rules("hold")) as scene:
            await parked(scene, 2)
            failed = await scene.engine.store.decide(id, is_retry=False, now=NOW)
            assert failed.status is Status.FAILED
            assert await scene.books() == (100, 0, 0)
            with pytest.raises(InvalidInput):
                await scene.engine.store.decide(id, is_retry=True, now=NOW)

    play(act)


def test_the_operator_may_decide_while_no_server_runs(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
            await store.note_ticket(id, 1, "")
            await store.note_outcome(id, 1, "ambiguous", now=NOW)
            await store.decide(id, is_retry=True, now=NOW)
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.started == [id]

    play(act)


def test_what_no_operator_decides_is_given_back_in_the_end(tmp_path: Path) -> None:
    async def act() -> None:
        id = await cut_off_while_sending(tmp_path)
        async with working(tmp_path, [], rules=rules("hold", hold_s=0.0)) as scene:
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "ambiguous")
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_its_caller_may_take_back_what_is_held_for_the_operator(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, [Ambiguous("lost")], rules=rules("hold")) as scene:
            id = await scene.submit()
            await parked(scene, 1)
            assert (await scene.cancel(id)).status is Status.CANCELED
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_second_ambiguity_is_held_by_itself(tmp_path: Path) -> None:
    """The first wait ends without taking the second one along."""

    async def act() -> None:
        provider = ScriptedProvider([Ambiguous("lost"), Ambiguous("lost again")])
        async with working(tmp_path, provider, rules=rules("hold")) as scene:
            id = await scene.submit()
            await parked(scene, 1)
            await scene.engine.store.decide(id, is_retry=True, now=NOW)
            await scene.engine.sweeper.sweep()
            await parked(scene, 2)
            assert len([task for task in asyncio.all_tasks() if "_outwait" in repr(task)]) == 1

    play(act)


def test_the_deadline_fails_it_and_stops_it_upstream(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP])
        provider.gate.clear()
        async with working(tmp_path, provider, rules=rules("hold")) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            put_forward(LIMIT_S)
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "provider_timed_out")
            assert provider.canceled == ["up_1"]
            assert await scene.books() == (100, 0, 0)

    play(act)


class Silent(ScriptedProvider):
    """Takes the work and never answers."""

    async def start(self, work: Work) -> Ticket | Output:
        self.started.append(work.reference)
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(("may_restart", "cause"), [(False, "ambiguous"), (True, "provider_timed_out")])
def test_a_deadline_inside_the_paid_call_is_no_verdict(tmp_path: Path, may_restart: bool, cause: str) -> None:
    async def act() -> None:
        provider = Silent([], may_restart=may_restart)
        async with working(tmp_path, provider, rules=rules("fail")) as scene:
            id = await scene.submit()
            await until(lambda: provider.started == [id])
            put_forward(LIMIT_S)
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, cause)
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_shutdown_hands_back_what_does_not_end_in_time(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
        assert provider.canceled == []
        resumed = ScriptedProvider([an_output()])
        async with working(tmp_path, resumed) as scene:
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 2)
            assert (resumed.started, resumed.polled) == ([], ["up_1"])
            assert await scene.outcomes() == [(1, "up_1", "handed back"), (2, "up_1", "completed")]

    play(act)


def test_shutdown_inside_the_paid_call_is_ambiguous_at_the_next_start(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Silent([])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await until(lambda: provider.started == [id])
        again = ScriptedProvider([])
        async with working(tmp_path, again, rules=rules("fail")) as scene:
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.cause.code, again.started) == ("ambiguous", [])

    play(act)


def test_shutdown_lets_what_ends_in_time_end(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, an_output()])
        provider.gate.clear()
        async with working(tmp_path, provider, shutdown_limit_s=30.0) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            asyncio.get_running_loop().call_soon(provider.gate.set)
        async with working(tmp_path, []) as scene:
            assert (await scene.engine.store.get(id)).status is Status.COMPLETED
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_stale_worker_changes_nothing(tmp_path: Path) -> None:
    """A worker that slept through a rescue wakes up: another attempt has the row."""

    async def act() -> None:
        provider = ScriptedProvider([UP, an_output(), an_output()])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            await scene.engine.store.rescue(now=NOW)
            second = await scene.engine.store.begin(id, now=NOW)
            assert second is not None
            assert second.generation.attempt == 2
            provider.gate.set()
            await scene.idle()
            assert (await scene.engine.store.get(id)).status is Status.RUNNING
            assert await scene.books() == (60, 40, 0)
            assert scene.stored() == []
            with pytest.raises(StaleAttempt):
                await scene.engine.store.note_ticket(id, 1, "late")
            assert await scene.outcomes() == [(1, "up_1", None), (2, None, None)]

    play(act)


def test_the_queue_may_deliver_twice(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, an_output()])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            await scene.engine.worker.handle(id)
            provider.gate.set()
            ended = await scene.reach(id)
            await scene.engine.worker.handle(id)
            assert (ended.attempt, provider.started) == (1, [id])
            assert await scene.books() == (60, 0, 40)

    play(act)
