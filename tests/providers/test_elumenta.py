"""Elumenta beyond the suite: its other media, its own inputs, its errors in words, its tokens."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.errors import Ambiguous, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output
from tests.providers.fakes.elumenta import Elumenta
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.scene import Facing, facing

FOX_PNG = "data:image/png;base64,"

Story = Callable[[Facing], Awaitable[None]]


class Spoken(Elumenta):
    modality = "speech"


class Drawn(Elumenta):
    modality = "image"


def play(fake: Elumenta, folder: Path, story: Story, **changes: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())


def test_a_picture_to_start_from_goes_along(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(**scene.picture()))
        (job,) = scene.fake.jobs.values()
        assert job.body.pop("image_url").startswith(FOX_PNG)
        assert job.body == Elumenta.submitted

    play(Elumenta(), tmp_path, story)


def test_its_own_models_inputs_go_unchanged(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = tmp_path / "start.png"
        picture.write_bytes(png())
        work = dataclasses.replace(
            scene.work(model="kling-v2.1"),
            upstream="kling-v2.1",
            inputs={"prompt": "a fox", "image_url": "darkroom-asset:1", "duration": 10, "quality": "pro"},
            media={"image_url": (picture,)},
        )
        await scene.submit(work)
        (job,) = scene.fake.jobs.values()
        assert job.body.pop("image_url").startswith(FOX_PNG)
        assert job.body == {"model": "kling-v2.1", "prompt": "a fox", "duration": 10, "quality": "pro"}

    play(Elumenta(), tmp_path, story)


@pytest.mark.parametrize(
    ("fake", "body"),
    [
        (
            Spoken,
            {
                "model": "a-model",
                "text": "a red fox in the snow",
                "voice_id": "alloy",
                "speed": 1.0,
                "format": "mp3",
            },
        ),
        (Drawn, {"model": "a-model", "prompt": "a red fox in the snow", "size": "1280x720", "seed": 7}),
    ],
)
def test_what_is_finished_at_once_is_fetched_all_the_same(
    fake: type[Elumenta], body: dict[str, object], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.states = ("completed",)
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert [job.body for job in scene.fake.jobs.values()] == [body]
        assert output.files[0].path.read_bytes() == scene.fake.media

    play(fake(), tmp_path, story)


def test_the_hour_s_limit_is_told_in_the_body(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {
            "error": "rate_limit_exceeded",
            "message": "Hourly limit reached: 100 requests/hour on VIP plan",
            "retry_after": 847,
            "plan": "vip",
        }
        scene.fake.trouble("submit", Trouble("before", status=429, body=body))
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.submit(scene.work())
        assert caught.value.retry_after_s == 847

    play(Elumenta(), tmp_path, story)


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (503, "model_unavailable", ProviderUnavailable),
        (500, "provider_error", Ambiguous),
        (402, "insufficient_tokens", ProviderUnavailable),
        (403, "insufficient_plan", ProviderUnavailable),
        (422, "validation_error", ProviderRejected),
    ],
)
def test_what_a_code_comes_to_at_a_submit(status: int, code: str, failure: type[Failure], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"error": code, "message": "In words.", "details": {}}
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(failure) as caught:
            await scene.submit(scene.work())
        if failure is ProviderRejected:
            assert str(caught.value) == "In words."

    play(Elumenta(), tmp_path, story)


@pytest.mark.parametrize(("states", "cost"), [(("completed",), 880_000), (("failed",), 0)])
def test_tokens_cost_what_the_operator_says(states: tuple[str, ...], cost: int, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.states = states
        work = scene.work()
        started = await scene.submit(work)
        try:
            told: Output | Failure = await scene.finish(work, started)
        except ProviderRejected as error:
            told = error
        assert told.cost_micro_usd == cost

    play(Elumenta(), tmp_path, story, options={"usd_per_token": 0.02})
