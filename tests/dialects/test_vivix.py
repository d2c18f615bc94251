"""Vivix's wire format, against its documents: expectations are typed from the seed and the protocol file."""

import contextlib
import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import errors
from darkroom.account import Month, Plan
from darkroom.credits import credits
from darkroom.dialects.vivix import Vivix, parse_generate, render_credits, render_generation, render_models
from darkroom.dialects.vivix import render_submitted as render_vivix_submitted
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import Delivery
from darkroom.wire import LimitState, WireRequest

from .values import CREATED_AT, ID, MODELS, a_generation, a_reply, a_statement, an_asset, every_refusal, leaves

PRO = Plan(name="pro", title="Pro", calls_per_minute=240, in_flight=5)
URL = "https://here/results/r/1/cat.png"


def submit(**body: Any) -> Any:
    return parse_generate(WireRequest(method="POST", url="/api/v1/generate", body=body))


def test_a_submission_is_answered_as_documented() -> None:
    answer = render_vivix_submitted(a_generation(), a_reply())
    assert answer.status == 201
    assert answer.body == {
        "generation_id": ID,
        "status": "pending",
        "model": "grok-imagine-image-quality",
        "credits_estimate": 211,
        "created_at": "2026-05-10T12:34:56Z",
    }


@pytest.mark.parametrize(
    ("status", "shown"), [(Status.QUEUED, "pending"), (Status.RUNNING, "processing")], ids=["queued", "running"]
)
def test_under_way_as_in_the_seed(status: Status, shown: str) -> None:
    answer = render_generation(a_generation(status), a_reply(seconds=4.2))
    assert answer.status == 200
    assert list(answer.body) == ["generation_id", "status", "model", "credits_estimate", "elapsed_ms", "created_at"]
    assert answer.body["status"] == shown
    assert answer.body["credits_estimate"] == 211
    assert answer.body["elapsed_ms"] == 4200


def test_completed_as_in_the_seed() -> None:
    spent = {"permanent": credits("21.1")}
    answer = render_generation(a_generation(Status.COMPLETED, spent=spent, outputs=(an_asset(),)), a_reply())
    assert answer.status == 200
    assert list(answer.body.items()) == [
        ("generation_id", ID),
        ("status", "completed"),
        ("model", "grok-imagine-image-quality"),
        ("output_url", URL),
        ("output_urls", [URL]),
        ("credits_used", 211),
        ("duration_ms", 12420),
        ("created_at", "2026-05-10T12:34:56Z"),
        ("completed_at", "2026-05-10T12:35:08Z"),
    ]


def test_several_results_are_all_listed_and_the_first_is_primary() -> None:
    outputs = (an_asset(), an_asset("results/r/1/other.png"))
    body = render_generation(a_generation(Status.COMPLETED, outputs=outputs), a_reply()).body
    assert (body["output_url"], body["output_urls"]) == (URL, [URL, "https://here/results/r/1/other.png"])


FAILED = [
    (Status.FAILED, Cause("provider_rejected", "no"), "PROVIDER_ERROR", "no"),
    (Status.FAILED, Cause("provider_timed_out", "late"), "PROVIDER_ERROR", "late"),
    (Status.FAILED, Cause("content_refused", "bad"), "CONTENT_REFUSED", "bad"),
    (Status.FAILED, Cause("input_unusable", "gone"), "INPUT_UNUSABLE", "gone"),
    (Status.FAILED, None, "PROVIDER_ERROR", "Underlying model returned an error."),
    (Status.CANCELED, None, "CANCELED", "The generation was canceled."),
]


@pytest.mark.parametrize(("status", "cause", "code", "message"), FAILED)
def test_failed_as_in_the_seed(status: Status, cause: Cause | None, code: str, message: str) -> None:
    answer = render_generation(a_generation(status, cause=cause), a_reply())
    assert answer.status == 200
    assert list(answer.body.items()) == [
        ("generation_id", ID),
        ("status", "failed"),
        ("error", code),
        ("message", message),
        ("credits_used", 0),
        ("created_at", "2026-05-10T12:34:56Z"),
        ("completed_at", "2026-05-10T12:35:08Z"),
    ]


