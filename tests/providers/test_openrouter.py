"""OpenRouter where it branches: frames and references, moderation in two places, whose 503 it is."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.errors import Ambiguous, ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Pending, Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.openrouter import Openrouter
from tests.providers.scene import Facing, facing


def play(folder: Path, story: Callable[[Facing], Awaitable[None]], *states: str) -> Openrouter:
    fake = Openrouter()
    fake.states = states or ("completed",)

    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder) as scene:
            await story(scene)

    asyncio.run(run())
    return fake


def body_of(folder: Path, task: Task, **media: int) -> Any:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(**scene.media(task, **media)))

    (job,) = play(folder, story).jobs.values()
    return job.body


def frame(kind: str) -> dict[str, Any]:
    return {"type": "image_url", "frame_type": kind}


def without_pictures(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for image in images:
        assert image.pop("image_url")["url"].startswith("data:image/png;base64,iVBOR")
    return images


def test_frames_are_named_first_and_last(tmp_path: Path) -> None:
    body = body_of(tmp_path, Task.FRAMES_TO_VIDEO, image=1, last_image=1)
    assert without_pictures(body.pop("frame_images")) == [frame("first_frame"), frame("last_frame")]
    assert body == Openrouter.submitted


def test_one_frame_is_one(tmp_path: Path) -> None:
    body = body_of(tmp_path, Task.IMAGE_TO_VIDEO, image=1)
    assert without_pictures(body.pop("frame_images")) == [frame("first_frame")]
    assert body == Openrouter.submitted


def test_references_are_no_frames(tmp_path: Path) -> None:
    body = body_of(tmp_path, Task.REFERENCE_TO_VIDEO, reference=2)
    assert without_pictures(body.pop("input_references")) == [{"type": "image_url"}, {"type": "image_url"}]
    assert body == Openrouter.submitted


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        ("refused", ContentRefused, "content policy"),
        ("failed", ProviderRejected, "The model could not make this, see ..."),
        ("expired", ProviderRejected, "could not make"),
        ("cancelled", ProviderRejected, "canceled at the provider"),
    ],
)
def test_how_a_job_may_end(state: str, outcome: type[Exception], words: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(outcome, match=words):
            await scene.finish(work, await scene.submit(work))

    play(tmp_path, story, "in_progress", state)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, {"error": {"code": 503, "message": "No available model provider"}}, ProviderUnavailable),
        (503, {"message": "upstream connect error"}, Ambiguous),
        (502, {"error": {"code": 502, "message": "Provider returned error"}}, Ambiguous),
        (408, {"error": {"code": 408, "message": "Your request timed out"}}, Ambiguous),
        (402, {"error": {"code": 402, "message": "Insufficient credits"}}, ProviderUnavailable),
        (403, {"error": {"code": 403, "message": "Key limit exceeded"}}, ProviderUnavailable),
        (400, {"error": {"code": 400, "message": "duration: 5 is not supported"}}, ProviderRejected),
    ],
)
def test_what_a_submit_is_refused_for(status: int, body: Any, outcome: type[Exception], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(outcome):
            await scene.submit(scene.work())

    play(tmp_path, story)


def test_a_prompt_that_speaks_of_moderation_is_no_refusal(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work("content moderation, flagged for safety")
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        assert isinstance(await scene.poll(work, ticket), Pending)

    play(tmp_path, story, "running")
