"""Elumenta's models against its documents (seeds 000 and 001, `protocols/elumenta.md`), typed by hand."""

import pytest

from darkroom.brief import Modality, Task
from darkroom.catalogue import Catalogue
from darkroom.credits import credits, show

VIDEO = [
    ("luma-flash2", 15, 93, 20, 35),
    ("kling-v2.1", 26, 94, 45, 90),
    ("kling-v2.1-pro", 26, 94, 60, 90),
    ("minimax-video", 88, 88, 60, 90),
    ("luma-ray2", 42, 180, 60, 120),
    ("mj-video-480p", 50, 320, 60, 120),
    ("mj-video-720p", 50, 320, 90, 180),
]
"""Slug, the band of tokens that the seed gives, and the typical wait in seconds."""


@pytest.mark.parametrize(("slug", "least", "most", "from_s", "to_s"), VIDEO)
def test_the_seeds_video_models(shipped: Catalogue, slug: str, least: int, most: int, from_s: int, to_s: int) -> None:
    model = shipped.find(slug, dialect="elumenta")
    lowest, highest = model.price_band
    assert credits(least) <= lowest <= highest <= credits(most)
    assert model.expected_wait_s == (from_s, to_s)
    assert model.modality is Modality.VIDEO
    assert not model.answers_at_once


@pytest.mark.parametrize(
    ("slug", "least", "most"),
    [
        *(("luma-flash2", 15, 93), ("kling-v2.1", 26, 94), ("minimax-video", 88, 88), ("luma-ray2", 42, 180)),
        *(("luma-ray2-flash", 15, 93), ("midjourney-video", 50, 320), ("sora-2", 42, 125), ("veo-3.1", 83, 334)),
        *(("dall-e-3", 5, 13), ("gpt-image-1.5", 1, 21), ("flux-1.1-pro", 4, 4), ("flux-kontext-pro", 3, 3)),
        *(("sd-3.5-large", 7, 7), ("midjourney", 2, 35), ("recraft-v3", 4, 4), ("photon", 1, 2)),
        *(("photon-flash", 1, 1), ("nano-banana-pro", 16, 32), ("musicgen", 9, 9), ("elevenlabs-music", 58, 58)),
        *(("minimax-tts", 1, 1), ("openai-tts", 3, 3), ("openai-tts-hd", 6, 6), ("gpt-4o-mini-tts", 3, 3)),
        *(("elevenlabs-flash", 18, 18), ("elevenlabs-v2", 35, 35), ("elevenlabs-sfx", 12, 12), ("el-dialogue", 15, 15)),
    ],
)
def test_the_token_page(shipped: Catalogue, slug: str, least: int, most: int) -> None:
    assert shipped.find(slug, dialect="elumenta").price_band == (credits(least), credits(most))


def test_both_mj_video_models_together_have_the_seeds_band(shipped: Catalogue) -> None:
    bands = [shipped.find(slug, dialect="elumenta").price_band for slug in ("mj-video-480p", "mj-video-720p")]
    assert (min(least for least, _ in bands), max(most for _, most in bands)) == (credits(50), credits(320))


@pytest.mark.parametrize(
    ("slug", "inputs", "tokens"),
    [
        ("kling-v2.1", {"duration": 5, "aspect_ratio": "16:9"}, "26"),
        ("kling-v2.1", {"quality": "pro"}, "44"),
        ("dall-e-3", {}, "5"),
        ("dall-e-3", {"quality": "hd"}, "7"),
        ("dall-e-3", {"size": "1024x1792", "quality": "hd"}, "13"),
    ],
)
def test_what_the_documents_examples_cost(
    shipped: Catalogue, slug: str, inputs: dict[str, object], tokens: str
) -> None:
    model = shipped.find(slug, dialect="elumenta")
    assert show(model.quote(model.accept({"prompt": "a blooming flower", **inputs}))) == tokens


def test_the_seeds_text_to_video_example(shipped: Catalogue) -> None:
    model = shipped.find("kling-v2.1", dialect="elumenta")
    prompt = "A time-lapse of a blooming flower, macro photography, soft natural light"
    inputs = model.accept({"prompt": prompt, "duration": 5, "aspect_ratio": "16:9"})
    brief = model.brief(inputs, {})
    assert (brief.prompt, brief.task, brief.duration_s) == (prompt, Task.TEXT_TO_VIDEO, 5.0)
    assert (brief.width, brief.height) == (1920, 1080)


def test_the_seeds_image_to_video_example(shipped: Catalogue) -> None:
    model = shipped.find("luma-ray2", dialect="elumenta")
    given = {
        "prompt": "The character slowly turns their head and smiles",
        "image_url": "https://example.com/portrait.jpg",
        "duration": 5,
    }
    inputs = model.accept(given)
    assert inputs == {**given, "aspect_ratio": "16:9", "resolution": "540p"}
    assert model.task_of(inputs) is Task.IMAGE_TO_VIDEO
    assert [medium.source for medium in model.media_fields(inputs)] == ["https://example.com/portrait.jpg"]


@pytest.mark.parametrize("slug", [slug for slug, *_ in VIDEO])
def test_every_video_model_takes_the_seeds_fields_with_their_defaults(shipped: Catalogue, slug: str) -> None:
    model = shipped.find(slug, dialect="elumenta")
    inputs = model.accept({"prompt": "x", "image_url": "https://example.com/a.jpg", "negative_prompt": "blur"})
    assert (inputs["duration"], inputs["aspect_ratio"]) == (5, "16:9")
    for shape in ("16:9", "9:16", "1:1"):
        assert model.accept({"prompt": "x", "aspect_ratio": shape})["aspect_ratio"] == shape


@pytest.mark.parametrize(
    ("slug", "kind"),
    [
        *(("dall-e-3", "matrix"), ("flux-1.1-pro", "fixed"), ("midjourney", "per_unit")),
        *(("kling-v2.1", "matrix"), ("elevenlabs-music", "fixed")),
    ],
)
def test_kinds_of_price(shipped: Catalogue, slug: str, kind: str) -> None:
    assert shipped.find(slug, dialect="elumenta").price.kind == kind


@pytest.mark.parametrize(
    ("slug", "voices"),
    [
        ("openai-tts", {"alloy", "echo", "fable", "onyx", "nova", "shimmer"}),
        ("elevenlabs-v2", {"rachel", "adam", "bella", "josh"}),
        ("minimax-tts", {"male-qn-qingse", "male-qn-jingying", "female-shaonv", "female-yujie"}),
    ],
)
def test_voices(shipped: Catalogue, slug: str, voices: set[str]) -> None:
    model = shipped.find(slug, dialect="elumenta")
    for voice in voices:
        given = {"prompt": "hello", "voice_id": voice, "speed": 1.5, "format": "ogg"}
        brief = model.brief(model.accept(given), {})
        assert (brief.voice, brief.speed, brief.format, brief.task) == (voice, 1.5, "ogg", Task.SPEECH)


def test_music_lasts_half_a_minute_unless_told(shipped: Catalogue) -> None:
    model = shipped.find("musicgen", dialect="elumenta")
    assert model.brief(model.accept({"prompt": "a waltz"}), {}).duration_s == 30.0
    assert model.brief(model.accept({"prompt": "a waltz", "duration": 120}), {}).duration_s == 120.0
