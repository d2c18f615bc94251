"""Elumenta's generate and status, with dictionaries. What is expected is typed from seeds 000 and 001."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from darkroom import errors
from darkroom.asset import Asset
from darkroom.credits import credits
from darkroom.dialects.elumenta import (
    ERRORS,
    Elumenta,
    parse_generate,
    parse_status,
    parse_text_only,
    render_generation,
)
from darkroom.errors import Rejected
from darkroom.generation import Cause, Generation, Status
from darkroom.verbs import Fetch, Submit
from tests.dialects.samples import (
    a_generation,
    a_plan,
    a_principal,
    a_reply,
    a_request,
    a_video,
    some_limits,
)

ELUMENTA = Elumenta()


def shown(generation: Generation) -> dict[str, Any]:
    answer = render_generation(generation, a_reply())
    assert answer.status == 200
    assert isinstance(answer.body, dict)
    return answer.body


def submitted(body: Any) -> Submit:
    return parse_generate(a_request(body=body))


def refused(error: Rejected) -> tuple[int, Any]:
    answer = ELUMENTA.refuse(error, a_request())
    return answer.status, answer.body


def is_like(answer: Mapping[str, Any], example: Mapping[str, Any]) -> None:
    """Each name of a seed's example is there, with a value of the same JSON type."""
    for name, value in example.items():
        assert name in answer, name
        assert type(answer[name]) is type(value), f"{name}: {answer[name]!r}"
        if isinstance(value, dict):
            is_like(answer[name], value)


# The two seeds' answers, field by field.


def test_pending_as_in_seed_000() -> None:
    example = {
        "id": 18502,
        "status": "pending",
        "model_slug": "kling-v2.1",
        "result_url": None,
        "tokens_spent": 0,
    }
    answer = shown(a_generation(Status.RUNNING))
    assert {name: answer[name] for name in example} == example
    assert type(answer["id"]) is int
    assert type(answer["tokens_spent"]) is int


def test_initial_as_in_seed_001() -> None:
    example = {
        "id": 18502,
        "status": "pending",
        "model_slug": "kling-v2.1",
        "processing_ms": None,
        "created_at": "2026-03-08T12:05:00Z",
    }
    answer = shown(a_generation(Status.QUEUED))
    assert {name: answer[name] for name in example} == example


def test_completed_as_in_seed_000() -> None:
    example = {
        "id": 18502,
        "status": "completed",
        "model_slug": "kling-v2.1",
        "result_url": "https://storage.elumenta.ru/generations/18502.mp4",
        "thumbnail_url": "https://storage.elumenta.ru/thumbnails/18502.jpg",
        "tokens_spent": 44,
        "processing_ms": 67420,
        "result_metadata": {"duration": 5, "width": 1920, "height": 1080},
    }
    answer = shown(a_generation(Status.COMPLETED, spent={"permanent": credits(44)}))
    is_like(answer, example)
    for name in ("id", "status", "model_slug", "tokens_spent", "result_metadata"):
        assert answer[name] == example[name]
    assert answer["result_url"] == "http://files/results/18502.mp4"
    assert answer["thumbnail_url"] == "http://files/results/18502.jpg"
    assert answer["processing_ms"] == 54_000


def test_completed_as_in_seed_001() -> None:
    example = {
        "id": 18502,
        "status": "completed",
        "model_slug": "kling-v2.1",
        "result_url": "https://storage.elumenta.ru/generations/18500.mp4",
        "tokens_spent": 26,
        "result_metadata": {"duration": 5, "width": 1920, "height": 1080},
        "created_at": "2026-03-08T12:05:00Z",
        "completed_at": "2026-03-08T12:05:55Z",
    }
    answer = shown(a_generation(Status.COMPLETED))
    is_like(answer, example)
    del example["result_url"]
    assert {name: answer[name] for name in example} == example


