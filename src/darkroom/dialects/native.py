"""Darkroom's own wire format, under `/v1`: our words, unchanged."""

from collections.abc import Mapping, Sequence

import msgspec

from darkroom import errors, signing
from darkroom.account import KeyForm, Statement
from darkroom.catalogue import Model
from darkroom.credits import in_credits
from darkroom.dialects import native_assets, native_webhooks, wire
from darkroom.dialects.native_bodies import (
    PRIORITIES,
    EntryList,
    ErrorBody,
    GenerationList,
    ModelList,
    QuoteBody,
    SubmitBody,
    show_account,
    show_costs,
    show_entry,
    show_generation,
    show_model,
)
from darkroom.dialects.native_waiting import (
    parse_fetch,
    parse_fetch_many,
    preferred_wait_s,
    tell,
    wait_before_s,
)
from darkroom.generation import Generation, Status
from darkroom.ledger import Entry
from darkroom.margins import CostReport, ShowCosts
from darkroom.ports import Delivery
from darkroom.verbs import (
    Cancel,
    FetchMany,
    List,
    ListEntries,
    Page,
    Price,
    Quotation,
    Remove,
    ShowAccount,
    ShowModel,
    ShowModels,
    Submit,
    Watch,
    WatchAll,
)
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

STATUS: Mapping[type[errors.DarkroomError], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotYours: 404,  # whether another account's id exists is nobody's business
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.UnknownModel: 404,
    errors.ModelUnavailable: 404,
    errors.InvalidInput: 422,
    errors.BodyTooLarge: 413,
    errors.IdempotencyConflict: 422,
    errors.InsufficientCredits: 402,
    errors.LimitReached: 429,
    errors.TooManyInFlight: 429,
    errors.Unavailable: 503,
}

LONGEST_LIMIT_S = 30 * 24 * 3600


def parse_submit(request: WireRequest) -> Submit:
    body = wire.body_of(request)
    wire.only(body, SubmitBody.__struct_fields__)
    inputs = body.get("inputs", {})
    if not isinstance(inputs, dict):
        raise errors.InvalidInput.of("inputs", f"must be an object, not {wire.kind(inputs)}")
    webhook_url = wire.text(body, "webhook_url") if body.get("webhook_url") is not None else None
    events = [] if body.get("webhook_events") is None else body["webhook_events"]
    model = wire.text(body, "model", limit=200)
    return Submit(
        model=model,
        inputs=inputs,
        callback_url=webhook_url,
        callback_field="webhook_url",
        callback_events=native_webhooks.read_events(events, "webhook_events"),
        expires_after_s=native_assets.life(body.get("expires_after_s")),
        warn_before_s=native_assets.life(body.get("warn_before_s"), "warn_before_s"),
        wait_s=wait_before_s(preferred_wait_s(request)),
        priority=_priority(body.get("priority", "normal")),
        deadline_s=_limit(body, "deadline_s"),
        start_within_s=_limit(body, "start_within_s"),
    )


