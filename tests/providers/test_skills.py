"""skills.video beyond the suite: files in a form, models in the path, what its codes come to."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.fakes.skills import Skills
from tests.providers.scene import Facing, facing

Story = Callable[[Facing], Awaitable[None]]


def play(folder: Path, story: Story, **changes: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(Skills(), folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())


@pytest.mark.parametrize("links", ["here", ""])
def test_pictures_go_as_links_or_as_files_in_a_form(links: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        first, last = tmp_path / "first.png", tmp_path / "last.png"
        first.write_bytes(png())
        last.write_bytes(png()[:40])
        work = dataclasses.replace(
            scene.work(model="skills/google/veo-3.1"),
            upstream="google/veo-3.1",
            inputs={
                "prompt": "a fox",
                "duration": 8,
                "generate_audio": True,
                "reference_image_urls": ["darkroom-asset:1", "darkroom-asset:2"],
            },
            media={"reference_image_urls.0": (first,), "reference_image_urls.1": (last,)},
            links={path: f"https://{links}.example/{path.name}" for path in (first, last)} if links else {},
        )
        await scene.submit(work)
        (seen,) = (seen for kind, seen in scene.fake.seen if kind == "submit")
        assert seen.path == "/api/v1/generation/google/veo-3.1"
        if links:
            assert seen.body == {
                "prompt": "a fox",
                "duration": 8,
                "generate_audio": True,
                "reference_image_urls": ["https://here.example/first.png", "https://here.example/last.png"],
            }
        else:
            assert seen.headers["Content-Type"].startswith("multipart/form-data")
            assert seen.body == {
                "prompt": "a fox",
                "duration": "8",
                "generate_audio": "true",
                "reference_image_urls": [png(), png()[:40]],
            }

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (422, "VIDEO_GENERATION_CONTENT_REJECTED", ContentRefused),
        (422, "IMAGE_GENERATION_CONTENT_REJECTED", ContentRefused),
        (400, "VIDEO_GENERATION_INVALID_INPUT", ProviderRejected),
        (400, "VIDEO_GENERATION_UNSUPPORTED_MODEL", ProviderUnavailable),
        (402, "VIDEO_GENERATION_INSUFFICIENT_CREDITS", ProviderUnavailable),
        (429, "TTS_GENERATION_RATE_LIMITED", ProviderUnavailable),
        (503, "VIDEO_GENERATION_PROVIDER_UNAVAILABLE", ProviderUnavailable),
        (502, "VIDEO_GENERATION_FAILED", Ambiguous),
        (504, "VIDEO_GENERATION_TIMEOUT", Ambiguous),
    ],
)
def test_what_a_code_comes_to_at_a_submit(status: int, code: str, failure: type[Failure], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=status, body={"error": code, "message": "In words."}))
        with pytest.raises(failure):
            await scene.submit(scene.work())

    play(tmp_path, story)


def test_one_that_is_canceled_there_is_no_result(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.states = ("running", "canceled")
        work = scene.work()
        with pytest.raises(ProviderRejected, match="canceled"):
            await scene.finish(work, await scene.submit(work))

    play(tmp_path, story)


@pytest.mark.parametrize(
    "data",
    [
        {"type": "image", "n": 1, "images": [{"url": "{}", "content_type": "image/png"}], "image": {"url": "{}"}},
        {"type": "audio", "n": 1, "audio": {"url": "{}", "content_type": "audio/mpeg"}},
        {"audio_url": "{}"},
    ],
)
def test_results_stand_under_the_name_of_what_they_are(data: dict[str, object], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        told = {name: filled(value, scene.fake.file_url) for name, value in data.items()}
        body = {"id": "skills-job-1", "status": "succeeded", "input": {}, "data": told, "usage": {"total": 4}}
        scene.fake.trouble("poll", Trouble("after", status=200, body=body))
        output = await scene.finish(work, ticket)
        assert [file.origin_url for file in output.files] == [scene.fake.file_url]
        assert output.cost_micro_usd == 40_000

    play(tmp_path, story, options={"usd_per_credit": 0.01})


def filled(value: object, url: str) -> object:
    if isinstance(value, dict):
        return {name: filled(item, url) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, url) for item in value]
    return url if value == "{}" else value
