"""Vivix's `/api/v1`: four endpoints, snake case, and errors that say what to do next. 1 credit is 10 of Vivix's."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from darkroom import errors
from darkroom.account import ALPHANUMERIC, KeyForm, Plan, Statement
from darkroom.brief import Modality
from darkroom.catalogue import Model
from darkroom.credits import MICRO, whole_units
from darkroom.dialects import wire
from darkroom.generation import Generation, Status
from darkroom.ids import new_secret
from darkroom.ports import Delivery
from darkroom.verbs import Fetch, ShowAccount, ShowModels, Submit
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

PER_CREDIT = 10

STATES = {
    Status.QUEUED: "pending",
    Status.RUNNING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "failed",
}
CATEGORIES = {Modality.VIDEO: "video", Modality.IMAGE: "image"}
"""Everything else is audio."""

ERRORS: Mapping[type[errors.DarkroomError], tuple[int, str, str]] = {
    errors.Unauthenticated: (401, "UNAUTHORIZED", "Send the header 'Authorization: Bearer vvx_live_...'."),
    errors.UnknownKey: (401, "KEY_INVALID", "Check the key, or ask this server's operator for a new one."),
    # The errors page says 401 and the page on authentication 403: a key that is no longer good is like no key.
    errors.RevokedKey: (401, "KEY_REVOKED", "Ask this server's operator for a new key."),
    errors.Forbidden: (403, "FORBIDDEN", "Ask this server's operator for access."),
    errors.NotYours: (403, "NOT_YOURS", "Read it with a key of the account that submitted it."),
    errors.PlanTooLow: (403, "TIER_LOCKED", "Ask this server's operator for a higher plan."),
    errors.ModelNotAllowed: (403, "MODEL_NOT_ALLOWED", "GET /api/v1/models lists what this key can use."),
    errors.UnknownModel: (403, "MODEL_NOT_ALLOWED", "GET /api/v1/models lists what this key can use."),
    errors.ModelUnavailable: (403, "MODEL_NOT_ALLOWED", "GET /api/v1/models lists what this key can use."),
    errors.NotFound: (404, "NOT_FOUND", "Check the path and the id; results past the retention window are gone."),
    errors.WrongMethod: (405, "METHOD_NOT_ALLOWED", "Use one of the methods that the header Allow lists."),
    errors.InvalidInput: (400, "INVALID_REQUEST", "Correct the fields named and send the request again."),
    errors.BodyTooLarge: (413, "REQUEST_TOO_LARGE", "Send media as URLs, not inside the request."),
    errors.IdempotencyConflict: (422, "IDEMPOTENCY_CONFLICT", "Send the first request again, or a new key."),
    errors.InsufficientCredits: (402, "INSUFFICIENT_CREDITS", "Ask this server's operator for more credits."),
    errors.LimitReached: (429, "RATE_LIMITED", "Wait as long as Retry-After says, then send the request again."),
    errors.TooManyInFlight: (429, "CONCURRENCY_LIMIT", "Wait until one of your generations has finished."),
    errors.Unavailable: (503, "PROVIDER_DOWN", "Send the same request again in a moment."),
}

CAUSES = {"content_refused": "CONTENT_REFUSED", "input_unusable": "INPUT_UNUSABLE"}
"""Failures that a retry does not mend; every other one is a PROVIDER_ERROR, as documented."""

LONGEST_PROMPT = 2000
LONGEST_NEGATIVE_PROMPT = 500


def parse_generate(request: WireRequest) -> Submit:
    body = wire.body_of(request)
    model = wire.text(body, "model", limit=200)
    wire.text(body, "prompt", limit=LONGEST_PROMPT)
    inputs = {name: value for name, value in body.items() if name != "model" and value is not None}
    if inputs.get("negative_prompt") == "":
        del inputs["negative_prompt"]
    if "negative_prompt" in inputs:
        wire.text(inputs, "negative_prompt", limit=LONGEST_NEGATIVE_PROMPT)
    return Submit(model=model, inputs=inputs, catalogue="vivix", may_drop=_may_drop(inputs))


def _may_drop(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """A negative prompt is "ignored where unsupported"; no sound and one result are what every model gives anyway."""
    idle = []
    if inputs.get("audio") is False:
        idle.append("audio")
    if isinstance(count := inputs.get("number_results"), int) and count is not True and count == 1:
        idle.append("number_results")
    return ("negative_prompt", *idle)


def show_submitted(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "generation_id": generation.id,
        "status": STATES[generation.status],
        "model": wire.model_name(generation, "vivix", reply),
        "credits_estimate": whole_units(generation.quote, per_credit=PER_CREDIT),
        "created_at": wire.seconds_z(generation.created_at),
    }


def show_generation(generation: Generation, reply: Reply) -> dict[str, Any]:
    """The seed's three bodies: under way, completed, failed."""
    if generation.status is Status.COMPLETED:
        return _completed(generation, reply)
    if generation.is_terminal:
        return _failed(generation)
    shown = show_submitted(generation, reply)
    created_at = shown.pop("created_at")
    return {**shown, "elapsed_ms": wire.millis_between(generation.created_at, reply.now), "created_at": created_at}


