"""Luma's route at AIMLAPI, answers. Expectations are typed from the seed and from Luma's documents."""

from typing import Any

import msgspec
import pytest

from darkroom import errors
from darkroom.asset import ASSET, Asset
from darkroom.credits import credits
from darkroom.dialects.aimlapi import Aimlapi, luma, luma_v1, media
from darkroom.generation import Cause, Generation, Status
from darkroom.verbs import FetchMany, List
from tests.dialects.samples import ID, a_delivery, a_generation, a_reply, a_request, a_video

AIMLAPI = Aimlapi()
OTHER = "01958a11-0000-7000-8000-000000018503"
OWN = "755f9bbb-d99b-4880-992b-f05244ddba61"
"""The id of the seed's examples."""


def a_luma(status: Status = Status.QUEUED, **given: Any) -> Generation:
    values: dict[str, Any] = {
        "dialect": "aimlapi",
        "model": "aimlapi-luma/ray-1-6",
        "inputs": {"prompt": "A jellyfish in the ocean", "aspect_ratio": "16:9", "loop": False},
        "wire": {"model": "ray-1-6", "route": "luma"},
        "quote": credits(25),
        "spent": {"permanent": credits(25)} if status is Status.COMPLETED else {},
        "outputs": (a_video(width=1360, height=752),) if status is Status.COMPLETED else (),
        **given,
    }
    return a_generation(status, **values)


def test_the_completed_generation_field_by_field() -> None:
    answer = luma.render(a_luma(Status.COMPLETED), a_reply())
    assert answer.status == 200
    assert answer.body == {
        "id": ID,
        "generation_type": "video",
        "state": "completed",
        "failure_reason": None,
        "created_at": "2026-03-08T12:05:00.000Z",
        "assets": {"video": "http://files/results/18502.mp4", "image": "http://files/results/18502.jpg"},
        "video": {
            "url": "http://files/results/18502.mp4",
            "width": 1360,
            "height": 752,
            "thumbnail": "http://files/results/18502.jpg",
        },
        "video_url": "http://files/results/18502.mp4",
        "prompt": "A jellyfish in the ocean",
        "version": "v1.6",
        "model": "ray-1-6",
        "request": {
            "generation_type": "video",
            "model": "ray-1-6",
            "prompt": "A jellyfish in the ocean",
            "aspect_ratio": "16:9",
            "loop": False,
            "resolution": None,
            "duration": None,
            "concepts": None,
            "keyframes": None,
            "callback_url": None,
        },
    }
    assert answer.headers == {
        "x-inference-id": ID,
        "x-aimlapi-credits-used": "500000",
        "x-aimlapi-usd-spent": "0.25",
    }


@pytest.mark.parametrize(
    ("status", "state", "reason", "used"),
    [
        (Status.QUEUED, "queued", None, "500000"),
        (Status.RUNNING, "dreaming", None, "500000"),
        (Status.FAILED, "failed", "content policy violation", "0"),
        (Status.CANCELED, "failed", "The generation was canceled", "0"),
    ],
)
def test_every_other_state(status: Status, state: str, reason: str | None, used: str) -> None:
    answer = luma.render(a_luma(status), a_reply())
    shown = answer.body
    assert (shown["state"], shown["failure_reason"]) == (state, reason)
    assert (shown["assets"], shown["video"], shown["video_url"]) == (None, None, None)
    assert answer.headers["x-aimlapi-credits-used"] == used


def test_a_creation_is_answered_with_201() -> None:
    answer = luma.render_created(a_luma(), a_reply())
    assert (answer.status, answer.body["state"]) == (201, "queued")


def test_several_are_an_array() -> None:
    answer = luma.render_many((a_luma(), a_luma(Status.COMPLETED)), a_reply())
    assert [shown["state"] for shown in answer.body] == ["queued", "completed"]


def test_keyframes_are_told_with_our_links() -> None:
    keyframes = {"frame0": {"type": "image", "url": f"{ASSET}inputs/1"}, "frame1": {"type": "generation", "id": OTHER}}
    generation = a_luma(inputs={"prompt": f"{ASSET}inputs/1", "keyframes": keyframes})
    shown = luma.show(generation, a_reply())
    assert shown["request"]["keyframes"] == {
        "frame0": {"type": "image", "url": "http://files/inputs/1"},
        "frame1": {"type": "generation", "id": OTHER},
    }
    # A prompt is a prompt, whatever it looks like.
    assert shown["prompt"] == shown["request"]["prompt"] == f"{ASSET}inputs/1"


PICTURE = Asset(key="a.png", media_type="image/png", size_bytes=1)
SONG = Asset(key="a.mp3", media_type="audio/mpeg", size_bytes=1)


@pytest.mark.parametrize(
    ("outputs", "assets"),
    [
        ((PICTURE,), {"video": None, "image": "http://files/a.png"}),
        ((SONG,), {"video": None, "image": None, "audio": "http://files/a.mp3"}),
        ((), None),
    ],
)
def test_what_another_route_made_is_told_as_what_it_is(outputs: tuple[Asset, ...], assets: Any) -> None:
    generation = a_generation(Status.COMPLETED, outputs=outputs, inputs={}, model="gone")
    shown = luma.show(generation, a_reply())
    assert (shown["assets"], shown["video"], shown["model"]) == (assets, None, "gone")


