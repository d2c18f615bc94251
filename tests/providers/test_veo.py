"""Veo: names with slashes, refusals that look like success, and downloads that want the key."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.errors import ContentRefused, ProviderRejected, ProviderUnavailable
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = {"bytesBase64Encoded": base64.b64encode(png()).decode(), "mimeType": "image/png"}


def test_an_operation_is_asked_after_by_its_whole_name_and_its_file_with_the_key(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        await scene.finish(work, await scene.submit(work))

    fake = play("veo", tmp_path, story)
    paths = [(kind, seen.path) for kind, seen in fake.seen]
    assert paths[0] == ("submit", "/v1beta/models/veo-3.1-generate-preview:predictLongRunning")
    assert paths[1] == ("poll", "/v1beta/models/veo-3.1-generate-preview/operations/veo-job-1")
    (download,) = [seen for kind, seen in fake.seen if kind == "file"]
    assert (download.path, dict(download.query)) == ("/v1beta/files/abc123:download", {"alt": "media"})
    assert download.headers["x-goog-api-key"] == "sk-test-0123456789abcdef"


@pytest.mark.parametrize(
    ("upstream", "task", "roles", "instance", "parameters"),
    [
        (
            "veo-3.1-generate-preview",
            Task.FRAMES_TO_VIDEO,
            {"image": 1, "last_image": 1},
            {"image": PICTURE, "lastFrame": PICTURE},
            {"durationSeconds": 6, "resolution": "720p", "negativePrompt": "people"},
        ),
        (
            "veo-3.1-generate-preview",
            Task.REFERENCE_TO_VIDEO,
            {"reference": 2},
            {"referenceImages": [{"image": PICTURE, "referenceType": "asset"}] * 2},
            {"durationSeconds": 6, "resolution": "720p", "negativePrompt": "people"},
        ),
        (
            "veo-3.1-lite-generate-preview",
            Task.IMAGE_TO_VIDEO,
            {"image": 1},
            {"image": PICTURE},
            {"durationSeconds": 6, "resolution": "720p"},
        ),
        (
            "veo-2.0-generate-001",
            Task.IMAGE_TO_VIDEO,
            {"image": 1},
            {"image": PICTURE},
            {"durationSeconds": 7, "negativePrompt": "people"},
        ),
    ],
)
def test_each_model_is_told_what_it_takes(
    upstream: str,
    task: Task,
    roles: dict[str, int],
    instance: dict[str, Any],
    parameters: dict[str, Any],
    tmp_path: Path,
) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(task, **roles), duration_s=7.0, negative_prompt="people")
        await scene.submit(replace(work, upstream=upstream))

    (job,) = play("veo", tmp_path, story).jobs.values()
    assert job.body == {
        "instances": [{"prompt": "a red fox in the snow", **instance}],
        "parameters": {"aspectRatio": "16:9", **parameters},
    }


def test_a_refusal_at_the_door_is_one_too(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(ContentRefused):
            await scene.submit(scene.work("something wicked"))

    play("veo", tmp_path, story)


def test_done_and_filtered_is_refused_in_the_words_of_the_upstream(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ContentRefused, match="You have not been charged"):
            await scene.finish(work, await scene.submit(work))

    play("veo", tmp_path, story, states=("running", "filtered"))


def test_a_key_that_is_not_valid_rests_though_it_is_told_with_400(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        error = {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
        }
        scene.fake.trouble("submit", Trouble("before", status=400, body={"error": error}))
        work = scene.work()
        with pytest.raises(ProviderUnavailable):
            await scene.submit(work)
        with pytest.raises(ProviderUnavailable):
            scene.provider.address()

    play("veo", tmp_path, story)


def test_a_parameter_that_is_not_taken_is_a_rejection(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        error = {"code": 400, "message": "`seed` isn't supported by this model.", "status": "INVALID_ARGUMENT"}
        scene.fake.trouble("submit", Trouble("before", status=400, body={"error": error}))
        with pytest.raises(ProviderRejected, match="seed"):
            await scene.submit(scene.work())

    play("veo", tmp_path, story)
