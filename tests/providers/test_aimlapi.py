"""AIMLAPI beyond the suite: music, older shapes, the log of requests; Luma's own route and its batches."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Pending, Ticket
from tests.providers.fakes.aimlapi import Aimlapi, AimlapiLuma
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.scene import Facing, facing

Story = Callable[[Facing], Awaitable[None]]


class Music(Aimlapi):
    modality = "music"


def play(fake: Aimlapi, folder: Path, story: Story, **changes: object) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())


def test_music_has_a_path_of_its_own(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert output.files[0].media_type == "audio/mpeg"
        assert {seen.path for _, seen in scene.fake.seen} == {"/v2/generate/audio"}
        (job,) = scene.fake.jobs.values()
        assert job.body == {"model": "a-model", "prompt": "a red fox in the snow", "duration": 5, "seed": 7}

    play(Music(), tmp_path, story)


def test_its_own_models_inputs_go_unchanged(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = tmp_path / "start.png"
        picture.write_bytes(png())
        work = dataclasses.replace(
            scene.work(model="aimlapi/luma/ray-2"),
            upstream="luma/ray-2",
            inputs={
                "prompt": "a fox",
                "duration": 9,
                "loop": True,
                "keyframes": {"frame0": {"type": "image", "url": "darkroom-asset:1"}},
            },
            media={"keyframes.frame0.url": (picture,)},
            links={picture: "https://here.example/start.png"},
        )
        await scene.submit(work)
        (job,) = scene.fake.jobs.values()
        assert job.body == {
            "model": "luma/ray-2",
            "prompt": "a fox",
            "duration": 9,
            "loop": True,
            "keyframes": {"frame0": {"type": "image", "url": "https://here.example/start.png"}},
        }

    play(Aimlapi(), tmp_path, story)


async def told(scene: Facing, **body: Any) -> Output | Pending | Failure:
    """What comes of a poll that is answered so."""
    work = scene.work()
    ticket = await scene.submit(work)
    assert isinstance(ticket, Ticket)
    scene.fake.trouble("poll", Trouble("after", status=200, body={"id": ticket.ref, **body}))
    try:
        return await scene.poll(work, ticket)
    except Failure as error:
        return error


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "waiting"}, Pending()),
        ({"status": "active"}, Pending()),
        ({"status": "succeeded", "video": ["{url}"]}, Output),
        ({"status": "completed", "video": {"url": "{url}", "file_size": 3}}, Output),
        (
            {"status": "error", "error": {"detail": [{"loc": ["body", "image_url"], "msg": "Could not detect face"}]}},
            ProviderRejected("Could not detect face"),
        ),
        (
            {"status": "error", "error": {"detail": [{"type": "content_policy_violation", "msg": "flagged"}]}},
            ContentRefused("flagged"),
        ),
        ({"status": "error", "error": {"name": "ContentRefused", "message": "no"}}, ContentRefused("no")),
        ({"status": "error", "error": {"name": "Error", "message": "no"}}, ProviderRejected("no")),
    ],
)
def test_words_and_shapes_that_single_models_have(body: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        found = await told(scene, **filled(body, scene.fake.file_url))
        if isinstance(expected, Failure):
            assert (type(found), str(found)) == (type(expected), str(expected))
        elif expected is Output:
            assert isinstance(found, Output)
        else:
            assert found == expected

    play(Aimlapi(), tmp_path, story)


def filled(value: Any, url: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(item, url) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, url) for item in value]
    return url if value == "{url}" else value


@pytest.mark.parametrize("fake", [Aimlapi, AimlapiLuma])
def test_a_lost_submit_is_found_in_the_log_once_it_has_ended(fake: type[Aimlapi], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("after"))
        work = scene.work()
        with pytest.raises(Ambiguous):
            await scene.submit(work)
        for _ in range(2):
            with pytest.raises(ProviderUnavailable):
                await scene.provider.lookup(work)
        found = await scene.provider.lookup(work)
        assert isinstance(found, Ticket)
        assert isinstance(await scene.poll(work, found), Output)
        (seen,) = (seen for kind, seen in scene.fake.seen if kind == "submit")
        assert seen.headers["X-Client-Request-Id"] == work.reference
        (asked, *_) = (seen.query for kind, seen in scene.fake.seen if kind == "lookup")
        assert asked == {"period": "24h", "limit": "100"}

    play(fake(), tmp_path, story)


def test_many_of_luma_s_are_asked_after_in_one_question(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        works = [scene.work(prompt) for prompt in ("a fox", "something forbidden", "a hare")]
        tickets = [await scene.submit(work) for work in works]
        polls = [
            scene.poll(work, ticket) for work, ticket in zip(works, tickets, strict=True) if isinstance(ticket, Ticket)
        ]
        first, refused, third = await asyncio.gather(*polls, return_exceptions=True)
        assert scene.fake.counts["poll"] == 1
        assert isinstance(first, Pending)
        assert isinstance(refused, ContentRefused)
        assert isinstance(third, Pending)

    play(AimlapiLuma(), tmp_path, story)


def test_one_that_luma_does_not_know_says_nothing_of_the_others(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        works = [scene.work("a fox"), scene.work("a hare")]
        tickets = [await scene.submit(work) for work in works]
        del scene.fake.jobs[next(iter(scene.fake.jobs))]
        polls = [
            scene.poll(work, ticket) for work, ticket in zip(works, tickets, strict=True) if isinstance(ticket, Ticket)
        ]
        lost, other = await asyncio.gather(*polls, return_exceptions=True)
        assert isinstance(lost, ProviderUnavailable)
        assert isinstance(other, Pending)

    play(AimlapiLuma(), tmp_path, story)


def test_luma_s_two_ends_are_keyframes(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(**scene.picture()))
        (job,) = scene.fake.jobs.values()
        keyframes = job.body.pop("keyframes")
        assert keyframes["frame0"].pop("url").startswith("data:image/png;base64,")
        assert keyframes == {"frame0": {"type": "image"}}
        assert job.body == AimlapiLuma.submitted

    play(AimlapiLuma(), tmp_path, story)


def test_luma_calls_back_where_it_is_told_to(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(dataclasses.replace(scene.work(), callback_url="https://here.example/told"))
        (job,) = scene.fake.jobs.values()
        assert job.body == {**AimlapiLuma.submitted, "callback_url": "https://here.example/told"}

    play(AimlapiLuma(), tmp_path, story)


def test_a_failure_costs_nothing(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        found = await told(
            scene, status="error", error={"name": "Error", "message": "no"}, meta={"usage": {"usd_spent": 0.06}}
        )
        assert isinstance(found, ProviderRejected)
        assert found.cost_micro_usd == 0

    play(Aimlapi(), tmp_path, story)
