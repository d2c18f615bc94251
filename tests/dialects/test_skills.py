"""skills.video's wire format, against its documents: expectations are typed from the seed and the protocol file."""

import base64
import contextlib
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import errors
from darkroom.asset import Arrival
from darkroom.credits import credits
from darkroom.dialects.skills import Skills
from darkroom.dialects.skills.bodies import render_generation, render_submitted, tell_event
from darkroom.dialects.skills.dialect import parse_submit, render_credits
from darkroom.dialects.skills.speech import parse_speech, render_speech
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import Delivery
from darkroom.told import Told, ToldKind
from darkroom.wire import WireRequest

from .values import CREATED_AT, ID, a_generation, a_reply, a_statement, an_asset, every_refusal, leaves

URL = "https://here/results/r/1/cat.png"
FILE = {"url": URL, "file_name": "cat.png", "content_type": "image/png", "width": 1024, "height": 1024}
INPUT = {"prompt": "a cat", "aspect_ratio": "1:1", "resolution": "1024x1024", "n": 1}
HELD = {"subscription": credits(20)}
NOTHING = {"total": 0, "subscription": 0, "permanent": 0}


def an_image(status: Status, **changes: Any) -> Generation:
    return a_generation(status, **{"model": "skills/google/nano-banana", "inputs": INPUT, "held": HELD, **changes})


def test_a_submission_is_answered_as_documented() -> None:
    inputs = {"prompt": "a cat walking through neon rain", "duration": 5, "aspect_ratio": "16:9", "n": 1}
    answer = render_submitted(a_generation(inputs=inputs, held=HELD), a_reply())
    assert answer.status == 202
    assert list(answer.body.items()) == [
        ("id", ID),
        ("status", "IN_QUEUE"),
        ("input", inputs),
        ("usage", {"total": 20, "subscription": 20, "permanent": 0}),
    ]


def test_a_completed_image_is_shown_as_documented() -> None:
    done = an_image(Status.COMPLETED, spent=HELD, outputs=(an_asset(),))
    answer = render_generation(done, a_reply())
    assert answer.status == 200
    assert list(answer.body.items()) == [
        ("id", ID),
        ("status", "COMPLETED"),
        ("input", INPUT),
        ("data", {"type": "image", "n": 1, "actual_prompt": "a cat", "images": [FILE], "image": FILE}),
        ("usage", {"total": 20, "subscription": 20, "permanent": 0}),
    ]


def test_a_completed_video_has_its_duration() -> None:
    asset = an_asset("results/r/1/cat.mp4", "video/mp4", duration_s=5.04)
    data = render_generation(an_image(Status.COMPLETED, modality="video", outputs=(asset,)), a_reply()).body["data"]
    file = {
        "url": "https://here/results/r/1/cat.mp4",
        "file_name": "cat.mp4",
        "content_type": "video/mp4",
        "width": 1024,
        "height": 1024,
        "duration": 5.04,
    }
    assert data == {"type": "video", "n": 1, "videos": [file], "video": file}


@pytest.mark.parametrize("modality", ["speech", "music", "sound"])
def test_completed_sound_is_audio(modality: str) -> None:
    asset = an_asset("a.mp3", "audio/mpeg", width=None, height=None, duration_s=2)
    data = render_generation(an_image(Status.COMPLETED, modality=modality, outputs=(asset,)), a_reply()).body["data"]
    file = {"url": "https://here/a.mp3", "file_name": "a.mp3", "content_type": "audio/mpeg", "duration": 2}
    assert data == {"type": "audio", "n": 1, "audios": [file], "audio": file}


def test_a_result_that_is_no_longer_kept() -> None:
    data = render_generation(an_image(Status.COMPLETED), a_reply()).body["data"]
    assert data == {"type": "image", "n": 0, "actual_prompt": "a cat", "images": [], "image": None}


CAUSES = [
    ("provider_rejected", "video", "VIDEO_GENERATION_FAILED"),
    ("provider_timed_out", "video", "VIDEO_GENERATION_TIMEOUT"),
    ("provider_unavailable", "image", "IMAGE_GENERATION_PROVIDER_UNAVAILABLE"),
    ("content_refused", "speech", "TTS_GENERATION_CONTENT_REJECTED"),
    ("input_unusable", "video", "VIDEO_GENERATION_INVALID_INPUT"),
    ("ambiguous", "image", "IMAGE_GENERATION_FAILED"),
    ("something new", "music", "TTS_GENERATION_FAILED"),
]


