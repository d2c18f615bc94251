"""Replicate: where a model is asked for, files that nobody could fetch, what a log, an error and an output say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Role
from darkroom.errors import ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Pending
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp4, png
from tests.providers.fakes.replicate import Replicate
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

HASH = "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb"


@pytest.mark.parametrize(
    ("upstream", "path", "version"),
    [
        ("bytedance/seedance-1-pro", "/v1/models/bytedance/seedance-1-pro/predictions", None),
        ("deployments/acme/fox", "/v1/deployments/acme/fox/predictions", None),
        (f"meta/musicgen:{HASH}", "/v1/predictions", HASH),
    ],
)
def test_where_a_model_is_asked_for(upstream: str, path: str, version: str | None, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(replace(scene.work(), upstream=upstream))
        (seen,) = (seen for _, seen in scene.fake.seen)
        assert (seen.method, seen.path, seen.body.get("version")) == ("POST", path, version)

    play("replicate", tmp_path, story)


def test_a_file_that_nobody_can_fetch_goes_up_first_and_a_link_does_not(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = scene.picture()
        work = scene.work(model="kling-v2.1-pro", **picture, duration_s=10.0, negative_prompt="people")
        work = replace(work, upstream="kwaivgi/kling-v2.1", callback_url="https://a.b/hook")
        await scene.submit(work)
        assert isinstance(scene.fake, Replicate)
        assert scene.fake.files == [png()]
        assert [kind for kind, _ in scene.fake.seen] == ["upload", "submit"]
        expected = {
            "input": {
                "prompt": "a red fox in the snow",
                "negative_prompt": "people",
                "start_image": f"{scene.fake.url}/v1/files/file-1",
                "duration": 10,
                "mode": "pro",
            },
            "webhook": "https://a.b/hook",
            "webhook_events_filter": ["completed"],
        }
        assert scene.fake.seen[1][1].body == expected
        (path,) = picture["media"][Role.IMAGE]
        await scene.submit(replace(work, links={path: "https://a.b/fox.png"}))
        assert len(scene.fake.files) == 1
        assert scene.fake.seen[2][1].body["input"]["start_image"] == "https://a.b/fox.png"

    play("replicate", tmp_path, story)


def test_an_upload_that_goes_wrong_has_cost_nothing(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("upload", Trouble("after", status=500))
        with pytest.raises(ProviderUnavailable):
            await scene.submit(scene.work(**scene.picture()))
        assert not scene.fake.jobs

    play("replicate", tmp_path, story)


def test_low_credit_says_in_the_body_when_to_come_back(tmp_path: Path) -> None:
    body = {"detail": "Request was throttled. Your rate limit resets in ~30s.", "status": 429, "retry_after": 5}

    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=429, body=body))
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.submit(scene.work())
        assert caught.value.retry_after_s == 5

    play("replicate", tmp_path, story)


@pytest.mark.parametrize(
    ("logs", "progress"),
    [
        ("Using seed: 7\n  0%|          | 0/50 [00:00<?]\n 76%|#######6  | 38/50 [00:31<00:09]", 0.76),
        ("100%|##########| 50/50 [00:40<00:00]", 1.0),
        ("Using seed: 7\n", None),
        ("", None),
        (None, None),
    ],
)
def test_the_last_line_of_the_log_tells_the_progress(logs: str | None, progress: float | None, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        state = await scene.told({"id": "1", "status": "processing", "logs": logs, "output": None})
        assert state == Pending(after_s=None, progress=progress)

    play("replicate", tmp_path, story)


@pytest.mark.parametrize(
    ("prediction", "expected", "message"),
    [
        ({"status": "failed", "error": "Your input was rejected. (E005)"}, ContentRefused, "E005"),
        ({"status": "failed", "error": "The input or output was flagged as sensitive."}, ContentRefused, "flagged"),
        ({"status": "failed", "error": "NSFW content detected. Try running it again."}, ContentRefused, "NSFW"),
        ({"status": "failed", "error": "Director: unexpected error (E6716)"}, ProviderRejected, r"E6716"),
        ({"status": "canceled", "error": None}, ProviderRejected, "canceled"),
        ({"status": "aborted", "error": None}, ProviderRejected, "canceled"),
        ({"status": "succeeded", "output": None, "data_removed": True}, ProviderRejected, "removed the result"),
    ],
)
def test_how_a_prediction_ends_without_a_result(
    prediction: dict[str, Any], expected: type[Exception], message: str, tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(expected, match=message):
            await scene.told({"id": "1", **prediction})

    play("replicate", tmp_path, story)


def test_several_outputs_and_seconds_that_cost(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        outputs = [scene.fake.file_url, scene.fake.file_url]
        body = {"id": "1", "status": "succeeded", "output": outputs, "metrics": {"predict_time": 41.25}}
        output = await scene.told(body)
        assert isinstance(output, Output)
        assert [file.path.read_bytes() for file in output.files] == [mp4(), mp4()]
        assert output.cost_micro_usd == 41_250

    play("replicate", tmp_path, story, options={"second_usd": 0.001})
