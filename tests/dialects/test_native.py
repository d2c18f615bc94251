"""Our own wire format, with dictionaries."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from darkroom import errors
from darkroom.credits import credits
from darkroom.dialects import native, native_waiting
from darkroom.dialects.native import Native
from darkroom.errors import Rejected
from darkroom.generation import Generation, Status
from darkroom.ledger import Entry, Kind, Purse
from darkroom.verbs import Fetch, List, ListEntries, Page, Price, Quotation, Submit
from darkroom.wire import WireResponse
from tests.dialects.samples import (
    CREATED,
    ID,
    SETTLED,
    a_delivery,
    a_generation,
    a_reply,
    a_request,
    a_statement,
    a_video,
    models,
)

NATIVE = Native()


def body_of(answer: WireResponse) -> Any:
    return msgspec.json.decode(msgspec.json.encode(answer.body))


def shown(generation: Generation) -> Any:
    return body_of(native.render_generation(generation, a_reply()))


# Answers.


def test_a_completed_generation_whole() -> None:
    assert shown(a_generation(Status.COMPLETED)) == {
        "id": ID,
        "number": 18502,
        "status": "completed",
        "model": "kling-v2.1",
        "modality": "video",
        "task": "text-to-video",
        "inputs": {"prompt": "A blooming flower", "duration": 5, "aspect_ratio": "16:9", "quality": "standard"},
        "quote": 26,
        "spent": 26,
        "released": 0,
        "priority": "normal",
        "progress": 1.0,
        "attempts": 1,
        "outputs": [
            {
                "url": "http://files/results/18502.mp4",
                "media_type": "video/mp4",
                "size_bytes": 1000,
                "width": 1920,
                "height": 1080,
                "duration_s": 5,
                "thumbnail_url": "http://files/results/18502.jpg",
                "url_expires_at": None,
                "sha256": None,
            }
        ],
        "error": None,
        "created_at": "2026-03-08T12:05:00Z",
        "started_at": "2026-03-08T12:05:01Z",
        "start_by": None,
        "deadline_at": None,
        "settled_at": "2026-03-08T12:05:55Z",
        "expires_at": None,
    }


@pytest.mark.parametrize(
    ("status", "spent", "progress", "error"),
    [
        (Status.QUEUED, 0, None, None),
        (Status.RUNNING, 0, None, None),
        (Status.COMPLETED, 26, 1.0, None),
        (Status.FAILED, 0, None, {"code": "content_refused", "message": "content policy violation"}),
        (Status.CANCELED, 0, None, None),
    ],
)
def test_every_state(status: Status, spent: int, progress: float | None, error: Any) -> None:
    answer = shown(a_generation(status))
    assert (answer["status"], answer["spent"], answer["quote"]) == (str(status), spent, 26)
    assert (answer["progress"], answer["error"]) == (progress, error)
    assert bool(answer["outputs"]) is (status is Status.COMPLETED)


def test_progress_of_a_running_one() -> None:
    assert shown(a_generation(Status.RUNNING, progress=0.25))["progress"] == 0.25


def test_a_part_of_a_credit_is_told_exactly() -> None:
    answer = shown(a_generation(Status.COMPLETED, quote=credits("2.5"), spent={"permanent": credits("0.000001")}))
    assert (answer["quote"], answer["spent"]) == (2.5, 0.000001)


def test_media_that_we_keep_are_shown_as_links() -> None:
    inputs = {"image_url": "darkroom-asset:inputs/1", "deep": [{"x": "darkroom-asset:inputs/2"}], "prompt": "p"}
    assert shown(a_generation(inputs=inputs))["inputs"] == {
        "image_url": "http://files/inputs/1",
        "deep": [{"x": "http://files/inputs/2"}],
        "prompt": "p",
    }


def test_a_result_without_measures() -> None:
    bare = a_video(width=None, height=None, duration_s=None, thumbnail=None)
    output = shown(a_generation(Status.COMPLETED, outputs=(bare,)))["outputs"][0]
    assert [output[name] for name in ("width", "height", "duration_s", "thumbnail_url")] == [None] * 4


def test_a_submit_says_where_to_look() -> None:
    answer = native.render_submitted(a_generation(), a_reply(retry_after_s=lambda generation, now: 12))
    assert (answer.status, answer.headers) == (202, {"location": f"/v1/generations/{ID}", "retry-after": "12"})


def test_a_list_has_the_next_cursor() -> None:
    page: Page[Generation] = Page(items=(a_generation(),), cursor="abc")
    answer = body_of(native.render_list(page, a_reply()))
    assert (answer["items"][0]["id"], answer["next_cursor"]) == (ID, "abc")


def test_a_removed_one_has_no_body() -> None:
    assert native.render_removed(None, a_reply()) == WireResponse(status=204)


def test_a_quote() -> None:
    model = models().find("kling-v2.1")
    quotation = Quotation(model=model, inputs={"duration": 5}, amount=credits(26))
    answer = body_of(native.render_quote(quotation, a_reply()))
    assert answer == {"model": "kling-v2.1", "inputs": {"duration": 5}, "quote": 26}


def test_a_model() -> None:
    answer = body_of(native.render_model(models().find("kling-v2.1"), a_reply()))
    assert {name: answer[name] for name in ("slug", "name", "maker", "modality", "pricing", "least", "most")} == {
        "slug": "kling-v2.1",
        "name": "Kling 2.1",
        "maker": "Kuaishou",
        "modality": "video",
        "pricing": "matrix",
        "least": 26,
        "most": 94,
    }
    assert (answer["tasks"], answer["expected_wait_s"]) == (["text-to-video", "image-to-video"], [45, 90])
    assert answer["input_schema"]["properties"]["aspect_ratio"]["enum"] == ["16:9", "9:16", "1:1"]
    assert len(body_of(native.render_models(tuple(models()), a_reply()))["items"]) == len(models())


def test_an_account() -> None:
    answer = body_of(native.render_account(a_statement(), a_reply()))
    assert answer == {
        "id": "a1",
        "name": "Ivan",
        "plan": "vip",
        "granted": 309.5,
        "available": 283.5,
        "held": 26,
        "spent": 0,
        "purses": {
            "subscription": {"granted": 300, "available": 274, "held": 26, "spent": 0},
            "permanent": {"granted": 9.5, "available": 9.5, "held": 0, "spent": 0},
        },
        "in_flight": 1,
    }


def test_entries() -> None:
    entry = Entry(
        account_id="a1",
        kind=Kind.GRANT,
        purse=Purse.PERMANENT,
        amount=credits("2.5"),
        note="hello",
        sequence=7,
        at=CREATED,
    )
    page: Page[Entry] = Page(items=(entry,), cursor=None)
    assert body_of(native.render_entries(page, a_reply())) == {
        "items": [
            {
                "sequence": 7,
                "at": "2026-03-08T12:05:00Z",
                "kind": "grant",
                "purse": "permanent",
                "amount": 2.5,
                "generation_id": None,
                "note": "hello",
            }
        ],
        "next_cursor": None,
    }


# Requests.


def test_a_submit_is_read() -> None:
    body = {"model": "kling-v2.1", "inputs": {"prompt": "x"}, "webhook_url": "https://example.com/hook"}
    assert native.parse_submit(a_request(body=body)) == Submit(
        model="kling-v2.1",
        inputs={"prompt": "x"},
        callback_url="https://example.com/hook",
        callback_field="webhook_url",
    )
    assert native.parse_submit(a_request(body={"model": "m"})) == Submit(
        model="m", inputs={}, callback_field="webhook_url"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ([], ""),
        ({}, "model"),
        ({"model": 5}, "model"),
        ({"model": "m", "inputs": []}, "inputs"),
        ({"model": "m", "inputs": None}, "inputs"),
        ({"model": "m", "prompt": "x"}, "prompt"),
        ({"model": "m", "wait": 5}, "wait"),
        ({"model": "m", "webhook_url": 5}, "webhook_url"),
        ({"model": "m", "webhook_url": ""}, "webhook_url"),
        ({"model": "m", "webhook_events": "completed"}, "webhook_events"),
        ({"model": "m", "webhook_events": ["completed"]}, "webhook_events"),
    ],
    ids=str,
)
def test_a_submit_that_cannot_be_read_names_its_field(body: Any, field: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        native.parse_submit(a_request(body=body))
    assert [problem.field for problem in caught.value.problems] == [field]


def test_unknown_names_are_each_told_with_what_is_allowed() -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        native.parse_submit(a_request(body={"model": "m", "prompt": "x", "duration": 5}))
    assert [problem.field for problem in caught.value.problems] == ["prompt", "duration"]
    allowed = (
        "model, inputs, webhook_url, webhook_events, expires_after_s, warn_before_s, priority, deadline_s, "
        "start_within_s"
    )
    assert caught.value.problems[0].message == f"is not known here; allowed are {allowed}"


def fetch(query: dict[str, str]) -> Fetch:
    return native_waiting.parse_fetch(a_request("GET", path={"id": ID}, query=query))


def test_a_fetch_may_wait() -> None:
    assert fetch({}) == Fetch(id=ID, until=Status.COMPLETED, wait_s=0.0)
    assert fetch({"wait": "2.5", "until": "running"}) == Fetch(id=ID, until=Status.RUNNING, wait_s=2.5)


@pytest.mark.parametrize(
    "query",
    [{"wait": "x"}, {"wait": "61"}, {"wait": "-1"}, {"wait": "nan"}, {"wait": "inf"}, {"until": "done"}, {"at": "1"}],
    ids=str,
)
def test_a_wait_that_cannot_be_read(query: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        fetch(query)
    assert caught.value.problems[0].field == next(iter(query))


def test_a_list_is_filtered() -> None:
    query = {
        "model": "kling-v2.1",
        "status": "queued,running",
        "modality": "video,image",
        "created_after": "2026-03-08T12:05:00Z",
        "created_before": "2026-03-08T14:05:00+02:00",
        "limit": "5",
        "cursor": "abc",
    }
    at = datetime(2026, 3, 8, 12, 5, tzinfo=UTC)
    assert native.parse_list(a_request("GET", query=query)) == List(
        model="kling-v2.1",
        status=(Status.QUEUED, Status.RUNNING),
        modality=("video", "image"),
        created_after=at,
        created_before=at,
        limit=5,
        cursor="abc",
    )
    assert native.parse_list(a_request("GET")) == List(limit=20)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": "queued,"},
        {"limit": "0"},
        {"limit": "101"},
        {"created_after": "yesterday"},
        {"created_before": "0001-01-01T00:00:00+23:00"},
        {"page": "2"},
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_read(query: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        native.parse_list(a_request("GET", query=query))
    assert caught.value.problems[0].field == next(iter(query))


def test_prices_and_entries_are_read() -> None:
    assert native.parse_price(a_request(body={"model": "m", "inputs": {"a": 1}})) == Price(model="m", inputs={"a": 1})
    assert native.parse_entries(a_request("GET", query={"limit": "5"})) == ListEntries(limit=5)
    for body in (None, {}, {"model": "m", "inputs": 5}, {"model": "m", "x": 1}):
        with pytest.raises(errors.InvalidInput):
            native.parse_price(a_request(body=body))


# Errors.


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Unauthenticated(), 401, "unauthenticated"),
        (errors.UnknownKey(), 401, "key_invalid"),
        (errors.RevokedKey(), 401, "key_revoked"),
        (errors.IdempotencyConflict(), 422, "idempotency_conflict"),
        (errors.InsufficientCredits(needed=26_000_000, available=0), 402, "insufficient_credits"),
        (errors.PlanTooLow(plan="free", needs="plan 'basic'"), 403, "plan_too_low"),
        (errors.ModelNotAllowed("sora-2", plan="free"), 403, "model_not_allowed"),
        (errors.NotFound("generation 7"), 404, "not_found"),
        (errors.NotYours("generation 7"), 404, "not_found"),
        (errors.UnknownModel("klin"), 404, "unknown_model"),
        (errors.ModelUnavailable("gpt-5", "text"), 404, "model_unavailable"),
        (errors.BodyTooLarge(limit_bytes=1), 413, "body_too_large"),
        (errors.InvalidInput.of("duration", "must be one of 5, 10"), 422, "invalid_input"),
        (errors.TooManyInFlight(limit=5, plan="pro"), 429, "too_many_in_flight"),
        (errors.Unavailable(), 503, "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rejected) else None,
)
def test_the_error_table(error: Rejected, status: int, code: str) -> None:
    answer = NATIVE.refuse(error, a_request())
    body = body_of(answer)["error"]
    assert (answer.status, body["code"], body["request_id"]) == (status, code, "req_1")
    assert set(body) == {"code", "message", "problems", "request_id"}


def test_problems_name_fields_and_too_many_calls_when_to_come_back() -> None:
    error = errors.InvalidInput.of("duration", "must be one of 5, 10")
    body = body_of(NATIVE.refuse(error, a_request()))["error"]
    assert body["problems"] == [{"field": "duration", "message": "must be one of 5, 10"}]
    limited = errors.LimitReached(limit=5, window="hour", plan="free", retry_after_s=847)
    answer = NATIVE.refuse(limited, a_request())
    assert (answer.status, answer.headers) == (429, {"retry-after": "847"})
    assert body_of(NATIVE.crash(a_request()))["error"]["code"] == "internal_error"


# Webhooks.


def test_a_webhook_is_a_standard_one() -> None:
    secret = NATIVE.new_secret()
    delivery = a_delivery(a_generation(Status.COMPLETED, dialect="native"), secret=secret)
    message = NATIVE.message(delivery, a_reply(now=datetime.now(UTC)))
    assert message is not None
    told = Webhook(secret).verify(message.body, dict(message.headers))
    assert (told["type"], told["data"]["id"]) == ("generation.completed", ID)
    assert message.headers["webhook-id"] == "msg_1"


def test_a_webhook_without_a_secret_is_not_signed() -> None:
    message = NATIVE.message(a_delivery(a_generation()), a_reply(now=SETTLED))
    assert message is not None
    assert "webhook-signature" not in message.headers
