"""Another Darkroom beyond the suite: its hints, its key, its inputs, its causes."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.errors import Ambiguous, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Pending, Ticket
from tests.providers.fakes.darkroom import Darkroom
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.scene import Facing, facing

Story = Callable[[Facing], Awaitable[None]]


def play(folder: Path, story: Story, **changes: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(Darkroom(), folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())


def test_one_read_waits_and_is_followed_by_the_next(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        assert await scene.poll(work, ticket) == Pending(after_s=0, progress=None)
        assert await scene.poll(work, ticket) == Pending(after_s=0, progress=0.5)
        assert [seen.query for kind, seen in scene.fake.seen if kind == "poll"] == [{"wait": "20"}] * 2

    play(tmp_path, story)


def test_without_waiting_it_says_itself_when_to_come_back(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        assert await scene.poll(work, ticket) == Pending(after_s=2, progress=None)
        assert [seen.query for kind, seen in scene.fake.seen if kind == "poll"] == [{"wait": "0"}]

    play(tmp_path, story, options={"wait_s": False})


def test_our_reference_is_the_key(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        assert await scene.submit(work) == await scene.submit(work)
        assert [job.key for job in scene.fake.jobs.values()] == [work.reference]

    play(tmp_path, story)


def test_a_key_that_was_used_in_other_words_says_nothing(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        await scene.submit(work)
        with pytest.raises(Ambiguous):
            await scene.submit(dataclasses.replace(work, inputs={"prompt": "a hare"}))

    play(tmp_path, story)


def test_media_go_where_the_caller_named_them(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = tmp_path / "start.png"
        picture.write_bytes(png())
        inputs = {"prompt": "a fox", "image_url": "darkroom-asset:1", "duration": 5}
        work = dataclasses.replace(scene.work(), inputs=inputs, media={"image_url": (picture,)})
        await scene.submit(work)
        (job,) = scene.fake.jobs.values()
        assert job.body["inputs"].pop("image_url").startswith("data:image/png;base64,")
        assert job.body == {"model": "a-model", "inputs": {"prompt": "a fox", "duration": 5}}

    play(tmp_path, story)


@pytest.mark.parametrize("callback", [True, False])
def test_it_calls_back_where_it_can(callback: bool, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(dataclasses.replace(scene.work(), callback_url="https://here.example/told"))
        (job,) = scene.fake.jobs.values()
        assert job.body.get("webhook_url") == ("https://here.example/told" if callback else None)

    play(tmp_path, story, options={"callback": callback})


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (422, "invalid_input", ProviderRejected),
        (402, "insufficient_credits", ProviderUnavailable),
        (404, "unknown_model", ProviderUnavailable),
        (429, "too_many_in_flight", ProviderUnavailable),
        (503, "unavailable", ProviderUnavailable),
        (500, "internal_error", ProviderUnavailable),
    ],
)
def test_what_a_code_comes_to_at_a_submit(status: int, code: str, failure: type[Failure], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"error": {"code": code, "message": "In words.", "problems": [], "request_id": "req_1"}}
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(failure):
            await scene.submit(scene.work())

    play(tmp_path, story)


def test_a_failure_gives_its_cause_and_costs_nothing(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.states = ("failed",)
        work = scene.work()
        started = await scene.submit(work)
        with pytest.raises(ProviderRejected, match="the provider could not make this") as caught:
            await scene.finish(work, started)
        assert caught.value.cost_micro_usd == 0

    play(tmp_path, story)
