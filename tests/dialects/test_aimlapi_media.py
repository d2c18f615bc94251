"""AIMLAPI's universal route, the older ones by vendor, sound, and the account's pages, with dictionaries."""

from typing import Any

import pytest

from darkroom import errors
from darkroom.asset import Asset
from darkroom.credits import Credits, credits
from darkroom.dialects.aimlapi import Aimlapi, media
from darkroom.generation import Generation, Status
from darkroom.verbs import Fetch
from darkroom.wire import WireResponse
from tests.dialects.samples import ID, a_generation, a_reply, a_request, a_video

ROUTES = {(route.method, route.path): route for route in Aimlapi.routes}


def a_clip(status: Status = Status.QUEUED, **given: Any) -> Generation:
    values: dict[str, Any] = {
        "dialect": "aimlapi",
        "model": "aimlapi/luma/ray-3.2",
        "wire": {"model": "luma/ray-3.2", "route": "video"},
        "quote": credits(6),
        "spent": {"permanent": credits(6)} if status is Status.COMPLETED else {},
        "outputs": (a_video(duration_s=8.0, key="results/x/clip.mp4"),) if status is Status.COMPLETED else (),
        **given,
    }
    return a_generation(status, **values)


def answered(method: str, path: str, generation: Generation) -> WireResponse:
    return ROUTES[method, path].render(generation, a_reply())


def test_a_completed_video_field_by_field() -> None:
    answer = answered("GET", "/v2/video/generations", a_clip(Status.COMPLETED))
    assert answer.status == 200
    assert answer.body == {
        "id": ID,
        "status": "completed",
        "video": {
            "url": "http://files/results/x/clip.mp4",
            "duration": 8,
            "content_type": "video/mp4",
            "file_name": "clip.mp4",
            "file_size": 1000,
        },
        "duration": 8,
        "error": None,
        "meta": {"usage": {"credits_used": 120000, "usd_spent": 0.06}},
        "model": "luma/ray-3.2",
    }


@pytest.mark.parametrize(
    ("status", "shown", "used"),
    [
        (Status.QUEUED, "queued", 120000),
        (Status.RUNNING, "generating", 120000),
        (Status.FAILED, "error", 0),
        (Status.CANCELED, "error", 0),
    ],
)
def test_every_other_status(status: Status, shown: str, used: int) -> None:
    body = answered("POST", "/v2/video/generations", a_clip(status)).body
    assert (body["status"], body["video"], body["duration"]) == (shown, None, None)
    assert body["meta"]["usage"]["credits_used"] == used
    assert (body["error"] is None) is (shown != "error")
    if shown == "error":
        assert set(body["error"]) == {"name", "message"}


def test_the_submit_sample_s_amounts() -> None:
    # 6,289,921 of AIMLAPI's credits are 3.1449605 dollars.
    usage = answered("POST", "/v2/video/generations", a_clip(quote=Credits(314_496_050))).body["meta"]["usage"]
    assert usage == {"credits_used": 6289921, "usd_spent": 3.1449605}


@pytest.mark.parametrize("vendor", ["kling", "minimax", "runway", "alibaba", "google", "bytedance", "pixverse"])
def test_every_vendor_s_shape(vendor: str) -> None:
    path = f"/v2/generate/video/{vendor}/generation"
    made = answered("POST", path, a_clip()).body
    assert (made["id"], made["status"]) == (ID, "queued")
    done = answered("GET", path, a_clip(Status.COMPLETED)).body
    if vendor == "runway":
        assert done["video"] == ["http://files/results/x/clip.mp4"]
        assert done["error"] is None
    else:
        assert done["video"]["url"] == "http://files/results/x/clip.mp4"
        assert {"content_type", "file_name", "file_size"} <= set(done["video"])
    # Their oldest clients read this instead of `id`.
    assert (made.get("generation_id") == ID) is (vendor in ("kling", "minimax"))


