"""Elumenta's `/api/v2`: integer ids, tokens, options at the top level or inside `params`. 1 token is 1 credit."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom import errors
from darkroom.account import Key, KeyForm, Statement
from darkroom.brief import Modality
from darkroom.catalogue import Model
from darkroom.credits import whole_units
from darkroom.dialects import wire
from darkroom.generation import Generation, Status
from darkroom.ports import Delivery
from darkroom.verbs import (
    Fetch,
    List,
    ListKeys,
    MakeKey,
    Mark,
    NewKey,
    Page,
    Price,
    Quotation,
    Remove,
    RenameAccount,
    RenameKey,
    RevokeKey,
    ShowAccount,
    ShowModel,
    ShowModels,
    Submit,
)
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

STATES = {
    Status.QUEUED: "pending",
    Status.RUNNING: "pending",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "failed",
}
STATUSES = {
    "pending": (Status.QUEUED, Status.RUNNING),
    "completed": (Status.COMPLETED,),
    "failed": (Status.FAILED, Status.CANCELED),
}
CATEGORIES = {
    Modality.VIDEO: "video",
    Modality.IMAGE: "image",
    Modality.SPEECH: "tts",
    Modality.MUSIC: "music",
    Modality.SOUND: "tool",
}

ERRORS: Mapping[type[errors.DarkroomError], tuple[int, str]] = {
    errors.Unauthenticated: (401, "not_authenticated"),
    errors.Forbidden: (403, "insufficient_plan"),
    errors.NotYours: (404, "not_found"),
    errors.NotFound: (404, "not_found"),
    errors.UnknownModel: (404, "not_found"),
    errors.ModelUnavailable: (503, "model_unavailable"),
    errors.InvalidInput: (422, "validation_error"),
    errors.BodyTooLarge: (413, "bad_request"),
    errors.InsufficientCredits: (402, "insufficient_tokens"),
    errors.LimitReached: (429, "rate_limit_exceeded"),
    errors.TooManyInFlight: (429, "rate_limit_exceeded"),
    errors.Unavailable: (503, "model_unavailable"),
}

AT_ONCE_S = 25.0
"""Images, speech and sound are answered in the same response when they are done by then. Clients wait 30 s and more."""


def parse_generate(request: WireRequest) -> Submit:
    body = dict(wire.body_of(request))
    model = wire.text(body, "model", limit=200)
    params = body.pop("params", None) or {}
    if not isinstance(params, dict):
        raise errors.InvalidInput.of("params", f"must be an object, not {wire.kind(params)}")
    del body["model"]
    if body.pop("stream", False) is True:
        raise errors.InvalidInput.of("stream", "only text is streamed, and no text model is served here; leave it out")
    # The reference page puts the options inside `params`, the guides beside it; what stands beside it wins.
    inputs = {**params, **body}
    if "text" in inputs and "prompt" not in inputs:
        inputs["prompt"] = inputs.pop("text")  # the speech guide's name for it
    return Submit(model=model, inputs=inputs, catalogue="elumenta", at_once_s=AT_ONCE_S)


def parse_status(request: WireRequest) -> Fetch:
    return Fetch(id=wire.number_in_path(request, "id", what="generation"))


def parse_price(request: WireRequest) -> Price:
    body = wire.body_of(request) if request.body is not None else {}
    wire.only(body, ("params", "count"))
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise errors.InvalidInput.of("params", f"must be an object, not {wire.kind(params)}")
    count = body.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        raise errors.InvalidInput.of("count", "must be a whole number from 1 to 1000")
    return Price(model=request.path["slug"], inputs=params, catalogue="elumenta", count=count, is_draft=True)


def parse_models(request: WireRequest) -> ShowModels:
    category = wire.first(request, "category")
    if category is None:
        return ShowModels(catalogue="elumenta")
    for modality, name in CATEGORIES.items():
        if name == category:
            return ShowModels(catalogue="elumenta", modality=modality)
    raise errors.InvalidInput.of("category", f"must be one of {', '.join(CATEGORIES.values())}")


def parse_history(request: WireRequest) -> List:
    category, status = wire.first(request, "category"), wire.first(request, "status")
    known = [str(modality) for modality, name in CATEGORIES.items() if name == category]
    if category and not known and category not in ("text", "stt"):
        raise errors.InvalidInput.of("category", f"must be one of {', '.join(CATEGORIES.values())}, text, stt")
    if status and status not in STATUSES:
        raise errors.InvalidInput.of("status", f"must be one of {', '.join(STATUSES)}")
    return List(
        model=wire.first(request, "model_slug") or None,
        # Text and transcripts are known words for what is never here.
        modality=tuple(known) or ((category,) if category else ()),
        status=STATUSES[status] if status else (),
        favorites_only=(wire.first(request, "favorites_only") or "").lower() in ("true", "1", "yes"),
        page=wire.whole_number(request, "page", default=1, most=100_000),
        limit=wire.whole_number(request, "limit", default=20, most=100),
    )


def parse_favorite(request: WireRequest) -> Mark:
    return Mark(id=wire.number_in_path(request, "id", what="generation"), toggle_favorite=True)


def parse_rate(request: WireRequest) -> Mark:
    rating = wire.body_of(request).get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        raise errors.InvalidInput.of("rating", "must be a whole number from 1 to 5")
    return Mark(id=wire.number_in_path(request, "id", what="generation"), rating=rating)


def parse_remove(request: WireRequest) -> Remove:
    return Remove(id=wire.number_in_path(request, "id", what="generation"))


def parse_rename_account(request: WireRequest) -> RenameAccount:
    body = wire.body_of(request)
    wire.only(body, ("name", "username"))
    return RenameAccount(name=wire.text(body, "username" if "username" in body else "name", limit=100))


def parse_make_key(request: WireRequest) -> MakeKey:
    return MakeKey(name=wire.text(wire.body_of(request), "name", limit=100))


def parse_rename_key(request: WireRequest) -> RenameKey:
    number = wire.number_in_path(request, "id", what="key")
    return RenameKey(number=number, name=wire.text(wire.body_of(request), "name", limit=100))


def parse_revoke_key(request: WireRequest) -> RevokeKey:
    return RevokeKey(number=wire.number_in_path(request, "id", what="key"))


def parse_text_only(request: WireRequest) -> Submit:
    """Streaming and transcription exist for text, which is outside of our field."""
    body = request.body if isinstance(request.body, dict) else {}
    model = body.get("model", "whisper" if request.url.endswith("/stt") else "text")
    shown = model[0] if isinstance(model, list) and model else model
    raise errors.ModelUnavailable(str(shown)[:200], "text is neither streamed nor transcribed by this server")


def show_generation(generation: Generation, reply: Reply) -> dict[str, Any]:
    """The seeds' fields for each state: pending, completed, failed."""
    shown: dict[str, Any] = {
        "id": generation.number,
        "status": STATES[generation.status],
        "model_slug": _slug(generation, reply),
    }
    if generation.status is Status.COMPLETED:
        shown |= _result(generation, reply)
    elif generation.is_terminal:
        shown["error"] = _error(generation)
    else:
        shown["result_url"] = None
    shown["tokens_spent"] = whole_units(generation.spent_total)
    shown["processing_ms"] = wire.millis_between(generation.started_at, generation.settled_at)
    shown["created_at"] = wire.seconds_z(generation.created_at)
    if generation.is_terminal:
        shown["completed_at"] = wire.seconds_z(generation.settled_at)
    return shown