def _completed(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "generation_id": generation.id,
        "status": "completed",
        "model": wire.model_name(generation, "vivix", reply),
        **_urls(generation, reply),
        "credits_used": whole_units(generation.spent_total, per_credit=PER_CREDIT),
        "duration_ms": wire.millis_between(generation.created_at, generation.settled_at),
        "created_at": wire.seconds_z(generation.created_at),
        "completed_at": wire.seconds_z(generation.settled_at),
    }


def _urls(generation: Generation, reply: Reply) -> dict[str, Any]:
    urls = [reply.link(asset) for asset in generation.outputs]
    return {"output_url": urls[0] if urls else None, "output_urls": urls}


def _failed(generation: Generation) -> dict[str, Any]:
    code, message = _cause(generation)
    return {
        "generation_id": generation.id,
        "status": "failed",
        "error": code,
        "message": message,
        "credits_used": 0,
        "created_at": wire.seconds_z(generation.created_at),
        "completed_at": wire.seconds_z(generation.settled_at),
    }


def _cause(generation: Generation) -> tuple[str, str]:
    if generation.status is Status.CANCELED:
        return "CANCELED", "The generation was canceled."
    if generation.cause is None:
        return "PROVIDER_ERROR", "Underlying model returned an error."
    return CAUSES.get(generation.cause.code, "PROVIDER_ERROR"), generation.cause.message


def render_submitted(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=201, body=show_submitted(generation, reply))


def render_generation(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_generation(generation, reply))


def render_models(models: Sequence[Model], reply: Reply) -> WireResponse:
    """The models that the caller's plan allows."""
    assert reply.statement is not None
    plan = reply.statement.plan
    body = {
        "tier": plan.name,
        "credits_balance": _balance(reply.statement),
        "rate_limit": _rate_limit(plan),
        "models": [show_model(model) for model in models if plan.allows(model.slug)],
    }
    return WireResponse(status=200, body=body)


def show_model(model: Model) -> dict[str, Any]:
    fields, required = model.schema["properties"], model.schema["required"]
    assert isinstance(fields, Mapping)
    assert isinstance(required, Sequence)
    slug = next(iter(model.names.get("vivix", ())), model.slug)
    least, most = (whole_units(amount, per_credit=PER_CREDIT) for amount in model.price_band)
    return {
        "slug": slug,
        "name": model.name,
        "category": CATEGORIES.get(model.modality, "audio"),
        "creator": model.maker,
        "description": model.description,
        "params": {name: _param(field, is_required=name in required) for name, field in fields.items()},
        "credits_band": {"min": least, "max": most},
        "example_request": {"model": slug, "prompt": "A lighthouse at dusk, long exposure", **_choices(fields)},
    }


LIMITS = {"maxLength": "max_length", "minimum": "min", "maximum": "max", "maxItems": "max_items"}
"""JSON Schema's words to Vivix's."""


def _param(field: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "enum" if "enum" in field else field["type"]}
    if is_required:
        shown["required"] = True
    if "enum" in field:
        shown["values"] = field["enum"]
    shown |= {name: field[word] for word, name in LIMITS.items() if word in field}
    if "default" in field:
        shown["default"] = field["default"]
    return shown


def _choices(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: field["default"] for name, field in fields.items() if "enum" in field and "default" in field}


def render_credits(statement: Statement, reply: Reply) -> WireResponse:
    month = statement.month
    assert month is not None
    body = {
        "balance": _balance(statement),
        "tier": statement.plan.name,
        "cycle_resets_at": wire.seconds_z(month.ends_at),
        "rate_limit": _rate_limit(statement.plan),
        "spent_this_cycle": whole_units(month.spent, per_credit=PER_CREDIT),
        "granted_this_cycle": month.granted * PER_CREDIT // MICRO,
    }
    return WireResponse(status=200, body=body)