def test_failed_as_in_seed_000() -> None:
    example = {
        "id": 18502,
        "status": "failed",
        "error": "Provider error: content policy violation",
        "tokens_spent": 0,
    }
    answer = shown(a_generation(Status.FAILED))
    assert {name: answer[name] for name in example} == example


@pytest.mark.parametrize(
    ("status", "state", "names"),
    [
        (Status.QUEUED, "pending", {"result_url"}),
        (Status.RUNNING, "pending", {"result_url"}),
        (Status.COMPLETED, "completed", {"result_url", "thumbnail_url", "result_metadata", "completed_at"}),
        (Status.FAILED, "failed", {"error", "completed_at"}),
        (Status.CANCELED, "failed", {"error", "completed_at"}),
    ],
)
def test_each_state_has_its_names_and_no_others(status: Status, state: str, names: set[str]) -> None:
    answer = shown(a_generation(status))
    common = {"id", "status", "model_slug", "tokens_spent", "processing_ms", "created_at"}
    assert set(answer) == common | names
    assert answer["status"] == state


def test_a_canceled_one_is_failed_and_free() -> None:
    answer = shown(a_generation(Status.CANCELED, started_at=None))
    assert (answer["error"], answer["tokens_spent"], answer["processing_ms"]) == ("Canceled", 0, None)


def test_an_image_as_in_the_protocol() -> None:
    """`{"result_metadata":{"width":1024,"height":1024}}`: no duration at all, rather than a null."""
    image = a_video(media_type="image/webp", key="r/1.webp", duration_s=None, width=1024, height=1024)
    answer = shown(a_generation(Status.COMPLETED, model="dall-e-3", outputs=(image,), spent={"permanent": credits(7)}))
    assert answer["result_metadata"] == {"width": 1024, "height": 1024}
    assert (answer["model_slug"], answer["tokens_spent"]) == ("dall-e-3", 7)


def test_speech_has_a_duration_and_no_picture() -> None:
    speech = Asset(key="r/1.mp3", media_type="audio/mpeg", size_bytes=1, duration_s=2.5)
    answer = shown(a_generation(Status.COMPLETED, outputs=(speech,)))
    assert answer["result_metadata"] == {"duration": 2.5}
    assert answer["thumbnail_url"] is None


def test_several_results() -> None:
    answer = shown(a_generation(Status.COMPLETED, outputs=(a_video(key="a.mp4"), a_video(key="b.mp4"))))
    assert answer["result_url"] == "http://files/a.mp4"
    assert answer["result_urls"] == ["http://files/a.mp4", "http://files/b.mp4"]


def test_odd_generations_are_shown_all_the_same() -> None:
    """From another dialect, of a model that was taken out, past its retention, failed without a word."""
    assert shown(a_generation(model="gone"))["model_slug"] == "gone"
    expired = shown(a_generation(Status.COMPLETED, outputs=()))
    assert (expired["result_url"], expired["tokens_spent"]) == (None, 26)
    assert shown(a_generation(Status.FAILED, cause=None))["error"] == "Provider error: unknown"
    assert shown(a_generation(Status.FAILED, cause=Cause("x", "y"), started_at=None))["processing_ms"] is None


def test_a_part_of_a_token_is_shown_as_a_whole_one() -> None:
    assert shown(a_generation(Status.COMPLETED, spent={"permanent": credits("2.000001")}))["tokens_spent"] == 3


# Requests.


def test_the_seeds_text_to_video() -> None:
    verb = submitted(
        {
            "model": "kling-v2.1",
            "prompt": "A time-lapse of a blooming flower, macro photography, soft natural light",
            "duration": 5,
            "aspect_ratio": "16:9",
        }
    )
    assert (verb.model, verb.catalogue) == ("kling-v2.1", "elumenta")
    assert verb.inputs == {
        "prompt": "A time-lapse of a blooming flower, macro photography, soft natural light",
        "duration": 5,
        "aspect_ratio": "16:9",
    }