def _slug(generation: Generation, reply: Reply) -> str:
    """The name that Elumenta's callers know the model by."""
    return next(iter(_names(generation, reply)), generation.model)


def _names(generation: Generation, reply: Reply) -> Sequence[str]:
    try:
        return reply.catalogue.find(generation.model).names.get("elumenta", ())
    except errors.Rejected:
        return ()  # the operator took the model out since


def _result(generation: Generation, reply: Reply) -> dict[str, Any]:
    first = generation.outputs[0]
    metadata = {"duration": wire.number(first.duration_s), "width": first.width, "height": first.height}
    shown: dict[str, Any] = {"result_url": reply.link(first)}
    if len(generation.outputs) > 1:
        shown["result_urls"] = [reply.link(asset) for asset in generation.outputs]
    shown["thumbnail_url"] = reply.link(first.thumbnail) if first.thumbnail else None
    shown["result_metadata"] = {name: value for name, value in metadata.items() if value is not None}
    return shown


def _error(generation: Generation) -> str:
    if generation.status is Status.CANCELED:
        return "Canceled"
    message = generation.cause.message if generation.cause else "unknown"
    return f"Provider error: {message}"


def render_generation(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_generation(generation, reply))


def show_model(model: Model) -> dict[str, Any]:
    least, most = (whole_units(amount) for amount in model.price_band)
    return {
        "slug": next(iter(model.names.get("elumenta", ())), model.slug),
        "name": model.name,
        "category": CATEGORIES[model.modality],
        "provider": model.maker,
        "min_plan": model.plan,
        "token_cost": whole_units(model.quote(model.draft({}))),
        "min_token_cost": least,
        "max_token_cost": most,
        "description_en": model.description,
        "supports_streaming": False,
        "config": _config(model),
    }