def test_sound_is_an_audio_file() -> None:
    song = Asset(key="results/x/song.mp3", media_type="audio/mpeg", size_bytes=9, duration_s=60.0)
    generation = a_clip(Status.COMPLETED, outputs=(song,), modality="music")
    assert answered("POST", "/v2/generate/audio", a_clip()).body["audio_file"] is None
    body = answered("GET", "/v2/generate/audio", generation).body
    assert body["audio_file"]["url"] == "http://files/results/x/song.mp3"
    assert (body["status"], body["error"]) == ("completed", None)


def test_what_another_route_made_is_named_as_what_it_is() -> None:
    picture = Asset(key="a.png", media_type="image/png", size_bytes=1)
    body = answered("GET", "/v2/video/generations", a_clip(Status.COMPLETED, outputs=(picture,))).body
    assert (body["video"], body["image"]["url"]) == (None, "http://files/a.png")
    emptied = answered("GET", "/v2/generate/video/runway/generation", a_clip(Status.COMPLETED, outputs=())).body
    assert (emptied["status"], emptied["video"]) == ("completed", None)


@pytest.mark.parametrize(
    ("vendor", "body", "model", "inputs"),
    [
        ("", {"model": "veo2", "prompt": "x"}, "veo2", {"prompt": "x"}),
        ("kling", {"model": "k", "prompt": "x", "duration": "5"}, "k", {"prompt": "x", "duration": "5"}),
        (
            "minimax",
            {"model": "video-01", "prompt": "x", "first_frame_image": "https://a/1.png", "prompt_optimizer": False},
            "video-01",
            {"prompt": "x", "image_url": "https://a/1.png", "enhance_prompt": False},
        ),
        (
            "runway",
            {
                "model": "gen4_turbo",
                "image_url": "https://a/1.png",
                "ratio": "720:1280",
                "last_image_url": "https://a/2",
            },
            "runway/gen4_turbo",
            {"image_url": "https://a/1.png", "aspect_ratio": "9:16", "tail_image_url": "https://a/2", "duration": 10},
        ),
        (
            "runway",
            {"model": "gen3a_turbo", "image_url": "https://a/1.png", "ratio": "16:9", "duration": 5},
            "gen3a_turbo",
            {"image_url": "https://a/1.png", "aspect_ratio": "16:9", "duration": 5},
        ),
        (
            "runway",
            {"model": "act_two", "ratio": "1280:720"},
            "runway/act_two",
            {"frame_size": "1280:720"},
        ),
    ],
)
def test_every_vendor_s_words(vendor: str, body: Any, model: str, inputs: Any) -> None:
    verb = media.parse_submit(a_request(body=body), modality="video", vendor=vendor)
    assert (verb.model, verb.inputs, verb.catalogue) == (model, inputs, "aimlapi")
    assert verb.wire["model"] == body["model"]


@pytest.mark.parametrize("model", [None, "", 5, ["x"], "x" * 201])
def test_a_model_is_named(model: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="model"):
        media.parse_submit(a_request(body={"model": model, "prompt": "x"}), modality="video")


def test_a_poll_names_one_id() -> None:
    assert media.parse_fetch(a_request("GET", query={"generation_id": ID})) == Fetch(id=ID)
    for query in ([], [("generation_id", "")], [("generation_id", "a"), ("generation_id", "b")]):
        with pytest.raises(errors.InvalidInput):
            media.parse_fetch(a_request("GET", query=query))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/generate/audio/minimax/upload"),
        ("POST", "/v2/generate/audio/minimax/generate"),
        ("POST", "/v2/generate/audio/suno-ai/clip"),
        ("GET", "/v2/generate/audio/suno-ai/clip"),
        ("POST", "/luma-ai/generations/file-upload"),
        ("POST", "/v1/luma-ai/generations/file-upload"),
        ("GET", "/v2/usage"),
        ("GET", "/v2/usage/detail"),
        ("GET", "/models/metrics"),
    ],
)
def test_what_is_not_served_says_so(method: str, path: str) -> None:
    answer = ROUTES[method, path].render(None, a_reply(a_request(method, url=path)))
    assert (answer.status, answer.body["statusCode"]) == (404, 404)
    assert answer.body["message"].startswith(f"{method} {path} is not served here: ")