def test_a_generation_of_another_dialect_is_shown_too() -> None:
    odd = a_generation(Status.COMPLETED, model="gone-since", modality="music", dialect="native", settled_at=None)
    body = render_generation(odd, a_reply()).body
    assert (body["model"], body["output_url"], body["output_urls"]) == ("gone-since", None, [])
    assert (body["duration_ms"], body["completed_at"]) == (None, None)


def test_models_as_documented() -> None:
    reply = a_reply(statement=a_statement(PRO, permanent="1284.79"))
    body = render_models(MODELS.of("vivix"), reply).body
    assert list(body) == ["tier", "credits_balance", "rate_limit", "models"]
    assert (body["tier"], body["credits_balance"]) == ("pro", 12847)
    assert body["rate_limit"] == {"calls_per_minute": 240, "concurrent_jobs": 5}
    grok = next(model for model in body["models"] if model["slug"] == "grok-imagine-image-quality")
    assert list(grok) == [
        *("slug", "name", "category", "creator", "description"),
        *("params", "credits_band", "example_request"),
    ]
    assert (grok["name"], grok["category"], grok["creator"]) == ("Grok Imagine Image Quality", "image", "xAI")
    assert grok["credits_band"] == {"min": 80, "max": 211}
    assert grok["params"] == {
        "prompt": {"type": "string", "required": True, "max_length": 2000},
        "aspect_ratio": {"type": "enum", "values": ["1:1", "4:5", "9:16", "16:9"], "default": "1:1"},
        "resolution": {"type": "enum", "values": ["1K", "2K", "4K"], "default": "2K"},
        "number_results": {"type": "integer", "min": 1, "max": 4, "default": 1},
    }
    wan = next(model for model in body["models"] if model["slug"] == "wan-2.7-text-to-video")
    assert (wan["category"], wan["credits_band"]) == ("video", {"min": 400, "max": 1440})
    assert wan["params"]["duration"] == {"type": "integer", "min": 2, "max": 10, "default": 5}
    assert wan["params"]["audio"] == {"type": "boolean", "default": False}


def test_every_example_request_is_a_good_one() -> None:
    body = render_models(MODELS.of("vivix"), a_reply(statement=a_statement(PRO))).body
    assert len(body["models"]) >= 5
    for model in body["models"]:
        verb = submit(**model["example_request"])
        found = MODELS.find(verb.model, dialect="vivix")
        found.quote(found.accept(found.without_strangers(verb.inputs, verb.may_drop)))


def test_models_that_the_plan_does_not_allow_are_not_listed() -> None:
    plan = replace(PRO, models=("wan-*",))
    body = render_models(MODELS.of("vivix"), a_reply(statement=a_statement(plan))).body
    assert [model["slug"] for model in body["models"]] == ["wan-2.7-text-to-video"]


def test_credits_as_documented() -> None:
    month = Month(granted=credits(1500), spent=credits("215.3"), ends_at=datetime(2026, 6, 1, tzinfo=UTC))
    body = render_credits(a_statement(PRO, month=month, subscription="1284.7"), a_reply()).body
    assert list(body.items()) == [
        ("balance", 12847),
        ("tier", "pro"),
        ("cycle_resets_at", "2026-06-01T00:00:00Z"),
        ("rate_limit", {"calls_per_minute": 240, "concurrent_jobs": 5}),
        ("spent_this_cycle", 2153),
        ("granted_this_cycle", 15000),
    ]


def test_headers_of_success() -> None:
    limits = [LimitState(window="minute", limit=240, remaining=239, resets_at_s=0)]
    reply = a_reply(limits=limits, statement=a_statement(PRO, permanent="4971.19"))
    assert Vivix().decorate(reply) == {"X-RateLimit-Remaining": "239", "X-Credits-Balance": "49,711"}
    assert Vivix().decorate(a_reply()) == {}