CONFIG = {
    "size": "sizes",
    "format": "formats",
    "quality": "quality_options",
    "style": "styles",
    "duration": "durations",
    "aspect_ratio": "aspect_ratios",
    "resolution": "resolutions",
    "voice_id": "voices",
}
"""Which inputs' choices a model's `config` lists, and under which names."""


def _config(model: Model) -> dict[str, Any]:
    properties = model.schema["properties"]
    assert isinstance(properties, Mapping)
    return {
        listed: [choice for choice in properties[name]["enum"] if choice is not None]
        for name, listed in CONFIG.items()
        if "enum" in properties.get(name, {})
    }


def render_models(models: Sequence[Model], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"items": [show_model(model) for model in models], "total": len(models)})


def render_model(model: Model, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_model(model))


PRICING = {"fixed": "fixed", "matrix": "matrix", "per_second": "per_second", "per_unit": "per_point"}


def render_price(quotation: Quotation, reply: Reply) -> WireResponse:
    least, most = (whole_units(amount) for amount in quotation.model.price_band)
    body = {
        "token_cost": whole_units(quotation.amount),
        "min_token_cost": least,
        "max_token_cost": most,
        "pricing_type": PRICING[quotation.model.price.kind],
    }
    return WireResponse(status=200, body=body)


def render_balance(statement: Statement, reply: Reply) -> WireResponse:
    body = {
        # Rounded down: a balance must never promise more than can be spent.
        "token_balance": statement.available // 1_000_000,
        "plan": statement.plan.name,
        "plan_expires_at": None,
    }
    return WireResponse(status=200, body=body)


def render_me(statement: Statement, reply: Reply) -> WireResponse:
    body = {
        "id": statement.account.number,
        "name": statement.account.name,
        "email": None,
        "telegram_username": None,
        "avatar_url": None,
        "plan": statement.plan.name,
        "plan_expires_at": None,
        "token_balance": statement.available // 1_000_000,
        "token_limit": statement.plan.monthly_credits,
        "rate_limit_hourly": statement.plan.calls_per_hour or 0,
        "rate_limit_daily": statement.plan.calls_per_day or 0,
        "auth_methods": {"email": False, "telegram": False, "google": False, "phone": False},
    }
    return WireResponse(status=200, body=body)


def render_history(page: Page[Generation], reply: Reply) -> WireResponse:
    items = [_history_item(generation, reply) for generation in page.items]
    body = {"items": items, "total": page.total, "page": page.page, "limit": page.limit}
    return WireResponse(status=200, body=body)


def _history_item(generation: Generation, reply: Reply) -> dict[str, Any]:
    try:
        name = reply.catalogue.find(generation.model).name
    except errors.Rejected:
        name = generation.model
    return {
        "id": generation.number,
        "model_slug": _slug(generation, reply),
        "model_name": name,
        "category": CATEGORIES[Modality(generation.modality)],
        "prompt": generation.inputs.get("prompt", ""),
        "status": STATES[generation.status],
        "result_text": None,
        "result_url": reply.link(generation.outputs[0]) if generation.outputs else None,
        "tokens_spent": whole_units(generation.spent_total),
        "is_favorited": generation.is_favorite,
        "user_rating": generation.rating,
        "created_at": wire.seconds_z(generation.created_at),
    }


def render_mark(generation: Generation, reply: Reply) -> WireResponse:
    body = {"id": generation.number, "is_favorited": generation.is_favorite, "user_rating": generation.rating}
    return WireResponse(status=200, body=body)


def render_nothing(nothing: object, reply: Reply) -> WireResponse:
    return WireResponse(status=204)


def show_key(key: Key) -> dict[str, Any]:
    return {"id": key.number, "name": key.name, "key_prefix": key.hint, "created_at": wire.seconds_z(key.created_at)}


def render_new_key(made: NewKey, reply: Reply) -> WireResponse:
    body = {
        "id": made.key.number,
        "name": made.key.name,
        "key": made.secret,
        "created_at": wire.seconds_z(made.key.created_at),
    }
    return WireResponse(status=201, body=body)


