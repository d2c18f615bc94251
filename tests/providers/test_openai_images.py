"""OpenAI's images where they branch: several at once, changes of pictures, links, tokens, what is no picture."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.errors import Ambiguous, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.fakes.openai_images import OpenaiImages
from tests.providers.scene import Facing, facing

FORM = {"model": "gpt-image-1", "prompt": "a red fox in the snow", "n": "1", "size": "1280x720"}


class OfOnesOwn(OpenaiImages):
    extra = ("response_format", "seed", "negative_prompt")


def play(
    folder: Path, story: Callable[[Facing], Awaitable[None]], *, fake: OpenaiImages | None = None, **file: Any
) -> OpenaiImages:
    fake = fake or OpenaiImages()

    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **file) as scene:
            await story(scene)

    asyncio.run(run())
    return fake


def bodies(fake: OpenaiImages) -> list[Any]:
    return [job.body for job in fake.jobs.values()]


def test_several_are_several_files(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        output = await scene.submit(scene.work(count=3))
        assert isinstance(output, Output)
        assert [file.path.read_bytes() for file in output.files] == [png()] * 3
        assert len({file.path for file in output.files}) == 3
        assert [(file.media_type, file.width, file.height) for file in output.files] == [("image/png", 48, 32)] * 3

    assert bodies(play(tmp_path, story)) == [OpenaiImages.submitted | {"n": 3}]


@pytest.mark.parametrize(
    ("media", "files"),
    [
        ({"image": 1}, {"image": png()}),
        ({"reference": 1}, {"image": png()}),
        ({"reference": 2}, {"image[]": [png(), png()]}),
        ({"image": 1, "reference": 1}, {"image[]": [png(), png()]}),
    ],
    ids=["one", "one reference", "two references", "both"],
)
def test_a_change_goes_out_as_a_form_with_its_pictures(media: Any, files: Any, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(**scene.media(Task.IMAGE_TO_IMAGE, **media)))

    fake = play(tmp_path, story)
    assert fake.counts == {"edit": 1}
    assert bodies(fake) == [FORM | files]


def test_a_format_is_named_as_theirs(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(format="jpg"))

    assert bodies(play(tmp_path, story)) == [OpenaiImages.submitted | {"output_format": "jpeg"}]


def test_a_link_is_fetched_by_the_next_look(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        output = await scene.poll(work, ticket)
        assert isinstance(output, Output)
        assert output.files[0].path.read_bytes() == png()

    options = {"response_format": "url", "extended": True}
    fake = play(tmp_path, story, fake=OfOnesOwn(), options=options)
    assert bodies(fake) == [OpenaiImages.submitted | {"response_format": "url", "seed": 7}]
    assert fake.counts == {"submit": 1}


def test_tokens_cost_what_the_file_says(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        output = await scene.submit(scene.work())
        assert isinstance(output, Output)
        assert output.cost_micro_usd == 500 + 42_240

    play(tmp_path, story, options={"usd_per_input_token": 0.00001, "usd_per_output_token": 0.00004})


@pytest.mark.parametrize(
    "data",
    [[], [{"b64_json": "%%%"}], [{"b64_json": "aGVsbG8="}], [{"b64_json": None, "url": None}], "data", None],
    ids=str,
)
def test_what_is_no_picture_has_been_paid_for(data: Any, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"data": data, "usage": {"input_tokens": 50, "output_tokens": 1056}}
        scene.fake.trouble("submit", Trouble("after", status=200, body=body))
        with pytest.raises(ProviderRejected) as caught:
            await scene.submit(scene.work())
        assert caught.value.cost_micro_usd == 42_740
        (credential,) = scene.provider.credentials.values()
        assert (credential.running, credential.spent_usd) == (set(), 0.04274)

    play(tmp_path, story, options={"usd_per_input_token": 0.00001, "usd_per_output_token": 0.00004})


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
