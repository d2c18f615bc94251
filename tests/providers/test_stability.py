"""Stability AI: forms with files, bodies that are results, and refusals that look like success."""

from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.brief import Modality, Task
from darkroom.errors import ContentRefused, ProviderRejected
from darkroom.ports import Output
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp3, png
from tests.providers.fakes.stability import Stability
from tests.providers.scene import Facing
from tests.providers.test_conformance import play


def test_a_picture_to_change_is_a_file_in_the_form(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(Task.IMAGE_TO_IMAGE, image=1), negative_prompt="people", format="jpg")
        await scene.submit(replace(work, inputs={"strength": 0.4}))

    fake = play("stability", tmp_path, story)
    assert fake.seen[0][1].path == "/v2beta/stable-image/generate/sd3"
    assert fake.seen[0][1].body == {
        "prompt": "a red fox in the snow",
        "negative_prompt": "people",
        "model": "sd3.5-large",
        "mode": "image-to-image",
        "image": png(),
        "strength": "0.4",
        "seed": "7",
        "output_format": "jpeg",
    }


@pytest.mark.parametrize(("size", "shape"), [("1344x768", "16:9"), ("768x1344", "9:16"), ("900x1600", "4:5")])
def test_sizes_are_shapes(size: str, shape: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(replace(scene.work(), words={"size": size, "aspect_ratio": "4:5"}))

    (job,) = play("stability", tmp_path, story).jobs.values()
    assert job.body["aspect_ratio"] == shape


def test_other_models_have_their_own_path_and_no_mode(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(replace(scene.work(), upstream="ultra"))

    fake = play("stability", tmp_path, story)
    assert fake.seen[0][1].path == "/v2beta/stable-image/generate/ultra"
    assert not {"model", "mode"} & set(fake.seen[0][1].body)


def test_sounds_are_made_at_a_path_of_their_own(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.media = mp3()
        work = scene.work("an old waltz", modality=Modality.MUSIC, task=Task.MUSIC, duration_s=30.0)
        output = await scene.submit(replace(work, upstream="stable-audio-2.5", inputs={"steps": 8}))
        assert isinstance(output, Output)
        assert output.files[0].media_type == "audio/mpeg"

    fake = play("stability", tmp_path, story)
    assert fake.seen[0][1].path == "/v2beta/audio/stable-audio-2/text-to-audio"
    assert fake.seen[0][1].body == {
        "model": "stable-audio-2.5",
        "prompt": "an old waltz",
        "duration": "30",
        "seed": "7",
        "steps": "8",
        "output_format": "mp3",
    }


def test_a_blurred_picture_is_a_refusal_and_not_a_result(tmp_path: Path) -> None:
    async def at_once(scene: Facing) -> None:
        assert isinstance(scene.fake, Stability)
        scene.fake.finish_reason = "CONTENT_FILTERED"
        with pytest.raises(ContentRefused):
            await scene.submit(scene.work())

    async def later(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ContentRefused):
            await scene.finish(work, await scene.submit(work))

    (tmp_path / "at-once").mkdir()
    (tmp_path / "later").mkdir()
    play("stability", tmp_path / "at-once", at_once)
    play("stability-upscale", tmp_path / "later", later, states=("running", "blurred"))


def test_a_wrong_field_is_told_in_its_own_words(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"id": "a1b2", "name": "bad_request", "errors": ["aspect_ratio: is not one of the ones that there are"]}
        scene.fake.trouble("submit", Trouble("before", status=400, body=body))
        with pytest.raises(ProviderRejected, match="aspect_ratio"):
            await scene.submit(scene.work())

    play("stability", tmp_path, story)


def test_a_picture_to_enlarge_is_asked_after(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(Task.UPSCALE, image=1))
        output = await scene.finish(work, await scene.submit(work))
        assert output.files[0].path.read_bytes() == png()

    fake = play("stability-upscale", tmp_path, story)
    (job,) = fake.jobs.values()
    assert job.body["image"] == png()
    assert [seen.headers["Accept"] for kind, seen in fake.seen if kind == "poll"] == ["image/*"] * 3
