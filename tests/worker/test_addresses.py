"""An attempt owns where it went: whoever goes on with it goes there too, whatever is configured by then."""

from pathlib import Path

import pytest

from darkroom.errors import ProviderUnavailable
from darkroom.generation import Status
from darkroom.ports import Address, Output, Pending, Ticket, Work
from darkroom.testing import FrozenClock, an_output
from tests.worker.away import FIRST, SECOND, Away
from tests.worker.scene import Scene, interrupted, play, working

NOW = FrozenClock().now()
UP = Ticket("up_1")


class Reading(Away):
    """Reads what is written down of the attempt when its paid call begins."""

    scene: Scene

    async def start(self, work: Work) -> Ticket | Output:
        self.written = await self.scene.rows(WRITTEN)
        return await super().start(work)


WRITTEN = "SELECT ticket, credential, base_url, sent_at FROM attempt"


def test_where_it_goes_is_written_down_before_the_paid_call(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Reading([UP, an_output()], FIRST)
        async with working(tmp_path, provider) as scene:
            provider.scene = scene
            await scene.reach(await scene.submit())
            sent_at = round(NOW.timestamp() * 1_000_000)
            assert provider.written == [("", "one", "https://up.example/v1", sent_at)]
            assert await scene.rows(WRITTEN) == [("up_1", "one", "https://up.example/v1", sent_at)]

    play(act)


def test_a_rescued_attempt_polls_where_it_was_sent_though_the_configuration_has_changed(tmp_path: Path) -> None:
    async def act() -> None:
        first = Away([UP], FIRST)
        first.gate.clear()
        async with working(tmp_path, first) as scene:
            id = await scene.submit()
            await first.entered.wait()
        second = Away([Pending(after_s=0.0), an_output()], SECOND)
        async with working(tmp_path, second) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert second.asked == [("poll", FIRST), ("poll", FIRST)]
            assert await scene.rows("SELECT credential FROM attempt") == [("one",), ("one",)]

    play(act)


def test_a_cancel_goes_where_the_work_is(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
            await store.note_ticket(id, 1, "up_1", address=FIRST, sent_at=NOW)
        provider = Away([UP], SECOND)
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            await provider.entered.wait()
            await scene.cancel(id)
            await scene.idle()
            assert provider.asked == [("poll", FIRST), ("cancel", FIRST)]

    play(act)


def test_a_new_try_takes_a_new_address(tmp_path: Path) -> None:
    async def act() -> None:
        provider = Away([ProviderUnavailable("connection refused"), UP, an_output()], FIRST, SECOND)
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(await scene.submit())).status is Status.COMPLETED
            assert provider.asked == [("start", FIRST), ("start", SECOND), ("poll", SECOND)]

    play(act)


def test_what_was_cut_off_while_it_was_sent_is_sent_again_to_the_same_address(tmp_path: Path) -> None:
    """The upstream knows our reference there, and nowhere else: with another credential it would pay twice."""

    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            await store.begin(id, now=NOW)
            await store.note_ticket(id, 1, "", address=FIRST, sent_at=NOW)
        provider = Away([UP, an_output()], SECOND, may_restart=True)
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert provider.asked == [("start", FIRST), ("poll", FIRST)]

    play(act)


class AtLimits(Away):
    """Has no credential to spare for the first so many times."""

    refusals = 5

    def address(self) -> Address:
        if self.refusals:
            self.refusals -= 1
            raise ProviderUnavailable("each credential is at its limit", retry_after_s=0.001)
        return super().address()


def test_waiting_for_a_credential_is_no_failed_try(tmp_path: Path) -> None:
    async def act() -> None:
        provider = AtLimits([UP, an_output()], FIRST)
        async with working(tmp_path, provider) as scene:
            ended = await scene.reach(await scene.submit())
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 6)
            assert provider.asked == [("start", FIRST), ("poll", FIRST)]

    play(act)


@pytest.mark.parametrize(("public_url", "callbacks"), [("", False), ("https://media.example/", True)])
def test_an_upstream_is_told_of_us_only_where_we_can_be_reached(
    tmp_path: Path, public_url: str, callbacks: bool
) -> None:
    async def act() -> None:
        provider = Away([UP, an_output()], FIRST)
        async with working(tmp_path, provider, public_url=public_url) as scene:
            id = await scene.submit()
            await scene.reach(id)
            url = provider.works[0].callback_url
            assert (url is not None) == callbacks
            if url is not None:
                assert url.startswith(f"https://media.example/callbacks/{id}.1.")
                assert scene.engine.outside.generation_of(url.rsplit("/", 1)[-1]) == id

    play(act)