@pytest.mark.parametrize(("cause", "modality", "code"), CAUSES)
def test_a_failure_has_no_data_but_a_code(cause: str, modality: str, code: str) -> None:
    failed = an_image(Status.FAILED, modality=modality, cause=Cause(cause, "fal.ai says: ReplicateError 500"))
    body = render_generation(failed, a_reply()).body
    assert list(body) == ["id", "status", "input", "data", "usage", "code", "message"]
    assert (body["status"], body["data"], body["usage"], body["code"]) == ("FAILED", None, NOTHING, code)
    if cause != "input_unusable":  # whose words are our own
        assert "fal" not in body["message"]
    assert body["message"]


def test_a_failure_whose_cause_nobody_knows() -> None:
    assert render_generation(an_image(Status.FAILED), a_reply()).body["code"] == "IMAGE_GENERATION_FAILED"


@pytest.mark.parametrize(
    ("status", "shown", "usage"),
    [
        (Status.QUEUED, "IN_QUEUE", {"total": 20, "subscription": 20, "permanent": 0}),
        (Status.RUNNING, "IN_PROGRESS", {"total": 20, "subscription": 20, "permanent": 0}),
        (Status.CANCELED, "CANCELED", NOTHING),
    ],
)
def test_without_a_result_there_is_no_data(status: Status, shown: str, usage: dict[str, int]) -> None:
    body = render_generation(an_image(status), a_reply()).body
    assert list(body) == ["id", "status", "input", "data", "usage"]
    assert (body["status"], body["data"], body["usage"]) == (shown, None, usage)


def test_usage_adds_up_when_both_purses_pay_a_part() -> None:
    spent = {"subscription": credits("0.5"), "permanent": credits("0.5")}
    usage = render_generation(an_image(Status.COMPLETED, spent=spent), a_reply()).body["usage"]
    assert usage == {"total": 1, "subscription": 1, "permanent": 0}


def event_of(generation: Generation) -> Any:
    event = tell_event(Told(kind=ToldKind.STATE, generation=generation, status=generation.status, event=7), a_reply())
    assert event is not None
    assert (event.name, event.id) == ("", None), "the documents' events have neither"
    return event.data


def test_an_event_as_documented() -> None:
    for status, shown in ((Status.QUEUED, "IN_QUEUE"), (Status.RUNNING, "IN_PROGRESS")):
        body = event_of(an_image(status))
        assert list(body.items()) == [("id", ID), ("status", shown), ("data", None), ("usage", NOTHING)]
    done = event_of(an_image(Status.COMPLETED, spent=HELD, outputs=(an_asset(),)))
    assert list(done) == ["id", "status", "data", "usage"]
    assert done["data"]["image"] == FILE
    assert done["usage"] == {"total": 20, "subscription": 20, "permanent": 0}


def test_the_balance_is_in_the_words_of_usage() -> None:
    body = render_credits(a_statement(subscription="10.9", permanent="5.2"), a_reply()).body
    assert body == {"total": 16, "subscription": 10, "permanent": 5}


REFUSALS: dict[type[errors.Rejected], tuple[int, str]] = {
    errors.UnknownKey: (401, "UNAUTHORIZED"),
    errors.RevokedKey: (401, "UNAUTHORIZED"),
    errors.Gone: (404, "NOT_FOUND"),
    errors.NotYours: (404, "NOT_FOUND"),
    errors.PlanTooLow: (402, "PLAN_REQUIRED"),
    errors.WrongMethod: (405, "METHOD_NOT_ALLOWED"),
    errors.ModelNotAllowed: (400, "IMAGE_GENERATION_UNSUPPORTED_MODEL"),
    errors.UnknownModel: (400, "IMAGE_GENERATION_UNSUPPORTED_MODEL"),
    errors.ModelUnavailable: (400, "IMAGE_GENERATION_UNSUPPORTED_MODEL"),
    errors.AssetTooLarge: (400, "IMAGE_GENERATION_INVALID_INPUT"),
    errors.StorageFull: (400, "IMAGE_GENERATION_INVALID_INPUT"),
    errors.IdempotencyConflict: (422, "IMAGE_GENERATION_IDEMPOTENCY_CONFLICT"),
    errors.InsufficientCredits: (402, "IMAGE_GENERATION_INSUFFICIENT_CREDITS"),
    errors.LimitReached: (429, "IMAGE_GENERATION_RATE_LIMITED"),
    errors.TooManyInFlight: (429, "IMAGE_GENERATION_RATE_LIMITED"),
    errors.Unavailable: (503, "IMAGE_GENERATION_PROVIDER_UNAVAILABLE"),
}
"""Every leaf, of a submit to a model of pictures."""
MORE: dict[type[errors.Rejected], tuple[int, str]] = {
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    errors.NotFound: (404, "NOT_FOUND"),
    errors.BodyTooLarge: (400, "IMAGE_GENERATION_INVALID_INPUT"),
    errors.InvalidInput: (400, "IMAGE_GENERATION_INVALID_INPUT"),
}


