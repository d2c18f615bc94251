"""AIMLAPI's models against the facts of `protocols/data/aimlapi_models.json`, and a few of them typed by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Task
from darkroom.catalogue import Catalogue
from darkroom.credits import credits, show
from darkroom.errors import InvalidInput

FACTS = Path(__file__).parents[3] / "shared/protocols/data/aimlapi_models.json"

LUMA = "/v2/generate/video/luma-ai/generation"


def documented() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
    return facts


def choices(field: dict[str, Any]) -> list[Any] | None:
    """The values that a field takes, in whichever way its schema lists them; 5 and "5" are told apart no more."""
    if "enum" in field:
        return sorted(str(choice) for choice in field["enum"])
    if "minimum" in field and "maximum" in field and field["maximum"] - field["minimum"] < 30:
        return sorted(str(number) for number in range(int(field["minimum"]), int(field["maximum"]) + 1))
    return None


@pytest.mark.skipif(not FACTS.exists(), reason="the protocol facts are not beside this checkout")
@pytest.mark.parametrize("name", documented())
def test_parameters_are_the_documented_ones(shipped: Catalogue, name: str) -> None:
    facts = documented()[name]
    model = shipped.find(name, dialect="aimlapi")
    properties: Any = model.schema["properties"]
    assert model.extra["path"] == facts["path"]
    assert set(properties) == set(facts["params"])
    assert set(model.schema["required"]) == set(facts["required"]) - {"model"}  # type: ignore[call-overload]
    for field, fact in facts["params"].items():
        if "enum" in fact:
            assert choices(properties[field]) == choices(fact), field
        if "default" in fact:
            assert str(properties[field]["default"]) in (str(fact["default"]), f"{fact['default']}.0"), field
        for bound in ("minimum", "maximum", "maxLength"):
            assert bound not in fact or fact[bound] == properties[field][bound], field


def test_all_152_are_there(shipped: Catalogue) -> None:
    assert len(shipped.of("aimlapi")) == 152
    assert len(shipped.of("aimlapi-luma")) == 3


@pytest.mark.parametrize(
    ("name", "path", "modality", "tasks"),
    [
        ("klingai/video-v3-pro-text-to-video", "/v2/video/generations", "video", {Task.TEXT_TO_VIDEO}),
        (
            "kling-video/v1/standard/image-to-video",
            "/v2/generate/video/kling/generation",
            "video",
            {Task.IMAGE_TO_VIDEO, Task.FRAMES_TO_VIDEO},
        ),
        ("google/veo3-1-extend-video", "/v2/video/generations", "video", {Task.EXTEND}),
        ("klingai/video-v2-6-motion-control", "/v2/video/generations", "video", {Task.MOTION_CONTROL}),
        ("klingai/avatar-pro", "/v2/video/generations", "video", {Task.LIP_SYNC}),
        ("alibaba/wan-2-6-r2v", "/v2/video/generations", "video", {Task.REFERENCE_TO_VIDEO}),
        ("runway/gen4_aleph", "/v2/video/generations", "video", {Task.EDIT}),
        ("elevenlabs/eleven_music", "/v2/generate/audio", "music", {Task.MUSIC}),
        ("music-01", "/v2/generate/audio/minimax/generate", "music", {Task.MUSIC}),
        ("veo2", "/v2/generate/video/google/generation", "video", {Task.TEXT_TO_VIDEO}),
        ("stable-audio", "/v2/generate/audio", "music", {Task.MUSIC}),
    ],
)
def test_some_of_them(shipped: Catalogue, name: str, path: str, modality: str, tasks: set[Task]) -> None:
    model = shipped.find(name, dialect="aimlapi")
    assert (model.extra["path"], model.modality, set(model.tasks)) == (path, Modality(modality), tasks)


@pytest.mark.parametrize("name", ["klingai/video-o1-reference-to-video", "alibaba/wan-2-7-r2v"])
def test_references_that_are_not_required_may_be_missing(shipped: Catalogue, name: str) -> None:
    """The facts require `model` and `prompt`, and list the pictures as something to add."""
    model = shipped.find(name, dialect="aimlapi")
    assert model.task_of(model.accept({"prompt": "x"})) is Task.TEXT_TO_VIDEO
    pictures = {
        "klingai/video-o1-reference-to-video": {"image_list": ["https://here/a.png"]},
        "alibaba/wan-2-7-r2v": {"image_urls": ["https://here/a.png"]},
    }
    assert model.task_of(model.accept({"prompt": "x", **pictures[name]})) is Task.REFERENCE_TO_VIDEO


@pytest.mark.parametrize(
    ("name", "given", "cost"),
    [
        ("klingai/v2.5-turbo/pro/text-to-video", {"prompt": "x", "duration": 10}, "73.5"),
        ("minimax/hailuo-02", {"prompt": "x", "resolution": "1080P", "duration": 10}, "85.75"),
        ("bytedance/seedance-1-5-pro", {"prompt": "x", "generate_audio": False, "duration": 4}, "11.2"),
        ("elevenlabs/eleven_music", {"prompt": "x", "music_length_ms": 60000}, "84"),
        ("luma/ray-1-6", {"prompt": "x"}, "25"),
    ],
)
def test_longer_and_larger_costs_more(shipped: Catalogue, name: str, given: dict[str, object], cost: str) -> None:
    model = shipped.find(name, dialect="aimlapi")
    assert show(model.quote(model.accept(given))) == cost


@pytest.mark.parametrize(
    ("name", "shortest", "longest", "usual"),
    [
        ("klingai/video-v3-pro-text-to-video", 3, 15, 5),
        ("bytedance/seedance-2-5", 4, 30, 5),
        ("google/veo-3.1-t2v", 4, 8, 8),
        ("alibaba/happyhorse-1.1", 3, 15, 10),
        ("openai/sora-2-t2v", 4, 12, 4),
        ("minimax/hailuo-2.3", 6, 10, 6),
    ],
)
def test_how_short_and_how_long(shipped: Catalogue, name: str, shortest: int, longest: int, usual: int) -> None:
    model = shipped.find(name, dialect="aimlapi")
    assert model.accept({"prompt": "x"})["duration"] == usual
    for duration in (shortest, longest):
        assert model.accept({"prompt": "x", "duration": duration})["duration"] == duration
    for duration in (shortest - 1, longest + 1):
        with pytest.raises(InvalidInput):
            model.accept({"prompt": "x", "duration": duration})


def test_older_clients_write_durations_as_text(shipped: Catalogue) -> None:
    model = shipped.find("kling-video/v1.6/standard/text-to-video", dialect="aimlapi")
    assert model.accept({"prompt": "x", "duration": "10"})["duration"] == 10


def test_the_deprecated_ratio_is_heard_where_no_aspect_ratio_is_given(shipped: Catalogue) -> None:
    model = shipped.find("kling-video/v1/pro/text-to-video", dialect="aimlapi")
    brief = model.brief(model.accept({"prompt": "x", "ratio": "9:16"}), {})
    assert (brief.width, brief.height) == (720, 1280)
    assert model.brief(model.accept({"prompt": "x"}), {}).width == 1280


@pytest.mark.parametrize("name", ["ray-1-6", "ray-2", "ray-flash-2"])
def test_lumas_own_route(shipped: Catalogue, name: str) -> None:
    model = shipped.find(name, dialect="aimlapi-luma")
    # 500,000 AIMLAPI credits at 20,000 a credit.
    assert model.price_band == (credits(25), credits(25))
    assert model.extra["path"] == LUMA
    given = {"prompt": "A jellyfish in the ocean", "aspect_ratio": "9:21", "resolution": "4k", "duration": "9s"}
    inputs = model.accept({**given, "keyframes": None, "generation_type": "video", "concepts": None})
    assert inputs == {**given, "loop": False, "generation_type": "video"}
    brief = model.brief(inputs, {})
    assert (brief.duration_s, brief.width, brief.height) == (9.0, 2160, 5040)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"prompt": "x" * 2049}, "prompt"),
        ({"aspect_ratio": "19:9"}, "aspect_ratio"),
        ({"duration": "5"}, "duration"),
        ({"keyframes": {"frame0": {"type": "image"}}}, "keyframes.frame0.url"),
        ({"keyframes": {"frame0": {"type": "generation"}}}, "keyframes.frame0.id"),
        ({"keyframes": {"frame1": {"type": "generation", "id": "42"}}}, "keyframes.frame1.id"),
        ({"keyframes": {"frame2": {}}}, "keyframes.frame2"),
    ],
)
def test_what_lumas_route_refuses(shipped: Catalogue, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        shipped.find("ray-2", dialect="aimlapi-luma").accept({"prompt": "x", **given})
    assert [problem.field for problem in caught.value.problems] == [field]
