"""A caller's inputs in our own words: task, size, length and media."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Role, Task
from darkroom.catalogue import Catalogue, MediaInput, Model
from darkroom.catalogue.frame import frame
from darkroom.catalogue.tasks import task_for

Make = Callable[..., Model]

EARLIER = "755f9bbb-d99b-4880-992b-f05244ddba61"
OTHER = "8a0c1f3e-6f5e-4b43-9a55-1d1f0c6f2b7d"


@pytest.mark.parametrize(
    ("modality", "words", "size"),
    [
        ("video", {}, (1280, 720)),
        ("video", {"resolution": "1080p"}, (1920, 1080)),
        ("video", {"resolution": "1080P", "aspect_ratio": "9:16"}, (1080, 1920)),
        ("video", {"resolution": "540p", "aspect_ratio": "1:1"}, (540, 540)),
        ("video", {"resolution": "4k"}, (3840, 2160)),
        ("video", {"resolution": "2K"}, (2560, 1440)),
        ("video", {"resolution": "fhd"}, (1920, 1080)),
        ("video", {"resolution": "768P"}, (1366, 768)),
        ("video", {"resolution": "720", "aspect_ratio": "21:9"}, (1680, 720)),
        ("video", {"aspect_ratio": "auto"}, (1280, 720)),
        ("video", {"size": "1280:720"}, (1280, 720)),
        ("video", {"size": "96x64"}, (96, 64)),
        ("video", {"size": "832x1105"}, (832, 1104)),
        ("image", {}, (1024, 1024)),
        ("image", {"size": "1024x1792"}, (1024, 1792)),
        ("image", {"size": "2:3"}, (682, 1024)),
        ("image", {"resolution": "1024x1536"}, (1024, 1536)),
        ("image", {"resolution": "4K", "aspect_ratio": "16:9"}, (4096, 2304)),
        ("image", {"resolution": "2K", "aspect_ratio": "9:16"}, (1152, 2048)),
    ],
)
def test_size_in_pixels(modality: str, words: dict[str, Any], size: tuple[int, int]) -> None:
    assert frame(Modality(modality), **words) == size


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ({}, (None, None)),
        ({"resolution": "1080p"}, (None, 1080)),
        ({"resolution": "1080p", "aspect_ratio": "adaptive"}, (None, 1080)),
        ({"resolution": "1080p", "aspect_ratio": "1:1"}, (1080, 1080)),
    ],
)
def test_what_is_not_said_stays_open_where_a_source_can_say_it(
    words: dict[str, Any], size: tuple[int | None, int | None]
) -> None:
    assert frame(Modality.VIDEO, **words, has_source=True) == size


ALL = (
    Task.TEXT_TO_VIDEO,
    Task.IMAGE_TO_VIDEO,
    Task.FRAMES_TO_VIDEO,
    Task.REFERENCE_TO_VIDEO,
    Task.EDIT,
    Task.EXTEND,
    Task.MOTION_CONTROL,
)


@pytest.mark.parametrize(
    ("present", "form", "task"),
    [
        (set(), "", Task.TEXT_TO_VIDEO),
        ({Role.IMAGE}, "", Task.IMAGE_TO_VIDEO),
        ({Role.LAST_IMAGE}, "", Task.IMAGE_TO_VIDEO),
        ({Role.IMAGE, Role.LAST_IMAGE}, "", Task.FRAMES_TO_VIDEO),
        ({Role.REFERENCE}, "", Task.REFERENCE_TO_VIDEO),
        ({Role.IMAGE, Role.VIDEO}, "motion-control", Task.MOTION_CONTROL),
        ({Role.VIDEO}, "", Task.EDIT),
        ({Role.VIDEO}, "extend", Task.EXTEND),
        ({Role.VIDEO}, "video_edit", Task.EDIT),
        ({Role.IMAGE}, "frame-to-video", Task.IMAGE_TO_VIDEO),
        ({Role.IMAGE}, "std", Task.IMAGE_TO_VIDEO),
        ({Role.AUDIO}, "", Task.TEXT_TO_VIDEO),
    ],
)
def test_task_by_what_is_given_and_the_form_named(present: set[Role], form: str, task: Task) -> None:
    assert task_for(ALL, frozenset(present), form) is task


IMAGE = {"type": "image", "url": "https://example.com/a.png"}
FIRST = {"type": "generation", "id": EARLIER}
SECOND = {"type": "generation", "id": OTHER}


@pytest.mark.parametrize(
    ("keyframes", "task", "prepend", "media"),
    [
        ({"frame0": IMAGE}, Task.IMAGE_TO_VIDEO, False, [("keyframes.frame0.url", Role.IMAGE)]),
        ({"frame0": None, "frame1": IMAGE}, Task.IMAGE_TO_VIDEO, False, [("keyframes.frame1.url", Role.LAST_IMAGE)]),
        (
            {"frame0": IMAGE, "frame1": IMAGE},
            Task.FRAMES_TO_VIDEO,
            False,
            [("keyframes.frame0.url", Role.IMAGE), ("keyframes.frame1.url", Role.LAST_IMAGE)],
        ),
        ({"frame0": FIRST}, Task.EXTEND, False, [("keyframes.frame0.id", Role.VIDEO)]),
        ({"frame1": FIRST}, Task.EXTEND, True, [("keyframes.frame1.id", Role.VIDEO)]),
        (
            {"frame0": FIRST, "frame1": IMAGE},
            Task.EXTEND,
            False,
            [("keyframes.frame0.id", Role.VIDEO), ("keyframes.frame1.url", Role.LAST_IMAGE)],
        ),
        (
            {"frame0": FIRST, "frame1": SECOND},
            Task.FRAMES_TO_VIDEO,
            False,
            [("keyframes.frame0.id", Role.IMAGE), ("keyframes.frame1.id", Role.LAST_IMAGE)],
        ),
    ],
)
def test_lumas_keyframes(
    shipped: Catalogue, keyframes: dict[str, Any], task: Task, prepend: bool, media: list[tuple[str, Role]]
) -> None:
    model = shipped.find("ray-2", dialect="aimlapi-luma")
    inputs = model.accept({"prompt": "go on", "keyframes": keyframes})
    brief = model.brief(inputs, {field: (Path(field),) for field, _ in media})
    assert [(medium.field, medium.role) for medium in model.media_fields(inputs)] == media
    assert (brief.task, brief.prepend) == (task, prepend)
    assert brief.media == {role: (Path(field),) for field, role in media}


def test_an_earlier_generation_is_named_as_such(shipped: Catalogue) -> None:
    model = shipped.find("ray-2", dialect="aimlapi-luma")
    inputs = model.accept({"prompt": "go on", "keyframes": {"frame0": FIRST}})
    assert model.media_fields(inputs) == [
        MediaInput("keyframes.frame0.id", Role.VIDEO, "video", f"generation:{EARLIER}")
    ]


def test_an_extension_is_as_large_as_what_it_extends(shipped: Catalogue) -> None:
    model = shipped.find("ray-2", dialect="aimlapi-luma")
    inputs = model.accept({"prompt": "go on", "aspect_ratio": "1:1", "keyframes": {"frame0": FIRST}})
    assert (model.brief(inputs, {}).width, model.brief(inputs, {}).height) == (None, None)


def test_media_are_found_in_lists_and_objects(shipped: Catalogue) -> None:
    model = shipped.find("klingai/video-o1-video-to-video-edit", dialect="aimlapi")
    elements = [
        "https://example.com/a.png",
        {"frontal_image_url": "https://example.com/b.png", "reference_image_urls": ["https://example.com/c.png"]},
    ]
    inputs = model.accept({"prompt": "x", "video_url": "data:video/mp4;base64,AAAA", "elements": elements})
    assert model.media_fields(inputs) == [
        MediaInput("video_url", Role.VIDEO, "video", "data:video/mp4;base64,AAAA"),
        MediaInput("elements.0", Role.REFERENCE, "image", "https://example.com/a.png"),
        MediaInput("elements.1.frontal_image_url", Role.REFERENCE, "image", "https://example.com/b.png"),
        MediaInput("elements.1.reference_image_urls.0", Role.REFERENCE, "image", "https://example.com/c.png"),
    ]
    assert model.task_of(inputs) is Task.EDIT


def test_runways_objects_say_themselves_what_they_are(shipped: Catalogue) -> None:
    model = shipped.find("runway/act_two", dialect="aimlapi")
    actor = {"type": "video", "url": "https://example.com/actor.mp4"}
    figure = {"type": "image", "url": "https://example.com/figure.png"}
    inputs = model.accept({"reference": actor, "character": figure, "frame_size": "720:1280"})
    assert [(medium.role, medium.kind) for medium in model.media_fields(inputs)] == [
        (Role.VIDEO, "video"),
        (Role.IMAGE, "image"),
    ]
    brief = model.brief(inputs, {})
    assert (brief.task, brief.width, brief.height) == (Task.MOTION_CONTROL, 720, 1280)


@pytest.mark.parametrize(
    ("field", "described", "value", "word", "ours"),
    [
        ("duration", 'type = "string"', "9s", "duration_s", 9.0),
        ("music_length_ms", 'type = "integer"', 12500, "duration_s", 12.5),
        ("seed", 'type = "integer"', -1, "seed", None),
        ("seed", 'type = "integer"', 7, "seed", 7),
        ("n", 'type = "integer"', 3, "count", 3),
        ("output_format", 'type = "string"', "image/webp", "format", "webp"),
        ("audio_setting", 'type = "object"', {"format": "flac"}, "format", "flac"),
        ("language", 'type = "string"', "auto", "language", ""),
        ("keep_original_sound", 'type = "boolean"', False, "keep_audio", False),
        ("mode", 'type = "string"\nrole = "side"', "start", "prepend", True),
        ("factor", 'type = "string"\nrole = "scale"', "4x", "scale", 4.0),
        ("multi_prompt", 'type = "array"', [{"prompt": "a"}, "b"], "prompt", "a b"),
        ("loop", 'type = "boolean"\nrole = "none"', True, "loop", False),
    ],
)
def test_each_field_becomes_one_of_our_words(
    fern: Make, field: str, described: str, value: object, word: str, ours: object
) -> None:
    model = fern(f"[inputs.{field}]\n{described}\n")
    inputs = model.accept({"prompt": "a fern", field: value})
    assert getattr(model.brief(inputs, {}), word) == ours


def test_a_retake_ends_where_its_span_ends(shipped: Catalogue) -> None:
    model = shipped.find("lightricks/ltx-2.3/retake-video", dialect="skills")
    given = {"prompt": "rain", "video_url": "https://example.com/v.mp4", "start_time": 2, "duration": 3}
    inputs = model.accept(given)
    brief = model.brief(inputs, {})
    assert (brief.task, brief.start_s, brief.end_s, brief.duration_s) == (Task.RETAKE, 2.0, 5.0, None)
    # By words that are known already, which stay as they are.
    words = model.words(inputs)
    assert model.brief(inputs, {}, words) == brief
    assert words == model.words(inputs)
    assert (brief.width, brief.height) == (None, None)
