"""Runway: a path for each kind of work, what a model may not be sent, and what the end of a task says."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Role, Task
from darkroom.errors import ContentRefused, ProviderRejected
from darkroom.ports import Work
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()
FILM = "data:video/mp4;base64," + base64.b64encode(mp4()).decode()


def for_model(work: Work, upstream: str) -> Work:
    return replace(work, upstream=upstream)


def test_a_picture_goes_to_the_path_of_pictures_with_the_version_and_the_key(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(for_model(scene.work("it wakes up", **scene.picture()), "gen4_turbo"))
        kind, seen = scene.fake.seen[0]
        assert (kind, seen.method, seen.path) == ("submit", "POST", "/v1/image_to_video")
        assert seen.headers["X-Runway-Version"] == "2024-11-06"
        assert seen.headers["Authorization"] == "Bearer sk-test-0123456789abcdef"
        assert seen.body == {
            "model": "gen4_turbo",
            "promptText": "it wakes up",
            "promptImage": PICTURE,
            "ratio": "1280:720",
            "duration": 5,
            "seed": 7,
        }

    play("runway", tmp_path, story)


def test_first_and_last_frame_and_what_veo_alone_takes(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        first = scene.picture()["media"][Role.IMAGE]
        work = scene.work(
            model="skills/google/veo-3.1",
            task=Task.FRAMES_TO_VIDEO,
            media={Role.IMAGE: first, Role.LAST_IMAGE: first},
            negative_prompt="people",
            duration_s=8.0,
        )
        work = replace(work, words={"aspect_ratio": "9:16", "resolution": "1080p"}, links={first[0]: "https://a.b/c"})
        await scene.submit(for_model(work, "veo3.1"))
        assert scene.fake.seen[0][1].body == {
            "model": "veo3.1",
            "promptText": "a red fox in the snow",
            "promptImage": [
                {"uri": "https://a.b/c", "position": "first"},
                {"uri": "https://a.b/c", "position": "last"},
            ],
            "ratio": "1080:1920",
            "duration": 8,
            "negativePrompt": "people",
            "audio": False,
            "seed": 7,
        }

    play("runway", tmp_path, story)


def test_a_performance_is_carried_over_to_a_character(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        film = tmp_path / "dance.mp4"
        film.write_bytes(mp4())
        media = {Role.IMAGE: scene.picture()["media"][Role.IMAGE], Role.VIDEO: (film,)}
        work = scene.work("", task=Task.MOTION_CONTROL, media=media, seed=None, duration_s=None)
        inputs = {"body_control": False, "expression_intensity": 4}
        work = replace(work, inputs=inputs, words={"size": "832:1104"})
        await scene.submit(for_model(work, "act_two"))
        (seen,) = (seen for _, seen in scene.fake.seen)
        assert seen.path == "/v1/character_performance"
        assert seen.body == {
            "model": "act_two",
            "character": {"type": "image", "uri": PICTURE},
            "reference": {"type": "video", "uri": FILM},
            "bodyControl": False,
            "expressionIntensity": 4,
            "ratio": "832:1104",
        }

    play("runway", tmp_path, story)


def test_pictures_to_borrow_from_and_a_shape_in_full_size(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = scene.picture()["media"][Role.IMAGE]
        changes: dict[str, Any] = {"modality": Modality.IMAGE, "task": Task.IMAGE_TO_IMAGE, "duration_s": None}
        work = scene.work(media={Role.REFERENCE: picture * 2}, **changes)
        await scene.submit(for_model(replace(work, words={"aspect_ratio": "21:9"}), "gen4_image"))
        (seen,) = (seen for _, seen in scene.fake.seen)
        assert seen.path == "/v1/text_to_image"
        assert seen.body == {
            "model": "gen4_image",
            "promptText": "a red fox in the snow",
            "referenceImages": [{"uri": PICTURE}, {"uri": PICTURE}],
            "ratio": "2112:912",
            "seed": 7,
        }

    play("runway", tmp_path, story)


def test_work_that_there_is_no_path_for_is_not_sent(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(ProviderRejected):
            await scene.submit(scene.work(task=Task.LIP_SYNC))
        assert not scene.fake.seen

    play("runway", tmp_path, story)


@pytest.mark.parametrize("code", ["SAFETY.INPUT.TEXT", "SAFETY.OUTPUT.VIDEO", "INPUT_PREPROCESSING.SAFETY.TEXT"])
def test_every_safety_code_is_a_refusal_of_the_content_and_is_billed(code: str, tmp_path: Path) -> None:
    body = {"id": "1", "status": "FAILED", "failure": "It was flagged.", "failureCode": code, "cost": {"credits": 60}}
    with pytest.raises(ContentRefused, match=r"^It was flagged\.$") as caught:
        tell(tmp_path, body)
    assert caught.value.cost_micro_usd == 600_000


@pytest.mark.parametrize("code", ["INTERNAL.BAD_OUTPUT.CODE01", "ASSET.INVALID", "INPUT_PREPROCESSING.INTERNAL", None])
def test_other_failures_are_none_and_say_what_they_cost(code: str | None, tmp_path: Path) -> None:
    body = {"id": "1", "status": "FAILED", "failure": "No luck.", "failureCode": code, "cost": {"credits": 25}}
    with pytest.raises(ProviderRejected, match=r"^No luck\.$") as caught:
        tell(tmp_path, body)
    assert caught.value.cost_micro_usd == 250_000


def test_what_was_canceled_there_tells_what_remains_charged(tmp_path: Path) -> None:
    with pytest.raises(ProviderRejected, match="canceled") as caught:
        tell(tmp_path, {"id": "1", "status": "CANCELLED", "cost": {"credits": 60}})
    assert caught.value.cost_micro_usd == 600_000


def tell(folder: Path, body: dict[str, Any]) -> None:
    async def story(scene: Facing) -> None:
        await scene.told(body)

    play("runway", folder, story)