def test_options_are_taken_at_the_top_and_in_params() -> None:
    inside = submitted({"model": "kling-v2.1", "prompt": "x", "params": {"duration": 10, "aspect_ratio": "1:1"}})
    assert inside.inputs == {"prompt": "x", "duration": 10, "aspect_ratio": "1:1"}
    mixed = submitted({"model": "kling-v2.1", "prompt": "x", "duration": 5, "params": {"duration": 10, "seed": 1}})
    assert mixed.inputs == {"prompt": "x", "duration": 5, "seed": 1}
    assert submitted({"model": "m", "prompt": "x", "params": None}).inputs == {"prompt": "x"}


def test_the_prompt_may_be_in_params_or_be_called_text() -> None:
    assert submitted({"model": "m", "params": {"prompt": "x"}}).inputs == {"prompt": "x"}
    assert submitted({"model": "openai-tts", "text": "Hello"}).inputs == {"prompt": "Hello"}
    assert submitted({"model": "openai-tts", "params": {"text": "Hello"}}).inputs == {"prompt": "Hello"}
    both = submitted({"model": "openai-tts", "text": "Hello", "prompt": "x"})
    assert both.inputs == {"prompt": "x", "text": "Hello"}


def test_stream_is_for_text() -> None:
    assert submitted({"model": "m", "prompt": "x", "stream": False}).inputs == {"prompt": "x"}
    # The catalogue knows which models are text, so the wish goes with the inputs to where that is known.
    assert submitted({"model": "m", "prompt": "x", "stream": True}).inputs == {"prompt": "x", "stream": True}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ([], ""),
        ("x", ""),
        (5, ""),
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "m" * 201}, "model"),
        ({"model": "m", "params": []}, "params"),
        ({"model": "m", "params": "x"}, "params"),
        ({"model": "m", "params": False}, "params"),
    ],
)
def test_what_cannot_be_read_names_its_field(body: Any, field: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        submitted(body)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_the_id_in_the_path_is_an_integer() -> None:
    assert parse_status(a_request("GET", path={"id": "18502"})) == Fetch(id=18502)


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "", "٣", "9" * 19, "18502a"])
def test_another_id_names_nothing(given: str) -> None:
    with pytest.raises(errors.NotFound):
        parse_status(a_request("GET", path={"id": given}))


@pytest.mark.parametrize("url", ["/api/v2/generate/stream", "/api/v2/stt"])
@pytest.mark.parametrize("body", [None, {}, {"model": "gpt-5"}, {"model": ["whisper"]}, {"model": []}, [1]])
def test_text_is_outside_our_field(url: str, body: Any) -> None:
    with pytest.raises(errors.ModelUnavailable):
        parse_text_only(a_request(body=body, url=url))


# Errors: the table of the protocol's 1.8.


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Unauthenticated(), 401, "not_authenticated"),
        (errors.UnknownKey(), 401, "not_authenticated"),
        (errors.RevokedKey(), 401, "not_authenticated"),
        (errors.IdempotencyConflict(), 422, "validation_error"),
        (errors.InsufficientCredits(needed=26_000_000, available=0), 402, "insufficient_tokens"),
        (errors.PlanTooLow(plan="free", needs="plan 'basic'"), 403, "insufficient_plan"),
        (errors.ModelNotAllowed("sora-2", plan="free"), 403, "insufficient_plan"),
        (errors.NotFound("generation 7"), 404, "not_found"),
        (errors.NotYours("generation 7"), 404, "not_found"),
        (errors.UnknownModel("klin"), 404, "not_found"),
        (errors.InvalidInput.of("", "the body is empty"), 400, "bad_request"),
        (errors.InvalidInput.of("duration", "must be one of 5, 10"), 422, "validation_error"),
        (errors.BodyTooLarge(limit_bytes=1), 413, "bad_request"),
        (errors.TooManyInFlight(limit=5, plan="pro"), 429, "rate_limit_exceeded"),
        (errors.ModelUnavailable("gpt-5", "text"), 503, "model_unavailable"),
        (errors.Unavailable(), 503, "model_unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rejected) else None,
)
def test_the_error_table(error: Rejected, status: int, code: str) -> None:
    answered, body = refused(error)
    assert (answered, body["error"]) == (status, code)
    assert set(body) == {"error", "message", "details"}
    assert isinstance(body["message"], str)
    assert isinstance(body["details"], dict)


