"""OpenAI-shaped videos where they branch: the file in the form, moderation told by a poll, servers of one's own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.errors import Ambiguous, ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Pending, Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp4, png
from tests.providers.fakes.openai_videos import OpenaiVideos
from tests.providers.scene import Facing, facing


class NoKey(OpenaiVideos):
    """vLLM-Omni on a machine of one's own: it asks for no key, and takes more."""

    extra = ("seed", "negative_prompt", "fps")

    def is_let_in(self, seen: Any) -> bool:
        return "Authorization" not in seen.headers


def play(
    folder: Path,
    story: Callable[[Facing], Awaitable[None]],
    *states: str,
    fake: OpenaiVideos | None = None,
    **file: Any,
) -> OpenaiVideos:
    fake = fake or OpenaiVideos()
    fake.states = states or ("completed",)

    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **file) as scene:
            await story(scene)

    asyncio.run(run())
    return fake


@pytest.mark.parametrize(("role", "content"), [("image", png()), ("video", mp4())])
def test_a_picture_or_a_film_is_a_file_with_a_name(role: str, content: bytes, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        task = Task.IMAGE_TO_VIDEO if role == "image" else Task.VIDEO_TO_VIDEO
        await scene.submit(scene.work(**scene.media(task, **{role: 1})))

    fake = play(tmp_path, story)
    assert [job.body for job in fake.jobs.values()] == [OpenaiVideos.submitted | {"input_reference": content}]


def test_moderation_told_by_a_poll_is_a_refusal(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ContentRefused, match="Our systems flagged the result"):
            await scene.finish(work, await scene.submit(work))

    play(tmp_path, story, "running", "refused")


def test_a_canceled_job_is_told_as_one(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ProviderRejected, match="canceled at the provider"):
            await scene.finish(work, await scene.submit(work))

    play(tmp_path, story, "cancelled")


def test_progress_and_the_next_look_are_as_they_are_told(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        assert await scene.poll(work, ticket) == Pending(after_s=2.5, progress=0.4)

    play(tmp_path, story, "running")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "billing_hard_limit_reached", ProviderUnavailable),
        (429, "insufficient_quota", ProviderUnavailable),
        (408, "timeout", Ambiguous),
        (400, "invalid_value", ProviderRejected),
        (404, "model_not_found", ProviderUnavailable),
    ],
)
def test_what_a_submit_is_refused_for(status: int, code: str, outcome: type[Exception], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": code}}
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(outcome):
            await scene.submit(scene.work())

    play(tmp_path, story)


def test_a_server_of_ones_own_asks_for_no_key_and_takes_more(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(negative_prompt="rain")
        assert isinstance(await scene.finish(work, await scene.submit(work)), Output)

    fake = play(tmp_path, story, fake=NoKey(), auth={"kind": "none"}, credentials=[], options={"extended": True})
    assert [job.body for job in fake.jobs.values()] == [
        OpenaiVideos.submitted | {"seed": "7", "negative_prompt": "rain", "fps": "24"}
    ]


def test_a_second_costs_what_its_route_says(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert output.cost_micro_usd == 500_000

    play(tmp_path, story, options={"usd_per_second": {"1280x720": 0.1}})
