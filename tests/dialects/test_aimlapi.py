"""AIMLAPI's refusals, request ids and keys. Expectations are typed from AIMLAPI's documents."""

import pytest

from darkroom import errors
from darkroom.dialects.aimlapi import Aimlapi, refusals
from tests.dialects.samples import CREATED, REFUSALS, a_reply, a_request
from tests.dialects.test_every import leaves

AIMLAPI = Aimlapi()
LUMA = "/v2/generate/video/luma-ai"


@pytest.mark.parametrize("error", REFUSALS[1:], ids=lambda error: type(error).__name__)
def test_every_refusal_has_the_documented_envelope(error: errors.Rejected) -> None:
    request = a_request(url=f"{LUMA}/generation", at=CREATED)
    answer = AIMLAPI.refuse(error, request)
    assert list(answer.body) == ["message", "path", "requestId", "statusCode", "timestamp"]
    assert answer.body["path"] == f"{LUMA}/generation"
    assert answer.body["requestId"] == "1"
    assert answer.body["statusCode"] == answer.status
    assert answer.body["timestamp"] == "2026-03-08T12:05:00.000Z"
    assert isinstance(answer.body["message"], str)


def test_every_leaf_has_a_row_of_its_own_or_its_parent_s() -> None:
    for kind in set(leaves(errors.Rejected)) - {errors.Rejected}:
        assert any(parent in refusals.STATUS for parent in kind.__mro__), kind


@pytest.mark.parametrize(
    ("error", "status", "begins"),
    [
        (errors.Unauthenticated(), 401, "This request requires a valid API key."),
        (errors.UnknownKey(), 401, "This request requires a valid API key."),
        (errors.RevokedKey(), 401, "This request requires a valid API key."),
        (
            errors.InsufficientCredits(needed=25_000_000, available=1_000_000),
            403,
            "You've run out of credits. Please top up your balance to continue: "
            "this costs 500000 credits and 20000 are available",
        ),
        (errors.PlanTooLow(plan="free", needs="plan 'pro'"), 403, "plan 'free'"),
        (errors.ModelNotAllowed("x", plan="free"), 403, "plan 'free'"),
        (errors.NotYours("generation 7"), 404, "generation 7 was not found"),
        (errors.NotFound("generation 7"), 404, "generation 7 was not found"),
        (errors.WrongMethod("PUT", "/v2/billing", allowed=("GET",)), 405, "PUT is not a method of /v2/billing"),
        (errors.UnknownModel("veo9", near=("veo2",)), 400, "there is no model 'veo9'; did you mean 'veo2'?"),
        (errors.ModelUnavailable("gpt", "text"), 404, "the model 'gpt' is not available here"),
        (errors.BodyTooLarge(limit_bytes=5), 413, "Body validation error: the request is larger than 5 bytes"),
        (errors.TooManyInFlight(limit=5, plan="pro"), 429, "Too Many Requests"),
        (errors.Unavailable(), 503, "Service unavailable"),
    ],
)
def test_each_refusal_s_status_and_words(error: errors.Rejected, status: int, begins: str) -> None:
    answer = AIMLAPI.refuse(error, a_request())
    assert answer.status == status
    assert answer.body["message"].startswith(begins)


def test_too_many_calls_tell_when_to_come_back() -> None:
    answer = AIMLAPI.refuse(errors.LimitReached(limit=1, window="minute", plan="x", retry_after_s=7), a_request())
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.body["message"].startswith("Too Many Requests")


def test_a_bug_is_an_internal_server_error() -> None:
    answer = AIMLAPI.crash(a_request())
    assert (answer.status, answer.body["message"]) == (500, "Internal server error")


@pytest.mark.parametrize(
    ("given", "echoed"),
    [("customer-42", True), ("a" * 128, True), ("a" * 129, False), ("", False), ("a b", False), ("a\r\nb", False)],
)
def test_the_caller_s_request_id_comes_back_where_it_is_well_formed(given: str, echoed: bool) -> None:
    headers = AIMLAPI.decorate(a_reply(a_request(headers={"x-client-request-id": given})))
    assert headers == ({"x-client-request-id": given} if echoed else {})


def test_keys_are_32_hex_characters() -> None:
    key = AIMLAPI.key_form.make()
    assert len(key) == 32
    assert set(key) <= set("0123456789abcdef")
    assert AIMLAPI.key_form.hint(key) == key[:8]
