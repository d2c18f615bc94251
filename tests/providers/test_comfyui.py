"""ComfyUI: workflows of one's own, media that are uploaded first, and ids that we choose."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.brief import Task
from darkroom.errors import ProviderRejected
from darkroom.ids import new_id
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "$image"}},
    "2": {"class_type": "LoadImage", "inputs": {"image": "$reference_2"}},
    "3": {"class_type": "LoadVideo", "inputs": {"file": "$video"}},
    "4": {"class_type": "EmptyHunyuanLatentVideo", "inputs": {"length": "$frames_and_one", "width": "$width"}},
    "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "$prompt", "clip": ["6", 0]}},
}


def test_media_are_uploaded_into_a_folder_of_their_own_and_named_in_the_workflow(tmp_path: Path) -> None:
    reference = new_id()

    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(Task.IMAGE_TO_VIDEO, image=1, video=1, reference=2), duration_s=5.0, fps=16)
        await scene.submit(replace(work, upstream="wan", reference=reference))

    fake = play("comfyui", tmp_path, story, templates={"wan": json.dumps(WORKFLOW)})
    uploads = [seen.body for kind, seen in fake.seen if kind == "upload"]
    assert [upload["image"] for upload in uploads] == [png(), mp4(), png(), png()]
    assert [(upload["type"], upload["subfolder"], upload["overwrite"]) for upload in uploads] == [
        ("input", reference, "true")
    ] * 4
    assert fake.jobs[reference].body == {
        "prompt_id": reference,
        "prompt": {
            "1": {"class_type": "LoadImage", "inputs": {"image": f"{reference}/uploaded-1.png"}},
            "2": {"class_type": "LoadImage", "inputs": {"image": f"{reference}/uploaded-4.png"}},
            "3": {"class_type": "LoadVideo", "inputs": {"file": f"{reference}/uploaded-2.png"}},
            "4": {"class_type": "EmptyHunyuanLatentVideo", "inputs": {"length": 81, "width": 1280}},
            "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox in the snow", "clip": ["6", 0]}},
        },
    }


def test_a_checkpoint_is_an_option(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work())

    (job,) = play("comfyui", tmp_path, story, options={"checkpoint": "sdxl.safetensors"}).jobs.values()
    assert job.body["prompt"]["4"]["inputs"] == {"ckpt_name": "sdxl.safetensors"}


def test_a_workflow_that_does_not_fit_the_server_is_rejected(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(ProviderRejected, match="Prompt outputs failed validation"):
            await scene.submit(scene.work())

    assert not play("comfyui", tmp_path, story, options={"checkpoint": "nowhere.safetensors"}).jobs


def test_what_the_card_said_is_told(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ProviderRejected, match="CUDA out of memory"):
            await scene.finish(work, await scene.submit(work))

    play("comfyui", tmp_path, story, states=("running", "failed"))


def test_what_was_canceled_there_is_over(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ProviderRejected, match="canceled"):
            await scene.finish(work, await scene.submit(work))

    play("comfyui", tmp_path, story, states=("running", "cancelled"))


def test_only_what_was_saved_is_a_result(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert len(output.files) == 1

    fake = play("comfyui", tmp_path, story)
    assert [dict(seen.query) for kind, seen in fake.seen if kind == "result"] == [
        {"filename": "darkroom_00001_.png", "subfolder": "", "type": "output"}
    ]