def test_an_error_of_ours_is_their_provider_error() -> None:
    answer = ELUMENTA.crash(a_request())
    assert (answer.status, answer.body["error"], answer.body["details"]) == (500, "provider_error", {})


def test_details_name_the_field_and_what_is_allowed() -> None:
    _, body = refused(errors.InvalidInput(errors.Problem("duration", "must be one of 5, 10")))
    assert body["details"] == {"duration": "must be one of 5, 10"}
    _, body = refused(errors.InsufficientCredits(needed=26_000_000, available=2_500_000))
    assert body["details"] == {"needed": 26, "available": 2}
    _, body = refused(errors.UnknownModel("klin", near=("kling-v2.1",)))
    assert "kling-v2.1" in body["details"]["model"]


def test_the_429_body_as_in_the_protocol() -> None:
    error = errors.LimitReached(
        limit=100,
        window="hour",
        plan="vip",
        retry_after_s=847,
        title="VIP",
        limits={"minute": None, "hour": 100, "day": 1000},
    )
    answer = ELUMENTA.refuse(error, a_request())
    assert answer.status == 429
    assert answer.body == {
        "error": "rate_limit_exceeded",
        "message": "Hourly limit reached: 100 requests/hour on VIP plan",
        "retry_after": 847,
        "plan": "vip",
        "limit_hour": 100,
        "limit_day": 1000,
    }
    assert answer.headers["retry-after"] == "847"


def test_the_headers_of_every_response_as_in_the_protocol() -> None:
    headers = ELUMENTA.decorate(a_reply(principal=a_principal(), limits=some_limits()))
    assert headers == {
        "X-RateLimit-Limit-Hour": "100",
        "X-RateLimit-Remaining-Hour": "63",
        "X-RateLimit-Reset-Hour": "1772974800",
        "X-RateLimit-Limit-Day": "1000",
        "X-RateLimit-Remaining-Day": "941",
    }
    assert ELUMENTA.decorate(a_reply(principal=a_principal(a_plan(calls_per_hour=None)))) == {}


def test_keys_are_48_characters_and_begin_with_nb() -> None:
    key = ELUMENTA.key_form.make()
    assert key.startswith("nb_")
    assert len(key) == 48


def test_the_documentation_tells_every_endpoint_and_every_error() -> None:
    text = (Path(__file__).parents[2] / "docs" / "dialects" / "elumenta.md").read_text("utf-8")
    for route in ELUMENTA.routes:
        path = route.path.replace("keys/{id}", "keys/{key_id}")
        assert f"`{route.method} {path}`" in text, route.path
    for status, code in {(status, code) for status, code in ERRORS.values()} | {(400, "bad_request")}:
        assert f"| {status} | `{code}` |" in text, code


def test_there_are_no_webhooks() -> None:
    assert ELUMENTA.new_secret() == ""


def test_the_picture_guides_defaults_ask_nothing_of_a_model_without_that_choice() -> None:
    """The guide gives one `size` (1024x1024) and one `quality` (standard) for all models; any other is a wish."""
    usual = submitted({"model": "m", "prompt": "p", "size": "1024x1024", "params": {"quality": "standard"}})
    assert set(usual.may_drop) == {"size", "quality"}
    assert submitted({"model": "m", "prompt": "p", "size": "1024x1792", "quality": "hd"}).may_drop == ()
    assert submitted({"model": "m", "prompt": "p", "style": "natural"}).may_drop == ()