REFUSALS: dict[type[errors.Rejected], tuple[int, str]] = {
    errors.UnknownKey: (401, "KEY_INVALID"),
    errors.RevokedKey: (401, "KEY_REVOKED"),
    errors.Gone: (404, "NOT_FOUND"),
    errors.NotYours: (403, "NOT_YOURS"),
    errors.PlanTooLow: (403, "TIER_LOCKED"),
    errors.ModelNotAllowed: (403, "MODEL_NOT_ALLOWED"),
    errors.UnknownModel: (403, "MODEL_NOT_ALLOWED"),
    errors.ModelUnavailable: (403, "MODEL_NOT_ALLOWED"),
    errors.WrongMethod: (405, "METHOD_NOT_ALLOWED"),
    errors.AssetTooLarge: (413, "REQUEST_TOO_LARGE"),
    errors.StorageFull: (413, "REQUEST_TOO_LARGE"),
    errors.IdempotencyConflict: (422, "IDEMPOTENCY_CONFLICT"),
    errors.InsufficientCredits: (402, "INSUFFICIENT_CREDITS"),
    errors.LimitReached: (429, "RATE_LIMITED"),
    errors.TooManyInFlight: (429, "CONCURRENCY_LIMIT"),
    errors.Unavailable: (503, "PROVIDER_DOWN"),
}
"""Every leaf; what follows are classes that are raised themselves and have others below them."""
MORE: dict[type[errors.Rejected], tuple[int, str]] = {
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    errors.NotFound: (404, "NOT_FOUND"),
    errors.BodyTooLarge: (413, "REQUEST_TOO_LARGE"),
    errors.InvalidInput: (400, "INVALID_REQUEST"),
}


def test_every_leaf_of_rejected_has_its_row() -> None:
    assert set(REFUSALS) == leaves()


@pytest.mark.parametrize("error", every_refusal().values(), ids=lambda error: type(error).__name__)
def test_a_refusal_has_its_status_and_code_and_says_what_to_do(error: errors.Rejected) -> None:
    answer = Vivix().refuse(error, WireRequest(id="req_abc123xyz"))
    assert (answer.status, answer.body["error"]) == {**REFUSALS, **MORE}[type(error)]
    assert answer.body["request_id"] == "req_abc123xyz"
    assert answer.body["message"]
    assert answer.body["next"]


def test_what_goes_with_some_refusals() -> None:
    refusals = every_refusal()
    refuse = Vivix().refuse
    no_credits = refuse(refusals[errors.InsufficientCredits], WireRequest()).body
    assert (no_credits["needed"], no_credits["balance"]) == (211, 12)
    assert refuse(refusals[errors.ModelNotAllowed], WireRequest()).body["model"] == "big"
    assert refuse(refusals[errors.LimitReached], WireRequest()).headers == {"retry-after": "17"}
    assert refuse(refusals[errors.InvalidInput], WireRequest()).body["fields"] == {"prompt": "is required"}


def test_a_bug_tells_nothing_of_the_inside() -> None:
    answer = Vivix().crash(WireRequest(id="req_1"))
    assert (answer.status, answer.body["error"], answer.body["request_id"]) == (500, "INTERNAL_ERROR", "req_1")


def test_nulls_are_left_out_and_the_rest_goes_to_the_model() -> None:
    verb = submit(model="m", prompt="p", seed=None, aspect_ratio="16:9", negative_prompt="")
    assert (verb.model, verb.catalogue) == ("m", "vivix")
    assert verb.inputs == {"prompt": "p", "aspect_ratio": "16:9"}