def test_every_leaf_of_rejected_has_its_row() -> None:
    assert set(REFUSALS) == leaves()


@pytest.mark.parametrize("error", every_refusal().values(), ids=lambda error: type(error).__name__)
def test_a_refusal_has_its_status_and_code(error: errors.Rejected) -> None:
    error.modality = "image"
    answer = Skills().refuse(error, WireRequest(method="POST", url="/api/v1/generation/google/nano-banana"))
    assert (answer.status, answer.body["error"]) == {**REFUSALS, **MORE}[type(error)]
    assert list(answer.body) == ["error", "message"]
    assert answer.body["message"]


def test_words_of_some_refusals() -> None:
    refusals = every_refusal()
    limited = Skills().refuse(refusals[errors.LimitReached], WireRequest(method="POST"))
    assert limited.body == {
        "error": "VIDEO_GENERATION_RATE_LIMITED",
        "message": "Rate limit exceeded. Please retry later.",
    }
    assert limited.headers == {"retry-after": "17"}
    assert Skills().refuse(refusals[errors.LimitReached], WireRequest()).body["error"] == "RATE_LIMITED"
    # The official client knows a lack of credits by these words.
    assert "Insufficient credits" in refusal_message(refusals[errors.InsufficientCredits])
    assert "another account" not in refusal_message(refusals[errors.NotYours])


def refusal_message(error: errors.Rejected) -> str:
    return str(Skills().refuse(error, WireRequest(method="POST")).body["message"])


def test_a_bug_tells_nothing_of_the_inside() -> None:
    assert Skills().crash(WireRequest(method="POST")).body["error"] == "VIDEO_GENERATION_FAILED"
    assert Skills().crash(WireRequest()).body["error"] == "INTERNAL_ERROR"


def test_a_submit_takes_json_and_forms() -> None:
    path = {"model": "kling-ai/v3/video"}
    verb = parse_submit(WireRequest(path=path, body={"prompt": "p", "n": 2}))
    assert (verb.model, verb.inputs, verb.is_form, verb.catalogue) == (
        path["model"],
        {"prompt": "p", "n": 2},
        False,
        "skills",
    )
    file = Arrival(name="a.png", media_type="image/png", source=b"", size_bytes=0, sha256="", head=b"")
    form = {"prompt": ["p"], "image_urls": [file, "https://there/b.png"]}
    assert parse_submit(WireRequest(path=path, body=form, is_form=True)).is_form


def test_soras_length_has_two_documented_names() -> None:
    """The snapshot has "seconds/duration=4" for Sora; no other model has the first of them."""
    sora, other = {"model": "openai/sora-2-pro"}, {"model": "google/veo-3.1"}
    assert parse_submit(WireRequest(path=sora, body={"prompt": "p", "seconds": 8})).inputs == {
        "prompt": "p",
        "duration": 8,
    }
    form = {"prompt": ["p"], "seconds": ["8"]}
    assert parse_submit(WireRequest(path=sora, body=form, is_form=True)).inputs == {"prompt": ["p"], "duration": ["8"]}
    both = {"prompt": "p", "seconds": 8, "duration": 4}
    assert parse_submit(WireRequest(path=sora, body=both)).inputs == both
    assert parse_submit(WireRequest(path=other, body={"seconds": 8})).inputs == {"seconds": 8}


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_a_bad_body_is_refused(body: Any) -> None:
    for parse in (parse_submit, parse_speech):
        with pytest.raises(errors.InvalidInput):
            parse(WireRequest(path={"model": "m"}, body=body))


