"""What is held: shown to the operator, still looked at where its ticket is known, and delivered when it comes late."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from darkroom.attempts import Rules
from darkroom.errors import ContentRefused, ProviderUnavailable
from darkroom.generation import Status
from darkroom.ports import Output, Pending, Report, Ticket, Work
from darkroom.testing import FrozenClock, ScriptedProvider, Step, an_output
from tests.worker.scene import play, until, working

NOW = FrozenClock().now()


def rules(when_ambiguous: str = "hold") -> Rules:
    return Rules(max_attempts=3, limit_s=20.0, when_ambiguous=when_ambiguous, hold_s=3600.0, retry_s=0.0)


class Endless(ScriptedProvider):
    """Goes on and on until `done` is set, then follows its script. `word` is what it says meanwhile. Its first look is
    cut off, as at the operator's limit."""

    def __init__(self, script: list[Step], *, can_cancel: bool = False, word: str = "", cancels: bool = True) -> None:
        super().__init__(script)
        self.can_cancel = can_cancel
        self.done = asyncio.Event()
        self.word = word
        self.cancels = cancels
        self.folders: list[Path] = []

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        self.folders.append(work.folder)
        if self.done.is_set():
            return await super().poll(work, ticket, report)
        self.polled.append(ticket.ref)
        if self.started and len(self.polled) == 1:
            raise TimeoutError
        return Pending(after_s=0.0, word=self.word)

    async def start(self, work: Work) -> Ticket | Output:
        self.started.append(work.reference)
        return Ticket(f"up_{len(self.started)}")

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        await super().cancel(work, ticket)
        if not self.cancels:
            raise ProviderUnavailable("503")


@pytest.mark.parametrize("can_cancel", [False, True], ids=["cannot be canceled", "is not reached to cancel"])
def test_past_the_operator_s_limit_a_late_result_is_delivered_while_the_hold_stands(
    tmp_path: Path, can_cancel: bool
) -> None:
    async def act() -> None:
        provider = Endless([an_output()], can_cancel=can_cancel, cancels=False)
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            assert await scene.outcomes() == [(1, "up_1", "ambiguous")]
            assert await scene.books() == (60, 40, 0)
            provider.done.set()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt, len(scene.stored())) == (Status.COMPLETED, 1, 1)
            assert await scene.books() == (60, 0, 40)
            assert provider.started == [id]

    play(act)


def test_looks_at_what_is_held_have_a_folder_of_their_own(tmp_path: Path) -> None:
    """The attempt's is deleted when it has been parked, and that may be while the first of them is under way."""

    async def act() -> None:
        provider = Endless([an_output()])
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            provider.done.set()
            await scene.reach(id)
            await until(lambda: not (tmp_path / "work" / f"{id}-1-held").exists())
            assert [folder.name for folder in dict.fromkeys(provider.folders)] == [f"{id}-1", f"{id}-1-held"]

    play(act)


def test_old_news_from_another_process_does_not_end_the_looks(tmp_path: Path) -> None:
    """What was submitted beside a server is begun by it, and its being queued may be heard of only after that."""

    async def act() -> None:
        provider = Endless([an_output()])
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            held = await scene.engine.store.get(id)
            scene.engine.desk.changed(replace(held, status=Status.QUEUED, attempt=0))
            provider.done.set()
            assert (await scene.reach(id)).status is Status.COMPLETED

    play(act)


@pytest.mark.parametrize("policy", ["hold", "fail", "retry"])
def test_what_can_be_called_off_is_and_fails(tmp_path: Path, policy: str) -> None:
    async def act() -> None:
        provider = Endless([], can_cancel=True)
        async with working(tmp_path, provider, rules=rules(policy)) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "provider_timed_out")
            assert provider.canceled == ["up_1"]

    play(act)


def test_what_cannot_be_called_off_fails_where_nothing_is_held(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, Endless([]), rules=rules("fail")) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "provider_timed_out")

    play(act)


def test_a_word_that_nobody_knows_is_never_an_end(tmp_path: Path) -> None:
    """Not even one that could be called off: it may be done."""

    async def act() -> None:
        provider = Endless([an_output()], can_cancel=True, word="SUPERSEDED")
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            assert provider.canceled == []
            (attempt,) = await scene.engine.store.ambiguous()
            assert "'SUPERSEDED'" in attempt.detail
            provider.done.set()
            assert (await scene.reach(id)).status is Status.COMPLETED

    play(act)


def test_a_refusal_that_comes_late_is_told_as_one(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Endless([ContentRefused("no", cost_micro_usd=20_000)])
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            provider.done.set()
            ended = await scene.reach(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "content_refused")
            assert await scene.books() == (100, 0, 0)
            assert await scene.rows("SELECT cost_micro_usd FROM attempt") == [(20_000,)]

    play(act)


def test_it_is_held_and_looked_at_over_a_restart(tmp_path: Path) -> None:
    async def act() -> None:
        first = Endless([])
        async with working(tmp_path, first, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
        second, later = Endless([an_output()]), FrozenClock()
        later.advance(100)
        async with working(tmp_path, second, rules=rules(), clock=later) as scene:
            await until(lambda: "up_1" in second.polled)
            await scene.held()
            (attempt,) = await scene.engine.store.ambiguous()
            assert (attempt.number, attempt.ticket) == (2, "up_1")
            assert attempt.ended_at == NOW  # since when nobody knows
            assert "could not be told to stop" in attempt.detail
            second.done.set()
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert second.started == []
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_its_caller_takes_it_back_and_the_upstream_is_told(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Endless([], can_cancel=True, cancels=False)
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            provider.canceled.clear()
            assert (await scene.cancel(id)).status is Status.CANCELED
            await until(lambda: provider.canceled == ["up_1"])
            assert await scene.books() == (100, 0, 0)

    play(act)


@pytest.mark.parametrize("is_retry", [True, False])
def test_the_operator_s_word_ends_the_looks(tmp_path: Path, is_retry: bool) -> None:
    async def act() -> None:
        provider = Endless([an_output()])
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            decided = await scene.engine.store.decide(id, is_retry=is_retry, now=NOW)
            assert decided.status is (Status.QUEUED if is_retry else Status.FAILED)
            scene.engine.desk.changed(decided)
            provider.done.set()
            if is_retry:
                await scene.engine.sweeper.sweep()
                assert (await scene.reach(id)).status is Status.COMPLETED
                assert provider.started == [id, id]
            else:
                await scene.idle()
                assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_bug_in_a_look_is_not_the_last_look(tmp_path: Path) -> None:
    class Stumbling(Endless):
        stumbles = 2

        async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
            if self.done.is_set() and self.stumbles:
                self.stumbles -= 1
                raise KeyError("a bug")
            return await super().poll(work, ticket, report)

    async def act() -> None:
        provider = Stumbling([an_output()])
        async with working(tmp_path, provider, rules=rules()) as scene:
            id = await scene.submit()
            await scene.held()
            provider.done.set()
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.stumbles == 0

    play(act)


def test_each_provider_has_its_own_policy(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Endless([])
        async with working(tmp_path, provider, rules=rules(), rules_for={"sketch": rules("fail")}) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.status is Status.FAILED

    play(act)