def render_key(key: Key, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_key(key))


def render_keys(keys: Sequence[Key], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"items": [show_key(key) for key in keys if key.revoked_at is None]})


class Elumenta:
    name = "elumenta"
    key_form = KeyForm(prefix="nb_", length=48)
    routes: Sequence[Route] = (
        Route("POST", "/api/v2/generate", parse_generate, render_generation),
        Route("GET", "/api/v2/generate/{id}", parse_status, render_generation),
        Route("GET", "/api/v2/generate/status/{id}", parse_status, render_generation),
        Route("POST", "/api/v2/generate/stream", parse_text_only, render_nothing),
        Route("POST", "/api/v2/stt", parse_text_only, render_nothing),
        Route("GET", "/api/v2/models", parse_models, render_models),
        Route(
            "GET",
            "/api/v2/models/{slug}",
            lambda request: ShowModel(model=request.path["slug"], catalogue="elumenta"),
            render_model,
        ),
        Route("POST", "/api/v2/models/{slug}/calculate-price", parse_price, render_price),
        Route("GET", "/api/v2/balance", lambda request: ShowAccount(), render_balance),
        Route("GET", "/api/v2/user/me", lambda request: ShowAccount(), render_me),
        Route("PATCH", "/api/v2/user/me", parse_rename_account, render_me),
        Route("GET", "/api/v2/user/history", parse_history, render_history),
        Route("POST", "/api/v2/user/history/{id}/favorite", parse_favorite, render_mark),
        Route("POST", "/api/v2/user/history/{id}/rate", parse_rate, render_mark),
        Route("DELETE", "/api/v2/user/history/{id}", parse_remove, render_nothing),
        Route("POST", "/api/v2/keys", parse_make_key, render_new_key),
        Route("GET", "/api/v2/keys", lambda request: ListKeys(), render_keys),
        Route("PATCH", "/api/v2/keys/{id}", parse_rename_key, render_key),
        Route("DELETE", "/api/v2/keys/{id}", parse_revoke_key, render_nothing),
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        status, code = wire.look_up(ERRORS, error)
        if isinstance(error, errors.LimitReached):
            return _refuse_rate(error)
        message = str(error)
        if isinstance(error, errors.NotYours):
            message = str(errors.NotFound(error.what))
        details: dict[str, Any] = {}
        if isinstance(error, errors.InvalidInput):
            details = {problem.field: problem.message for problem in error.problems if problem.field}
            if not details and status == 422:
                status, code = 400, "bad_request"  # the body as a whole, not a field of it
        elif isinstance(error, errors.InsufficientCredits):
            details = {"needed": whole_units(error.needed), "available": error.available // 1_000_000}
        elif isinstance(error, errors.UnknownModel):
            details = {"model": f"unknown; see GET /api/v2/models{_near(error)}"}
        return WireResponse(status=status, body={"error": code, "message": message, "details": details})

    def crash(self, request: WireRequest) -> WireResponse:
        message = f"An error of ours, logged as {request.id}; no tokens were spent"
        return WireResponse(status=500, body={"error": "provider_error", "message": message, "details": {}})

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        """The limits' headers; a plan without limits has none to tell."""
        headers = {}
        for state in reply.limits:
            window = state.window.title()
            headers[f"X-RateLimit-Limit-{window}"] = str(state.limit)
            headers[f"X-RateLimit-Remaining-{window}"] = str(state.remaining)
            if state.window == "hour":
                headers["X-RateLimit-Reset-Hour"] = str(state.resets_at_s)
        return headers

    def new_secret(self) -> str:
        return ""

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """Elumenta documents no webhooks."""
        return None


WINDOWS = {"minute": "Minute", "hour": "Hourly", "day": "Daily"}


def _refuse_rate(error: errors.LimitReached) -> WireResponse:
    plan = error.title or error.plan
    body = {
        "error": "rate_limit_exceeded",
        "message": f"{WINDOWS[error.window]} limit reached: {error.limit} requests/{error.window} on {plan} plan",
        "retry_after": error.retry_after_s,
        "plan": error.plan,
        "limit_hour": error.limits.get("hour") or 0,
        "limit_day": error.limits.get("day") or 0,
    }
    return WireResponse(status=429, body=body, headers={"retry-after": str(error.retry_after_s)})


def _near(error: errors.UnknownModel) -> str:
    return f" (near: {', '.join(error.near)})" if error.near else ""
