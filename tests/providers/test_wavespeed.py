"""WaveSpeedAI: the code in the envelope against the status around it, what a model takes, how a task ends."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Role
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.scene import Facing
from tests.providers.test_conformance import play


def test_a_picture_by_its_link_and_a_webhook_in_the_query(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = scene.picture()
        work = scene.work("it wakes up", model="aimlapi/kling-video/v2.1/standard/image-to-video", **picture)
        (path,) = picture["media"][Role.IMAGE]
        work = replace(
            work,
            upstream="kwaivgi/kling-v2.1-i2v-standard",
            links={path: "https://a.b/fox.png"},
            callback_url="https://a.b/hook?x=1&y=2",
        )
        await scene.submit(work)
        (seen,) = (seen for _, seen in scene.fake.seen)
        assert (seen.method, seen.path) == ("POST", "/api/v3/kwaivgi/kling-v2.1-i2v-standard")
        assert seen.query == {"webhook": "https://a.b/hook?x=1&y=2"}
        assert seen.body == {"prompt": "it wakes up", "image": "https://a.b/fox.png", "duration": 5}

    play("wavespeed", tmp_path, story)


def test_a_silent_veo_is_asked_for_as_one(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(model="aimlapi/google/veo3", duration_s=8.0, negative_prompt="people")
        await scene.submit(replace(work, words={"aspect_ratio": "9:16", "resolution": "1080P"}))
        assert scene.fake.seen[0][1].body == {
            "prompt": "a red fox in the snow",
            "negative_prompt": "people",
            "aspect_ratio": "9:16",
            "resolution": "1080p",
            "duration": 8,
            "generate_audio": False,
            "seed": 7,
        }

    play("wavespeed", tmp_path, story)


@pytest.mark.parametrize(
    ("code", "expected", "rests"),
    [
        (400, ProviderRejected, False),
        (422, ProviderRejected, False),
        (401, ProviderUnavailable, False),
        (429, ProviderUnavailable, True),
        (500, Ambiguous, False),
        (5004, Ambiguous, False),
    ],
)
def test_a_submit_that_is_answered_with_a_code_in_a_200(
    code: int, expected: type[Failure], rests: bool, tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        body = {"code": code, "message": "prompt: this field is required", "data": None}
        scene.fake.trouble("submit", Trouble("before", status=200, body=body))
        with pytest.raises(expected):
            await scene.submit(scene.work())
        if rests:
            with pytest.raises(ProviderUnavailable):
                scene.provider.address()

    play("wavespeed", tmp_path, story)


@pytest.mark.parametrize("code", [401, 429, 500])
def test_a_code_to_a_poll_says_nothing_of_the_work(code: int, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(ProviderUnavailable):
            await scene.told({"code": code, "message": "no", "data": {"status": "failed"}})

    play("wavespeed", tmp_path, story)


def test_a_task_that_is_not_found_in_a_200_is_lost_at_the_third_time(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        body = {"code": 404, "message": "Task not found"}
        scene.fake.trouble("poll", *[Trouble("before", status=200, body=body)] * 3)
        for expected in (ProviderUnavailable, ProviderUnavailable, Ambiguous):
            with pytest.raises(expected):
                await scene.poll(work, ticket)

    play("wavespeed", tmp_path, story)


@pytest.mark.parametrize(
    ("data", "expected", "message"),
    [
        (
            {"status": "failed", "code": 1200, "error": "Content flagged as potentially sensitive. Please try others."},
            ContentRefused,
            "sensitive",
        ),
        ({"status": "failed", "error": "out of memory"}, ProviderRejected, "out of memory"),
        ({"status": "timeout", "error": "took too long"}, ProviderRejected, "took too long"),
        ({"status": "cancelled", "error": ""}, ProviderRejected, "canceled"),
        ({"status": "deleted"}, ProviderRejected, "canceled"),
    ],
)
def test_how_a_task_ends_without_a_result(
    data: dict[str, Any], expected: type[Failure], message: str, tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(expected, match=message) as caught:
            await scene.told({"code": 200, "message": "success", "data": {"id": "1", "outputs": [], **data}})
        assert caught.value.cost_micro_usd is None

    play("wavespeed", tmp_path, story, options={"usd": 0.3})


def test_a_price_of_ones_own_is_the_cost(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        assert (await scene.finish(work, await scene.submit(work))).cost_micro_usd == 300_000

    play("wavespeed", tmp_path, story, options={"usd": 0.3})