@pytest.mark.parametrize(
    ("status", "told"), [(Status.RUNNING, "dreaming"), (Status.COMPLETED, "completed"), (Status.FAILED, "failed")]
)
def test_a_callback_tells_the_state_that_it_is_about(status: Status, told: str) -> None:
    # By the time that the first message goes out, the generation may long be completed.
    now = Status.COMPLETED if status is Status.RUNNING else status
    message = AIMLAPI.message(a_delivery(a_luma(now), state=status), a_reply())
    assert message is not None
    body = msgspec.json.decode(message.body)
    assert (body["id"], body["state"]) == (ID, told)
    assert (body["assets"] is not None) == (status is Status.COMPLETED)
    assert message.headers == {"content-type": "application/json"}


def test_nobody_is_called_back_about_the_queue() -> None:
    assert AIMLAPI.message(a_delivery(a_luma(), state=Status.QUEUED), a_reply()) is None


def test_camera_motions_are_an_array_of_texts() -> None:
    answer = luma.render_motions(None, a_reply())
    assert answer.status == 200
    assert len(answer.body) > 5
    assert all(isinstance(motion, str) for motion in answer.body)


def test_the_older_route_s_example() -> None:
    body = {"aspect_ratio": "16:9", "expand_prompt": True, "user_prompt": "Flying jellyfish"}
    verb = luma_v1.parse_create(a_request(body=body))
    assert (verb.model, verb.catalogue) == ("ray-1-6", "aimlapi-luma")
    assert verb.inputs == {"prompt": "Flying jellyfish", "aspect_ratio": "16:9"}


def test_the_older_route_s_pictures_are_keyframes() -> None:
    body = {"user_prompt": "x", "image_url": "https://a/1.png", "image_end_url": "https://a/2.png"}
    assert luma_v1.parse_create(a_request(body=body)).inputs["keyframes"] == {
        "frame0": {"type": "image", "url": "https://a/1.png"},
        "frame1": {"type": "image", "url": "https://a/2.png"},
    }


def test_an_extension_begins_with_the_generation() -> None:
    body = {"aspect_ratio": "16:9", "expand_prompt": True, "user_prompt": "Flying jellyfish with a hat"}
    verb = luma_v1.parse_extend(a_request(body=body, path={"id": OWN}))
    assert verb.inputs["keyframes"] == {"frame0": {"type": "generation", "id": OWN}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "user_prompt: is required"),
        ({"user_prompt": "x", "expand_prompt": "yes"}, "expand_prompt: must be true or false"),
        ({"user_prompt": "x", "image_url": 5}, "image_url: must be a link, not a number"),
        ({"user_prompt": "x", "prompt": "y"}, "prompt: is not known here"),
        ({"user_prompt": "x", "model": "ray-9"}, "model: must be one of ray-1-6"),
    ],
)
def test_a_wrong_older_creation(body: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        luma_v1.parse_create(a_request(body=body))


def test_an_extension_takes_no_picture_to_begin_with() -> None:
    with pytest.raises(errors.InvalidInput, match="has no place here"):
        luma_v1.parse_extend(a_request(body={"user_prompt": "x", "image_url": "https://a/1.png"}, path={"id": OWN}))
    with pytest.raises(errors.NotFound):
        luma_v1.parse_extend(a_request(body={"user_prompt": "x"}, path={"id": "\x00nope"}))


def test_the_older_answer_field_by_field() -> None:
    answer = luma_v1.render_created(a_luma(), a_reply())
    assert answer.status == 201
    assert answer.body == {
        "id": ID,
        "created_at": "2026-03-08T12:05:00.000Z",
        "prompt": "A jellyfish in the ocean",
        "state": "queued",
        "estimate_wait_seconds": 120,
        "liked": None,
        "video": None,
        "failure_reason": None,
    }
    (done,) = luma_v1.render_many((a_luma(Status.COMPLETED),), a_reply()).body
    assert (done["state"], done["estimate_wait_seconds"]) == ("completed", None)
    assert set(done["video"]) == {"url", "width", "height", "thumbnail"}


@pytest.mark.parametrize("query", [{"ids[0]": OWN}, {"ids": OWN}, {"ids[]": OWN}])
def test_the_older_route_s_ids(query: dict[str, str]) -> None:
    assert luma_v1.parse_fetch(a_request("GET", query=query)) == FetchMany(ids=[OWN])


def test_the_older_list_is_of_luma_s_alone() -> None:
    assert isinstance(luma_v1.parse_list(a_request("GET")), List)


def test_a_failure_s_cause_is_told() -> None:
    generation = a_luma(Status.FAILED, cause=Cause("provider_timed_out", "it took too long"))
    assert media.show(generation, a_reply())["error"] == {"name": "ProviderTimedOut", "message": "it took too long"}
    assert luma.failure_reason(generation) == "it took too long"
