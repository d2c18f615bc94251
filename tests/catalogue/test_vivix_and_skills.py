"""Vivix's models against `protocols/vivix.md` 3.3, and skills.video's against seed 004 and 4.7, typed by hand."""

from typing import Any

import pytest

from darkroom.brief import Task
from darkroom.catalogue import Catalogue
from darkroom.credits import show, whole_units
from darkroom.errors import InvalidInput


def test_grok_imagine_is_as_vivix_lists_it(shipped: Catalogue) -> None:
    model = shipped.find("grok-imagine-image-quality", dialect="vivix")
    properties: Any = model.schema["properties"]
    assert (model.name, model.maker, model.modality) == ("Grok Imagine Image Quality", "xAI", "image")
    assert list(properties) == ["prompt", "aspect_ratio", "resolution", "number_results"]
    assert (properties["prompt"]["maxLength"], model.schema["required"]) == (2000, ["prompt"])
    assert properties["aspect_ratio"]["enum"] == ["1:1", "4:5", "9:16", "16:9"]
    assert model.accept({"prompt": "x"}) == {
        "prompt": "x",
        "aspect_ratio": "1:1",
        "resolution": "2K",
        "number_results": 1,
    }
    assert [whole_units(amount, per_credit=10) for amount in model.price_band] == [80, 211]


@pytest.mark.parametrize(
    ("given", "vivix_credits"), [({"resolution": "4K"}, 211), ({"resolution": "1K", "number_results": 4}, 320)]
)
def test_grok_imagine_costs(shipped: Catalogue, given: dict[str, object], vivix_credits: int) -> None:
    model = shipped.find("grok-imagine-image-quality", dialect="vivix")
    inputs = model.accept({"prompt": "x", **given})
    assert whole_units(model.quote(inputs), per_credit=10) == vivix_credits


def test_wan_is_as_vivix_lists_it(shipped: Catalogue) -> None:
    model = shipped.find("wan-2.7-text-to-video", dialect="vivix")
    properties: Any = model.schema["properties"]
    assert (model.name, model.maker, model.modality) == ("Wan 2.7 Text to Video", "Alibaba", "video")
    assert list(properties) == ["prompt", "duration", "resolution", "audio"]
    assert (properties["duration"]["minimum"], properties["duration"]["maximum"]) == (2, 10)
    assert properties["resolution"]["enum"] == ["720p", "1080p"]
    assert model.accept({"prompt": "x"}) == {"prompt": "x", "duration": 5, "resolution": "1080p", "audio": False}
    assert [whole_units(amount, per_credit=10) for amount in model.price_band] == [400, 1440]


PATHS = """
openai/sora-2-pro openai/sora-2 google/veo-2 google/veo-3.1 google/veo-3.1-fast google/veo-3.1-lite
bytedance/seedance-1-pro bytedance/seedance-1-pro-fast bytedance/seedance-1.5 bytedance/omnihuman-v1.5
xai/grok-imagine-video kling-ai/v3/video kling-ai/o3/video kling-ai/o3/edit kling-ai/o1/video kling-ai/o1/edit
kling-ai/kling-v2.6 kling-ai/motion-control-v2.6 kling-ai/kling-v2.5-turbo runwayml/gen-4.5 runwayml/gen4-turbo
runwayml/gen4-aleph runwayml/upscale-v1 wan/wan-v2.6 luma/ray-2 luma/ray-2-flash vidu/q2/video-turbo vidu/q3
minimax/hailuo-2.3 minimax/hailuo-2.3-fast lightricks/ltx-2.3 lightricks/ltx-2.3/audio-to-video
lightricks/ltx-2.3/extend-video lightricks/ltx-2.3/retake-video pixverse/v5.6 pixverse/lipsync sync/lipsync-2
veed/lipsync topaz/upscale/video google/nano-banana google/nano-banana-2 google/nano-banana-pro openai/gpt-image-1
openai/gpt-image-1.5 kling-ai/v3/image kling-ai/o3-image kling-ai/o1-image xai/grok-imagine-image
bytedance/seedream-4.0 bytedance/seedream-4.5 bytedance/seedream-5-lite qwen/qwen-image qwen/qwen-image-2
qwen/qwen-image-2-pro vidu/q2/text-to-image runwayml/gen4-image runwayml/gen4-image-turbo
black-forest-labs/flux-2-pro black-forest-labs/kontext ideogram/ideogram z-image/z-image topaz/upscale/image
fal-ai/kling/v1-5/kolors-virtual-try-on
"""


@pytest.mark.parametrize("path", PATHS.split())
def test_every_documented_path_has_its_model(shipped: Catalogue, path: str) -> None:
    model = shipped.find(path, dialect="skills")
    properties: Any = model.schema["properties"]
    assert (properties["n"]["minimum"], properties["n"]["maximum"], properties["n"]["default"]) == (1, 4, 1)


IMAGE, LAST = {"first_frame_url": "https://example.com/a.png"}, {"last_frame_url": "https://example.com/b.png"}
SIGHT = {"reference_image_urls": ["https://example.com/c.png"]}
VIDEO, AUDIO = {"video_url": "https://example.com/v.mp4"}, {"audio_url": "https://example.com/a.mp3"}