def _balance(statement: Statement) -> int:
    # Rounded down: a balance must never promise more than can be spent.
    return statement.available * PER_CREDIT // MICRO


def _rate_limit(plan: Plan) -> dict[str, int | None]:
    return {"calls_per_minute": plan.calls_per_minute, "concurrent_jobs": plan.in_flight}


class Vivix:
    name = "vivix"
    key_form = KeyForm(prefix="vvx_live_", length=41)
    decorates = True
    routes: Sequence[Route] = (
        Route("POST", "/api/v1/generate", parse_generate, render_submitted, needs_statement=True),
        Route(
            "GET",
            "/api/v1/generations/{id}",
            lambda request: Fetch(id=request.path["id"]),
            render_generation,
            needs_statement=True,
            is_status=True,
        ),
        Route(
            "GET",
            "/api/v1/models",
            lambda request: ShowModels(catalogue="vivix"),
            render_models,
            needs_statement=True,
        ),
        Route("GET", "/api/v1/credits", lambda request: ShowAccount(with_month=True), render_credits),
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        status, code, following = wire.look_up(ERRORS, error)
        body = {"error": code, "message": _message(error), "next": following, **_facts(error), "request_id": request.id}
        headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, errors.LimitReached) else {}
        return WireResponse(status=status, body=body, headers=headers)

    def crash(self, request: WireRequest) -> WireResponse:
        body = {
            "error": "INTERNAL_ERROR",
            "message": "An error of ours; it was logged under this request id, and nothing was spent.",
            "next": "Send the same request again; tell this server's operator if it stays.",
            "request_id": request.id,
        }
        return WireResponse(status=500, body=body)

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        """`X-Request-Id` goes with every answer of this server. A plan without a limit by the minute has none to tell.
        The balance is written with commas, as in the sample."""
        headers = {}
        for state in reply.limits:
            if state.window == "minute":
                headers["X-RateLimit-Remaining"] = str(state.remaining)
        if reply.statement is not None:
            headers["X-Credits-Balance"] = f"{_balance(reply.statement):,}"
        return headers

    def new_secret(self) -> str:
        return "vvx_whsec_" + new_secret(40, alphabet=ALPHANUMERIC)

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """Told of the end only. A canceled generation is told as it is shown: failed."""
        generation = delivery.generation
        if not generation.is_terminal or delivery.state is not generation.status:
            return None
        body = msgspec.json.encode(_told(generation, reply))
        headers = {
            "content-type": "application/json",
            "User-Agent": "Vivix-Webhook/1.0",
            "X-Vivix-Event": f"generation.{STATES[generation.status]}",
            "X-Vivix-Delivery-Id": delivery.id,
        }
        if delivery.secret:
            digest = hmac.new(delivery.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Vivix-Signature"] = f"sha256={digest}"
        return Message(body, headers)


def _message(error: errors.Rejected) -> str:
    if isinstance(error, errors.InsufficientCredits):
        needed, balance = _amounts(error)
        return f"This costs up to {needed} credits and {balance} are available."
    return str(error)


def _facts(error: errors.Rejected) -> dict[str, Any]:
    """What goes with an error besides its words."""
    if isinstance(error, errors.ModelNotAllowed | errors.UnknownModel | errors.ModelUnavailable):
        return {"model": error.model}
    if isinstance(error, errors.InsufficientCredits):
        needed, balance = _amounts(error)
        return {"balance": balance, "needed": needed}
    if isinstance(error, errors.InvalidInput):
        return {"fields": {problem.field: problem.message for problem in error.problems if problem.field}}
    return {}


def _amounts(error: errors.InsufficientCredits) -> tuple[int, int]:
    return whole_units(error.needed, per_credit=PER_CREDIT), error.available * PER_CREDIT // MICRO


def _told(generation: Generation, reply: Reply) -> dict[str, Any]:
    is_completed = generation.status is Status.COMPLETED
    told = {
        "generation_id": generation.id,
        "status": STATES[generation.status],
        "model": wire.model_name(generation, "vivix", reply),
        **(_urls(generation, reply) if is_completed else {"output_url": None, "output_urls": None}),
        "credits_charged": whole_units(generation.spent_total, per_credit=PER_CREDIT),
        "duration_ms": wire.millis_between(generation.created_at, generation.settled_at),
        "completed_at": wire.millis_z(generation.settled_at),
    }
    if not is_completed:
        told["error_code"], told["error_message"] = _cause(generation)
    return told
