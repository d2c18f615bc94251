"""Kling: a path for each task, errors with HTTP 200, and a reference that is taken once."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = base64.b64encode(png()).decode()
FILM = "data:video/mp4;base64," + base64.b64encode(mp4()).decode()
ASKED = {"prompt": "a red fox in the snow", "mode": "std", "external_task_id": "0190-1"}


@pytest.mark.parametrize(
    ("upstream", "task", "roles", "path", "body"),
    [
        (
            "kling-v2-6",
            Task.FRAMES_TO_VIDEO,
            {"image": 1, "last_image": 1},
            "image2video",
            {"image": PICTURE, "image_tail": PICTURE, "sound": "off", "duration": "5"},
        ),
        (
            "kling-v1-6",
            Task.REFERENCE_TO_VIDEO,
            {"reference": 2},
            "multi-image2video",
            {"image_list": [{"image": PICTURE}, {"image": PICTURE}], "aspect_ratio": "16:9", "duration": "5"},
        ),
        (
            "kling-v2-6",
            Task.MOTION_CONTROL,
            {"image": 1, "video": 1},
            "motion-control",
            {"image_url": PICTURE, "video_url": FILM, "character_orientation": "video", "keep_original_sound": "yes"},
        ),
        (
            "kling-v3-omni",
            Task.FRAMES_TO_VIDEO,
            {"image": 1, "last_image": 1},
            "omni-video",
            {
                "image_list": [
                    {"image_url": PICTURE, "type": "first_frame"},
                    {"image_url": PICTURE, "type": "end_frame"},
                ],
                "sound": "off",
                "duration": "5",
            },
        ),
        (
            "kling-video-o1",
            Task.REFERENCE_TO_VIDEO,
            {"reference": 1},
            "omni-video",
            {"image_list": [{"image_url": PICTURE}], "aspect_ratio": "16:9", "duration": "5"},
        ),
        (
            "kling-video-o1",
            Task.EDIT,
            {"video": 1},
            "omni-video",
            {
                "image_list": [],
                "video_list": [{"video_url": FILM, "refer_type": "base", "keep_original_sound": "yes"}],
            },
        ),
    ],
)
def test_each_task_has_its_path_and_its_body(
    upstream: str, task: Task, roles: dict[str, int], path: str, body: dict[str, Any], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        work = replace(scene.work(**scene.media(task, **roles)), upstream=upstream)
        assert isinstance(await scene.finish(work, await scene.submit(work)), Output)

    fake = play("kling", tmp_path, story)
    submit, *polls = [seen for _, seen in fake.seen]
    assert submit.path == f"/v1/videos/{path}"
    assert submit.body == {"model_name": upstream, **ASKED, **body}
    assert {poll.path for poll in polls} == {f"/v1/videos/{path}/kling-job-1"}


@pytest.mark.parametrize(
    ("upstream", "changes", "said"),
    [
        ("kling-v2-6", {"with_audio": True}, {"mode": "pro", "sound": "on"}),
        ("kling-v3", {"with_audio": True}, {"mode": "std", "sound": "on"}),
        ("kling-v1-6", {"with_audio": True}, {"mode": "std"}),
        ("kling-v2-master", {}, {}),
    ],
)
def test_what_a_model_does_not_know_is_not_said(
    upstream: str, changes: dict[str, Any], said: dict[str, str], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(replace(scene.work(**changes), upstream=upstream))

    (job,) = play("kling", tmp_path, story).jobs.values()
    assert {name: job.body[name] for name in ("mode", "sound") if name in job.body} == said


@pytest.mark.parametrize(
    ("code", "message", "failure"),
    [
        (1301, "Trigger the content security policy of the platform", ContentRefused),
        (1302, "The API request is too fast", ProviderUnavailable),
        (1303, "parallel task over resource pack limit", ProviderUnavailable),
        (1102, "Account balance not enough", ProviderUnavailable),
        (1201, "duration value '99' is invalid", ProviderRejected),
        (5000, "Server internal error", Ambiguous),
        (9999, "nobody has documented this", Ambiguous),
    ],
)
def test_a_code_that_is_not_0_is_an_error_with_http_200(
    code: int, message: str, failure: type[Failure], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        body = scene.fake.envelope(code, message)  # type: ignore[attr-defined]
        scene.fake.trouble("submit", Trouble("before", status=200, body=body))
        with pytest.raises(failure):
            await scene.submit(scene.work())

    play("kling", tmp_path, story)


def test_content_that_is_found_out_while_it_runs_is_refused(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        started = await scene.submit(work)
        with pytest.raises(ContentRefused):
            await scene.finish(work, started)

    play("kling", tmp_path, story, states=("running", "risky"))


def test_a_submit_that_is_sent_again_is_found_and_not_paid_twice(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        scene.fake.trouble("submit", Trouble("after"))
        for _ in range(2):
            with pytest.raises(Ambiguous):
                await scene.submit(work)
        found = await scene.provider.lookup(work)
        assert isinstance(found, Ticket)
        await scene.finish(work, found)

    assert len(play("kling", tmp_path, story).jobs) == 1


def test_units_are_dollars_where_their_price_is_told(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert output.cost_micro_usd == 350_000

    play("kling", tmp_path, story, options={"usd_per_unit": 0.14})


@pytest.mark.parametrize(
    ("upstream", "changes"),
    [("kling-v2-6", {}), ("kling-v2-6", {"image": 1}), ("kling-v1-6", {"reference": 1})],
)
def test_what_is_not_wanted_is_said_too(upstream: str, changes: dict[str, int], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        task = Task.REFERENCE_TO_VIDEO if "reference" in changes else Task.IMAGE_TO_VIDEO
        media = scene.media(task, **changes) if changes else {}
        await scene.submit(replace(scene.work(negative_prompt="people", **media), upstream=upstream))

    (job,) = play("kling", tmp_path, story).jobs.values()
    assert job.body["negative_prompt"] == "people"