def _limit(body: Mapping[str, object], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_LIMIT_S:
        raise errors.InvalidInput.of(name, f"must be a number of seconds, more than 0 and at most {LONGEST_LIMIT_S}")
    return float(value)


def _priority(value: object) -> int:
    if value not in PRIORITIES:
        raise errors.InvalidInput.of("priority", f"must be one of {', '.join(PRIORITIES)}")
    return PRIORITIES[str(value)]


def parse_list(request: WireRequest) -> List | FetchMany:
    if wire.first(request, "ids") is not None:
        return parse_fetch_many(request)
    wire.only(
        (name for name, _ in request.query),
        ("model", "status", "modality", "created_after", "created_before", "limit", "cursor"),
    )
    wanted = wire.first(request, "status")
    try:
        status = tuple(Status(part) for part in wanted.split(",")) if wanted else ()
    except ValueError:
        raise errors.InvalidInput.of("status", f"must be among {', '.join(Status)}, with commas between") from None
    modality = wire.first(request, "modality")
    return List(
        model=wire.first(request, "model"),
        status=status,
        modality=tuple(modality.split(",")) if modality else (),
        created_after=wire.instant(request, "created_after"),
        created_before=wire.instant(request, "created_before"),
        limit=wire.whole_number(request, "limit", default=20, most=100),
        cursor=wire.first(request, "cursor"),
    )


def parse_price(request: WireRequest) -> Price:
    body = wire.body_of(request)
    wire.only(body, ("model", "inputs"))
    inputs = body.get("inputs", {})
    if not isinstance(inputs, dict):
        raise errors.InvalidInput.of("inputs", f"must be an object, not {wire.kind(inputs)}")
    return Price(model=wire.text(body, "model", limit=200), inputs=inputs)


def parse_entries(request: WireRequest) -> ListEntries:
    wire.only((name for name, _ in request.query), ("limit", "cursor"))
    limit = wire.whole_number(request, "limit", default=50, most=100)
    return ListEntries(limit=limit, cursor=wire.first(request, "cursor"))


def parse_costs(request: WireRequest) -> ShowCosts:
    wire.only((name for name, _ in request.query), ("by", "since"))
    return ShowCosts(by=wire.first(request, "by") or "model", since=wire.instant(request, "since"))


def render_submitted(generation: Generation, reply: Reply) -> WireResponse:
    headers = {"location": f"/v1/generations/{generation.id}", **_hint(generation, reply)}
    seconds = preferred_wait_s(reply.request)
    if seconds is not None:
        headers["preference-applied"] = f"wait={seconds}"
    return WireResponse(status=202, body=show_generation(generation, reply), headers=headers)


def render_generation(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_generation(generation, reply), headers=_hint(generation, reply))


def _hint(generation: Generation, reply: Reply) -> dict[str, str]:
    """When asking again is likely to find the end; nothing where it has ended."""
    return {} if generation.is_terminal else {"retry-after": str(reply.retry_after_s(generation, reply.now))}


def render_list(found: Page[Generation] | tuple[Generation, ...], reply: Reply) -> WireResponse:
    page = found if isinstance(found, Page) else Page(items=found)
    items = [show_generation(generation, reply) for generation in page.items]
    return WireResponse(status=200, body=GenerationList(items=items, next_cursor=page.cursor))


def render_removed(nothing: None, reply: Reply) -> WireResponse:
    return WireResponse(status=204)


def render_quote(quotation: Quotation, reply: Reply) -> WireResponse:
    inputs = wire.shown(quotation.inputs, reply)
    body = QuoteBody(model=quotation.model.slug, inputs=inputs, quote=in_credits(quotation.amount))
    return WireResponse(status=200, body=body)


def render_models(models: Sequence[Model], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=ModelList(items=[show_model(model) for model in models]))


def render_model(model: Model, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_model(model))


def render_account(statement: Statement, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_account(statement))


def render_entries(page: Page[Entry], reply: Reply) -> WireResponse:
    items = [show_entry(entry, reply) for entry in page.items]
    return WireResponse(status=200, body=EntryList(items=items, next_cursor=page.cursor))


def render_costs(report: CostReport, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_costs(report))


class Native:
    name = "native"
    key_form = KeyForm(prefix="dk_", length=43)
    decorates = False
    routes: Sequence[Route] = (
        Route("POST", "/v1/generations", parse_submit, render_submitted),
        Route("GET", "/v1/generations", parse_list, render_list),
        Route("GET", "/v1/generations/{id}", parse_fetch, render_generation, is_free=True, is_tagged=True),
        Route("DELETE", "/v1/generations/{id}", lambda request: Remove(id=request.path["id"]), render_removed),
        Route("POST", "/v1/generations/{id}/cancel", lambda request: Cancel(id=request.path["id"]), render_generation),
        Route(
            "GET",
            "/v1/generations/{id}/events",
            lambda request: Watch(id=request.path["id"]),
            render_generation,
            tell=tell,
            is_free=True,
        ),
        Route("GET", "/v1/events", lambda request: WatchAll(), render_generation, tell=tell, is_free=True),
        Route("POST", "/v1/quotes", parse_price, render_quote),
        Route("GET", "/v1/models", lambda request: ShowModels(), render_models, is_open=True),
        Route(
            "GET",
            "/v1/models/{slug...}",
            lambda request: ShowModel(model=request.path["slug"]),
            render_model,
            is_open=True,
        ),
        Route("GET", "/v1/account", lambda request: ShowAccount(), render_account),
        Route("GET", "/v1/account/entries", parse_entries, render_entries),
        Route("GET", "/v1/costs", parse_costs, render_costs),
        *native_assets.ROUTES,
        *native_webhooks.ROUTES,
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        problems = [{"field": p.field, "message": p.message} for p in getattr(error, "problems", ())]
        # Another account's id looks exactly like one that does not exist.
        shown = errors.NotFound(error.what) if isinstance(error, errors.NotYours) else error
        body = ErrorBody(code=shown.code, message=str(shown), problems=problems, request_id=request.id)
        headers = {}
        if isinstance(error, errors.LimitReached):
            headers["retry-after"] = str(error.retry_after_s)
        return WireResponse(status=wire.look_up(STATUS, error), body={"error": body}, headers=headers)

    def crash(self, request: WireRequest) -> WireResponse:
        message = "an error of ours; it was logged under this request id, and nothing was spent"
        body = ErrorBody(code="internal_error", message=message, problems=[], request_id=request.id)
        return WireResponse(status=500, body={"error": body})

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        return {}

    def new_secret(self) -> str:
        return signing.new_secret()

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """Standard Webhooks; the body is the event's name, when it was, and the generation as it is now."""
        told = {
            "type": f"generation.{delivery.state}",
            "timestamp": delivery.created_at,
            "data": show_generation(delivery.generation, reply),
        }
        body = msgspec.json.encode(told)
        return Message(body, signing.headers(delivery, body, now=reply.now))
