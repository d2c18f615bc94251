"""The rest of Elumenta's `/api/v2`: models and prices, balance and user, history, keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom import errors
from darkroom.account import Key, Statement
from darkroom.brief import Modality
from darkroom.catalogue import Model
from darkroom.credits import whole_units
from darkroom.dialects import wire
from darkroom.dialects.elumenta_words import CATEGORIES, NAME, STATES, STATUSES, model_name, plan_of, slug_of
from darkroom.generation import Generation
from darkroom.verbs import (
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
)
from darkroom.wire import Reply, Route, WireRequest, WireResponse


def params_of(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise errors.InvalidInput.of("params", f"must be an object, not {wire.kind(given)}")
    return given


def renamed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The speech guide calls what is spoken `text`."""
    if "text" in inputs and "prompt" not in inputs:
        return {name: value for name, value in inputs.items() if name != "text"} | {"prompt": inputs["text"]}
    return inputs


USUAL = {"size": "1024x1024", "quality": "standard", "style": "vivid"}
"""The picture guide's defaults, which it gives for every model alike."""


def asking_nothing(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Inputs that only say what goes without saying: a model that has no such choice is not asked for anything."""
    return tuple(name for name, value in USUAL.items() if inputs.get(name) == value)


def parse_price(request: WireRequest) -> Price:
    body = wire.body_of(request) if request.body is not None else {}
    wire.only(body, ("params", "count"))
    params = renamed(params_of(body.get("params")))
    count = body.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
        raise errors.InvalidInput.of("count", "must be a whole number from 1 to 1000")
    return Price(
        model=request.path["slug"],
        inputs=params,
        catalogue=NAME,
        count=count,
        is_draft=True,
        may_drop=asking_nothing(params),
    )


def parse_model(request: WireRequest) -> ShowModel:
    return ShowModel(model=request.path["slug"], catalogue=NAME)


def parse_models(request: WireRequest) -> ShowModels:
    category = wire.first(request, "category")
    if category is None:
        return ShowModels(catalogue=NAME)
    for modality, name in CATEGORIES.items():
        if name == category:
            return ShowModels(catalogue=NAME, modality=modality)
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
        catalogue=NAME,
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
    return RenameKey(key=number, name=wire.text(wire.body_of(request), "name", limit=100))


def parse_revoke_key(request: WireRequest) -> RevokeKey:
    return RevokeKey(key=wire.number_in_path(request, "id", what="key"))


def show_model(model: Model) -> dict[str, Any]:
    least, most = (whole_units(amount) for amount in model.price_band)
    return {
        "slug": next(iter(model.names.get(NAME, ())), model.slug),
        "name": model.name,
        "category": CATEGORIES[model.modality],
        "provider": model.maker,
        "min_plan": plan_of(model.plan) or "free",
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
        "plan": plan_of(statement.plan.name),
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
        "plan": plan_of(statement.plan.name),
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
    return {
        "id": generation.number,
        "model_slug": slug_of(generation, reply),
        "model_name": model_name(generation, reply),
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


ROUTES: Sequence[Route] = (
    Route("GET", "/api/v2/models", parse_models, render_models),
    Route("GET", "/api/v2/models/{slug}", parse_model, render_model),
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