@pytest.mark.parametrize(
    ("given", "may_drop"),
    [
        ({}, ("negative_prompt",)),
        ({"audio": False, "number_results": 1}, ("negative_prompt", "audio", "number_results")),
        ({"audio": True, "number_results": 2}, ("negative_prompt",)),
        ({"audio": 0, "number_results": True}, ("negative_prompt",)),
    ],
)
def test_what_asks_for_nothing_may_be_left_out(given: dict[str, Any], may_drop: tuple[str, ...]) -> None:
    assert submit(model="m", prompt="p", **given).may_drop == may_drop


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"model": "m"},
        {"model": 5, "prompt": "p"},
        {"model": "m", "prompt": ""},
        {"model": "m", "prompt": "x" * 2001},
        {"model": "m", "prompt": ["p"]},
        {"model": "m", "prompt": "p", "negative_prompt": "x" * 501},
        {"model": "m", "prompt": "p", "negative_prompt": 5},
        {"model": ["m"], "prompt": ["p"]},
    ],
)
def test_a_bad_body_is_refused(body: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        parse_generate(WireRequest(method="POST", body=body))


def test_keys_have_the_documented_form() -> None:
    assert re.fullmatch(r"vvx_live_[A-Za-z0-9]{32}", Vivix.key_form.make())
    assert Vivix.key_form.fits(Vivix.key_form.make())
    assert not Vivix.key_form.fits("vvx_live_short")


def deliver(generation: Generation, state: Status, secret: str = "secret") -> Any:
    return Vivix().message(
        Delivery(
            id="0b6f",
            generation=generation,
            state=state,
            url="https://there",
            secret=secret,
            dialect="vivix",
            tries=0,
            created_at=CREATED_AT,
        ),
        a_reply(),
    )


def test_a_webhook_of_success_as_documented() -> None:
    spent = {"permanent": credits("1.2")}
    done = a_generation(Status.COMPLETED, model="runware:101@1", spent=spent, outputs=(an_asset(),))
    message = deliver(done, Status.COMPLETED)
    assert list(msgspec.json.decode(message.body).items()) == [
        ("generation_id", ID),
        ("status", "completed"),
        ("model", "runware:101@1"),
        ("output_url", URL),
        ("output_urls", [URL]),
        ("credits_charged", 12),
        ("duration_ms", 12420),
        ("completed_at", "2026-05-10T12:35:08.420Z"),
    ]
    assert message.headers["User-Agent"] == "Vivix-Webhook/1.0"
    assert message.headers["X-Vivix-Event"] == "generation.completed"
    assert message.headers["X-Vivix-Delivery-Id"] == "0b6f"
    digest = hmac.new(b"secret", message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Vivix-Signature"] == f"sha256={digest}"


def test_a_webhook_of_failure_as_documented() -> None:
    failed = a_generation(Status.FAILED, cause=Cause("provider_rejected", "no"))
    message = deliver(failed, Status.FAILED)
    body = msgspec.json.decode(message.body)
    assert message.headers["X-Vivix-Event"] == "generation.failed"
    assert (body["output_url"], body["output_urls"], body["credits_charged"]) == (None, None, 0)
    assert (body["error_code"], body["error_message"]) == ("PROVIDER_ERROR", "no")


def test_only_the_end_is_told() -> None:
    assert deliver(a_generation(Status.QUEUED), Status.QUEUED) is None
    assert deliver(a_generation(Status.COMPLETED), Status.RUNNING) is None
    assert deliver(a_generation(Status.CANCELED), Status.CANCELED).headers["X-Vivix-Event"] == "generation.failed"


def test_a_message_without_a_secret_is_not_signed() -> None:
    assert "X-Vivix-Signature" not in deliver(a_generation(Status.FAILED), Status.FAILED, secret="").headers


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["model", "prompt", "negative_prompt", "audio", "number_results", "seed"]) | st.text(max_size=5)


@given(ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_any_body_is_a_submit_or_is_refused(body: Any) -> None:
    with contextlib.suppress(errors.InvalidInput):
        parse_generate(WireRequest(method="POST", body=body))