@pytest.mark.parametrize(
    ("named", "model"),
    [
        ({"modelId": "minimax/speech-2.8-hd"}, "minimax/speech-2.8-hd"),
        ({"provider": "minimax", "model": "speech-2.8-hd"}, "minimax/speech-2.8-hd"),
        ({"provider": "minimax", "model": "minimax/speech-2.8-hd"}, "minimax/speech-2.8-hd"),
        ({"model": "minimax/speech-2.8-hd"}, "minimax/speech-2.8-hd"),
        ({"endpoint": "/generation/minimax/speech-2.8-hd", "modelId": "x"}, "minimax/speech-2.8-hd"),
        ({"endpoint": "/v1/generation/sse/minimax/speech-2.8-hd"}, "minimax/speech-2.8-hd"),
    ],
)
def test_speech_names_its_model_in_several_ways(named: dict[str, str], model: str) -> None:
    verb = parse_speech(WireRequest(body={**named, "input": {"text": "hello"}}))
    assert (verb.model, verb.inputs, verb.modality, verb.wait_s) == (model, {"text": "hello"}, "speech", 60)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": {}},
        {"provider": "minimax", "input": {}},
        {"modelId": 5, "input": {}},
        {"modelId": "m"},
        {"modelId": "m", "input": []},
        {"modelId": "m", "input": {}, "odd": 1},
    ],
)
def test_bad_speech_is_refused(body: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        parse_speech(WireRequest(body=body))


def a_speech(status: Status, **changes: Any) -> Generation:
    return an_image(status, model="skills/minimax/speech-2.8-hd", modality="speech", **changes)


def test_speech_is_answered_as_documented() -> None:
    asset = an_asset("a.mp3", "audio/mpeg", width=None, height=None, duration_s=2.5)
    answer = render_speech(a_speech(Status.COMPLETED, outputs=(asset,)), a_reply())
    assert answer.status == 200
    assert answer.body == {
        "success": True,
        "data": {
            "provider": "minimax",
            "model": "speech-2.8-hd",
            "modelId": "minimax/speech-2.8-hd",
            "endpoint": "minimax/speech-2.8-hd",
            "audio_url": "https://here/a.mp3",
            "audio": {"url": "https://here/a.mp3", "content_type": "audio/mpeg", "duration": 2.5},
            "output": {"audio_url": "https://here/a.mp3"},
            "logs": [],
            "metrics": {"duration_ms": 12420},
        },
    }


@pytest.mark.parametrize(
    ("generation", "status", "code"),
    [
        (a_speech(Status.RUNNING), 504, "TTS_GENERATION_TIMEOUT"),
        (a_speech(Status.FAILED, cause=Cause("provider_timed_out", "")), 504, "TTS_GENERATION_TIMEOUT"),
        (a_speech(Status.FAILED, cause=Cause("content_refused", "")), 422, "TTS_GENERATION_CONTENT_REJECTED"),
        (a_speech(Status.FAILED, cause=Cause("provider_unavailable", "")), 503, "TTS_GENERATION_PROVIDER_UNAVAILABLE"),
        (a_speech(Status.CANCELED), 502, "TTS_GENERATION_FAILED"),
    ],
    ids=["late", "timed out", "refused", "unavailable", "canceled"],
)
def test_speech_that_did_not_come(generation: Generation, status: int, code: str) -> None:
    answer = render_speech(generation, a_reply())
    assert (answer.status, answer.body["success"], answer.body["error"]) == (status, False, code)
    assert answer.body["id"] == ID


EVENTS = [
    (Status.QUEUED, "task.created", "queued", "IN_QUEUE"),
    (Status.RUNNING, "task.started", "running", "IN_PROGRESS"),
    (Status.COMPLETED, "task.completed", "succeeded", "COMPLETED"),
    (Status.FAILED, "task.failed", "failed", "FAILED"),
    (Status.CANCELED, "task.canceled", "canceled", "CANCELED"),
]


@pytest.mark.parametrize(("state", "event", "shown", "status"), EVENTS, ids=[event[1] for event in EVENTS])
def test_the_five_events(state: Status, event: str, shown: str, status: str) -> None:
    # Whatever has become of it since, the state that the message is about is what it tells.
    generation = an_image(Status.COMPLETED, spent=HELD, outputs=(an_asset(),))
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    delivery = Delivery(
        id="msg_1",
        generation=generation,
        state=state,
        url="https://there",
        secret=secret,
        dialect="skills",
        tries=0,
        created_at=datetime(2026, 5, 10, 12, 35, tzinfo=UTC),
    )
    reply = a_reply(seconds=60)
    message = Skills().message(delivery, reply)
    assert message is not None
    told = msgspec.json.decode(message.body)
    assert (told["type"], told["timestamp"]) == (event, "2026-05-10T12:35:00.000Z")
    prediction = told["prediction"]
    assert (prediction["state"], prediction["status"], prediction["id"]) == (shown, status, ID)
    assert prediction["model"] == "google/nano-banana"
    assert (prediction["data"] is not None) is (state is Status.COMPLETED)
    assert ("code" in prediction) is (state is Status.FAILED)
    timestamp = int(CREATED_AT.timestamp()) + 60
    assert message.headers["webhook-id"] == "msg_1"
    assert message.headers["webhook-timestamp"] == str(timestamp)
    signed = f"msg_1.{timestamp}.".encode() + message.body
    digest = hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()
    assert message.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["modelId", "provider", "model", "endpoint", "input"])


@given(ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_any_body_is_a_submit_or_is_refused(body: Any) -> None:
    for parse in (parse_submit, parse_speech):
        with contextlib.suppress(errors.InvalidInput):
            parse(WireRequest(method="POST", path={"model": "m"}, body=body))
