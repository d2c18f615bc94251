"""How each dialect says the same things. Typed by hand from the public documents, not from the code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Said = tuple[int, str]
"""An HTTP status and the word by which the dialect names the error."""


@dataclass(frozen=True)
class Phrases:
    """`submit` gives path and body; `fetch` a path from an id. `spent` is None where the dialect does not tell.
    `per_credit` is how many of the dialect's own unit are one credit; `credits` what the documents' own sample costs,
    where they tell."""

    dialect: str
    submit: Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]
    fetch: Callable[[Any], str]
    model: str
    accepted: int
    id_of: Callable[[dict[str, Any]], Any]
    state_of: Callable[[dict[str, Any]], str]
    url_of: Callable[[dict[str, Any]], str]
    spent_of: Callable[[dict[str, Any]], float | None]
    word_of: Callable[[dict[str, Any]], str]
    queued: frozenset[str]
    running: frozenset[str]
    completed: str
    failed: str
    canceled: str
    per_credit: int
    credits: float | None
    no_such_id: Any
    errors: Mapping[str, Said]


def _native_submit(model: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "/v1/generations", {"model": model, "inputs": inputs}


NATIVE = Phrases(
    dialect="native",
    submit=_native_submit,
    fetch=lambda id: f"/v1/generations/{id}",
    model="kling-v2.1",
    accepted=202,
    id_of=lambda body: body["id"],
    state_of=lambda body: body["status"],
    url_of=lambda body: body["outputs"][0]["url"],
    spent_of=lambda body: body["spent"],
    word_of=lambda body: body["error"]["code"],
    queued=frozenset({"queued", "running"}),
    running=frozenset({"running"}),
    completed="completed",
    failed="failed",
    canceled="canceled",
    per_credit=1,
    credits=26,
    no_such_id="0190f1d2-0000-7000-8000-000000000000",
    errors={
        "no key": (401, "unauthenticated"),
        "bad key": (401, "key_invalid"),
        "revoked key": (401, "key_revoked"),
        "unknown id": (404, "not_found"),
        "another's id": (404, "not_found"),
        "unknown model": (404, "unknown_model"),
        "missing prompt": (422, "invalid_input"),
        "prompt is a number": (422, "invalid_input"),
        "duration out of range": (422, "invalid_input"),
        "not JSON": (422, "invalid_input"),
        "no credits": (402, "insufficient_credits"),
    },
)

ELUMENTA = Phrases(
    dialect="elumenta",
    submit=lambda model, inputs: ("/api/v2/generate", {"model": model, **inputs}),
    fetch=lambda id: f"/api/v2/generate/{id}",
    model="kling-v2.1",
    accepted=200,
    id_of=lambda body: body["id"],
    state_of=lambda body: body["status"],
    url_of=lambda body: body["result_url"],
    spent_of=lambda body: body["tokens_spent"],
    word_of=lambda body: body["error"],
    queued=frozenset({"pending"}),
    running=frozenset({"pending"}),
    completed="completed",
    failed="failed",
    canceled="failed",
    per_credit=1,
    credits=26,
    no_such_id=987654321,
    errors={
        "no key": (401, "not_authenticated"),
        "bad key": (401, "not_authenticated"),
        "revoked key": (401, "not_authenticated"),
        "unknown id": (404, "not_found"),
        "another's id": (404, "not_found"),
        "unknown model": (404, "not_found"),
        "missing prompt": (422, "validation_error"),
        "prompt is a number": (422, "validation_error"),
        "duration out of range": (422, "validation_error"),
        "not JSON": (400, "bad_request"),
        "no credits": (402, "insufficient_tokens"),
    },
)

LUMA = "/v2/generate/video/luma-ai/generation"

AIMLAPI = Phrases(
    dialect="aimlapi",
    submit=lambda model, inputs: (LUMA, {"model": model, "aspect_ratio": "16:9", **inputs}),
    fetch=lambda id: f"{LUMA}?generation_id={id}",
    model="ray-1-6",
    accepted=201,
    id_of=lambda body: body["id"],
    state_of=lambda body: body["state"],
    url_of=lambda body: body["video"]["url"],
    spent_of=lambda body: None,
    word_of=lambda body: str(body["statusCode"]),
    queued=frozenset({"queued", "dreaming"}),
    running=frozenset({"dreaming"}),
    completed="completed",
    failed="failed",
    canceled="failed",
    per_credit=20_000,
    credits=25,
    no_such_id="755f9bbb-d99b-4880-992b-f05244ddba61",
    errors={
        "no key": (401, "401"),
        "bad key": (401, "401"),
        "revoked key": (401, "401"),
        "unknown id": (404, "404"),
        "another's id": (404, "404"),
        "unknown model": (400, "400"),
        "missing prompt": (400, "400"),
        "prompt is a number": (400, "400"),
        "duration out of range": (400, "400"),
        "not JSON": (400, "400"),
        "no credits": (403, "403"),
    },
)

VIVIX = Phrases(
    dialect="vivix",
    submit=lambda model, inputs: ("/api/v1/generate", {"model": model, **inputs}),
    fetch=lambda id: f"/api/v1/generations/{id}",
    model="wan-2.7-text-to-video",
    accepted=201,
    id_of=lambda body: body["generation_id"],
    state_of=lambda body: body["status"],
    url_of=lambda body: body["output_url"],
    spent_of=lambda body: body["credits_used"],
    word_of=lambda body: body["error"],
    queued=frozenset({"pending", "processing"}),
    running=frozenset({"processing"}),
    completed="completed",
    failed="failed",
    canceled="failed",
    per_credit=10,
    credits=None,
    no_such_id="5b91a581-ee19-4f86-9fea-bd29471d69d5",
    errors={
        "no key": (401, "UNAUTHORIZED"),
        "bad key": (401, "KEY_INVALID"),
        "revoked key": (401, "KEY_REVOKED"),
        "unknown id": (404, "NOT_FOUND"),
        "another's id": (403, "NOT_YOURS"),
        "unknown model": (403, "MODEL_NOT_ALLOWED"),
        "missing prompt": (400, "INVALID_REQUEST"),
        "prompt is a number": (400, "INVALID_REQUEST"),
        "duration out of range": (400, "INVALID_REQUEST"),
        "not JSON": (400, "INVALID_REQUEST"),
        "no credits": (402, "INSUFFICIENT_CREDITS"),
    },
)

SKILLS = Phrases(
    dialect="skills",
    submit=lambda model, inputs: (f"/api/v1/generation/{model}", dict(inputs)),
    fetch=lambda id: f"/api/v1/generation/{id}",
    model="luma/ray-2",
    accepted=202,
    id_of=lambda body: body["id"],
    state_of=lambda body: body["status"],
    url_of=lambda body: body["data"]["video"]["url"],
    spent_of=lambda body: body["usage"]["total"],
    word_of=lambda body: body["error"],
    queued=frozenset({"IN_QUEUE", "IN_PROGRESS"}),
    running=frozenset({"IN_PROGRESS"}),
    completed="COMPLETED",
    failed="FAILED",
    canceled="CANCELED",
    per_credit=1,
    credits=None,
    no_such_id="0190f1d2-0000-7000-8000-000000000000",
    errors={
        "no key": (401, ""),
        "bad key": (401, ""),
        "revoked key": (401, ""),
        "unknown id": (404, ""),
        "another's id": (404, ""),
        "unknown model": (400, "VIDEO_GENERATION_UNSUPPORTED_MODEL"),
        "missing prompt": (400, "VIDEO_GENERATION_INVALID_INPUT"),
        "prompt is a number": (400, "VIDEO_GENERATION_INVALID_INPUT"),
        "duration out of range": (400, "VIDEO_GENERATION_INVALID_INPUT"),
        "not JSON": (400, "VIDEO_GENERATION_INVALID_INPUT"),
        "no credits": (402, "VIDEO_GENERATION_INSUFFICIENT_CREDITS"),
    },
)

EVERY = (NATIVE, ELUMENTA, AIMLAPI, VIVIX, SKILLS)