@pytest.mark.parametrize(
    ("form", "path", "given", "task"),
    [
        ("Text Image To Video", "kling-ai/v3/video", {"feature": "text-image-to-video"}, Task.TEXT_TO_VIDEO),
        ("Frame To Video", "kling-ai/v3/video", {"feature": "frame-to-video", **IMAGE, **LAST}, Task.FRAMES_TO_VIDEO),
        (
            "Reference To Video",
            "kling-ai/v3/video",
            {"feature": "reference-to-video", **SIGHT},
            Task.REFERENCE_TO_VIDEO,
        ),
        ("Text To Video", "wan/wan-v2.6", {"feature": "text-to-video"}, Task.TEXT_TO_VIDEO),
        (
            "Image To Video",
            "wan/wan-v2.6",
            {"feature": "image-to-video", "image_url": "https://example.com/a.png"},
            Task.IMAGE_TO_VIDEO,
        ),
        ("Edit Video", "wan/wan-v2.6", {"feature": "edit-video", **VIDEO}, Task.EDIT),
        (
            "Motion Control",
            "kling-ai/kling-v2.6",
            {"feature": "motion-control", "image_url": "https://example.com/a.png", **VIDEO},
            Task.MOTION_CONTROL,
        ),
        ("Video To Video", "kling-ai/o1/video", {"feature": "video-to-video", **VIDEO}, Task.VIDEO_TO_VIDEO),
        (
            "Video Reference To Video",
            "kling-ai/o3/video",
            {"feature": "video-reference-to-video", **VIDEO, **SIGHT},
            Task.VIDEO_TO_VIDEO,
        ),
        ("Text/Image", "google/veo-3.1", {"mode": "text-image", **IMAGE}, Task.IMAGE_TO_VIDEO),
        ("Frames", "google/veo-3.1", {"mode": "frames", **IMAGE, **LAST}, Task.FRAMES_TO_VIDEO),
        ("Reference", "google/veo-3.1", {"mode": "reference", **SIGHT}, Task.REFERENCE_TO_VIDEO),
        ("Extend Video", "google/veo-3.1-lite", {"mode": "extend-video", **VIDEO}, Task.EXTEND),
        ("Audio To Video", "lightricks/ltx-2.3/audio-to-video", AUDIO, Task.LIP_SYNC),
        ("Extend Video", "lightricks/ltx-2.3/extend-video", VIDEO, Task.EXTEND),
        ("Retake Video", "lightricks/ltx-2.3/retake-video", VIDEO, Task.RETAKE),
        ("Text/Image", "xai/grok-imagine-video", {"mode": "text-image"}, Task.TEXT_TO_VIDEO),
        ("Edit Video", "xai/grok-imagine-video", {"mode": "edit-video", **VIDEO}, Task.EDIT),
        ("Extend Video", "xai/grok-imagine-video", {"mode": "extend-video", **VIDEO}, Task.EXTEND),
        ("Lip sync", "pixverse/lipsync", {**VIDEO, **AUDIO, "prompt": None}, Task.LIP_SYNC),
        ("Upscale", "topaz/upscale/video", {**VIDEO, "prompt": None}, Task.UPSCALE),
        (
            "TryOnRequest",
            "fal-ai/kling/v1-5/kolors-virtual-try-on",
            {
                "human_image_url": "https://example.com/a.png",
                "garment_image_url": "https://example.com/b.png",
                "prompt": None,
            },
            Task.TRY_ON,
        ),
    ],
)
def test_every_form_of_the_seeds_list(
    shipped: Catalogue, form: str, path: str, given: dict[str, object], task: Task
) -> None:
    model = shipped.find(path, dialect="skills")
    asked = {name: value for name, value in {"prompt": form, **given}.items() if value is not None}
    inputs = model.accept(asked)
    assert model.task_of(inputs) is task
    assert model.brief(inputs, {}).task is task


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("MiniMax Speech 2.8 HD", "minimax/speech-2.8-hd"),
        ("MiniMax Speech 2.8 Turbo", "minimax/speech-2.8-turbo"),
        ("Qwen 3 TTS 1.7B", "qwen/qwen-3-tts-1.7b"),
        ("ElevenLabs Eleven v3", "elevenlabs/eleven-v3"),
    ],
)
def test_the_seeds_speech_models(shipped: Catalogue, name: str, path: str) -> None:
    model = shipped.find(path, dialect="skills")
    brief = model.brief(model.accept({"text": "Good morning.", "format": "wav"}), {})
    assert (model.name, brief.prompt, brief.task, brief.format) == (name, "Good morning.", Task.SPEECH, "wav")
    assert brief.voice


@pytest.mark.parametrize(
    ("feature", "missing"),
    [
        ("frame-to-video", {"first_frame_url"}),
        ("video-to-video", {"video_url"}),
        ("video-reference-to-video", {"video_url", "reference_image_urls"}),
    ],
)
def test_a_form_without_its_media_is_refused(shipped: Catalogue, feature: str, missing: set[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        shipped.find("kling-ai/o1/video", dialect="skills").accept({"prompt": "x", "feature": feature})
    assert {problem.field for problem in caught.value.problems} == missing


def test_n_results_cost_n_times_as_much(shipped: Catalogue) -> None:
    model = shipped.find("bytedance/seedream-4.0", dialect="skills")
    assert show(model.quote(model.accept({"prompt": "x", "n": 4}))) == "12"
