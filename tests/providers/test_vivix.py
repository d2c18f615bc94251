"""Vivix beyond the suite: what its codes come to, its pictures, its credits."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.brief import Role, Task
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.fakes.vivix import Vivix
from tests.providers.scene import Facing, facing

Story = Callable[[Facing], Awaitable[None]]


def play(folder: Path, story: Story, **changes: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(Vivix(), folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (403, "MODEL_NOT_ALLOWED", ProviderUnavailable),
        (402, "INSUFFICIENT_CREDITS", ProviderUnavailable),
        (429, "CONCURRENCY_LIMIT", ProviderUnavailable),
        (503, "PROVIDER_DOWN", ProviderUnavailable),
        (500, "INTERNAL_ERROR", Ambiguous),
        (400, "INVALID_REQUEST", ProviderRejected),
        (400, "CONTENT_REFUSED", ContentRefused),
    ],
)
def test_what_a_code_comes_to_at_a_submit(status: int, code: str, failure: type[Failure], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"error": code, "message": "In words.", "next": "Do this.", "request_id": "req_abc123xyz"}
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(failure):
            await scene.submit(scene.work())

    play(tmp_path, story)


def test_an_id_of_another_account_is_lost_and_the_key_goes_on(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        body = {"error": "NOT_YOURS", "message": "It belongs to a different account."}
        scene.fake.trouble("poll", *[Trouble("before", status=403, body=body)] * 3)
        for expected in (ProviderUnavailable, ProviderUnavailable, Ambiguous):
            with pytest.raises(expected):
                await scene.poll(work, ticket)
        scene.provider.address()

    play(tmp_path, story)


def test_every_picture_to_borrow_from_goes_along(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        paths = [tmp_path / "a.png", tmp_path / "b.png"]
        for path in paths:
            path.write_bytes(png())
        work = scene.work(task=Task.REFERENCE_TO_VIDEO, media={Role.REFERENCE: tuple(paths)})
        await scene.submit(dataclasses.replace(work, links={paths[0]: "https://here.example/a.png"}))
        (job,) = scene.fake.jobs.values()
        linked, told = job.body.pop("reference_images")
        assert linked == "https://here.example/a.png"
        assert told.startswith("data:image/png;base64,")
        assert job.body == Vivix.submitted

    play(tmp_path, story)


def test_credits_cost_what_the_operator_says(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert output.cost_micro_usd == 211_000

    play(tmp_path, story, options={"usd_per_credit": 0.001})
