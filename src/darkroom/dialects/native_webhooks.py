"""The native API's webhooks: endpoints, the log of what was sent to them, and sending it again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from darkroom import errors
from darkroom.dialects import wire
from darkroom.generation import Notice, Status
from darkroom.webhook import (
    EVENTS,
    ChangeWebhook,
    DeleteWebhook,
    DeliveryPage,
    ListDeliveries,
    ListWebhooks,
    MakeWebhook,
    NewSecret,
    Record,
    Redeliver,
    RedeliverSince,
    RotateSecret,
    ShowDelivery,
    ShowWebhook,
    Stage,
    TestWebhook,
    Webhook,
)
from darkroom.wire import Reply, Route, WireRequest, WireResponse

STATES = frozenset(str(state) for state in (*Status, *Notice))
NAMES = {f"generation.{event}" if event in STATES else event: event for event in EVENTS}
"""Events by the name that callers know."""

USUAL_GRACE_S = 24 * 3600
LONGEST_GRACE_S = 7 * 24 * 3600


class MakeWebhookBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`events` are `generation.completed` and the like; none is all of them."""

    url: str
    events: list[str] = []


class ChangeWebhookBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is not given stays as it is."""

    url: str | None = None
    events: list[str] | None = None
    is_enabled: bool | None = None


class RotateBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The secret so far stays good for `grace_s` seconds: messages carry both signatures."""

    grace_s: int = USUAL_GRACE_S


class RedeliverBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    since: datetime


class WebhookBody(msgspec.Struct, kw_only=True):
    """An endpoint. `secret` is there in the answers to its making and to a rotation, and never again."""

    id: str
    url: str
    dialect: str
    events: list[str]
    is_enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    secret: str | None


class WebhookList(msgspec.Struct, kw_only=True):
    items: list[WebhookBody]


class TryBody(msgspec.Struct, kw_only=True):
    """One try. `status` is None where no answer came; `outcome` says what happened. `headers` and `body` are what was
    sent, in the answer about one delivery."""

    at: datetime
    latency_ms: int
    status: int | None
    outcome: str
    headers: dict[str, str] | None
    body: str | None


class DeliveryBody(msgspec.Struct, kw_only=True):
    """One message. Its `id` is the `webhook-id` that it carries at every try. `status` is waiting (for an earlier one
    of the same generation), due, delivered, given_up or held (the endpoint is disabled)."""

    id: str
    webhook_id: str | None
    generation_id: str | None
    event: str
    url: str
    status: str
    created_at: datetime
    next_try_at: datetime | None
    delivered_at: datetime | None
    outcome: str | None
    tries: list[TryBody]


class DeliveryList(msgspec.Struct, kw_only=True):
    """Newest first. `next_cursor` asks for the next page."""

    items: list[DeliveryBody]
    next_cursor: str | None


class RedeliveredBody(msgspec.Struct, kw_only=True):
    count: int


def read_events(value: object, field: str = "events") -> tuple[str, ...]:
    """Our names of the events that a caller names; raises `InvalidInput`."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item in NAMES for item in value):
        raise errors.InvalidInput.of(field, f"must be a list of some of {', '.join(NAMES)}")
    return tuple(dict.fromkeys(NAMES[item] for item in value))


def event_name(event: str) -> str:
    return f"generation.{event}" if event in STATES else event


def parse_make(request: WireRequest) -> MakeWebhook:
    body = wire.body_of(request)
    wire.only(body, MakeWebhookBody.__struct_fields__)
    return MakeWebhook(url=wire.text(body, "url"), events=read_events(body.get("events", [])))


def parse_change(request: WireRequest) -> ChangeWebhook:
    body = wire.body_of(request)
    wire.only(body, ChangeWebhookBody.__struct_fields__)
    is_enabled = body.get("is_enabled")
    if is_enabled is not None and not isinstance(is_enabled, bool):
        raise errors.InvalidInput.of("is_enabled", f"must be a boolean, not {wire.kind(is_enabled)}")
    return ChangeWebhook(
        id=request.path["id"],
        url=wire.text(body, "url") if body.get("url") is not None else None,
        events=read_events(body["events"]) if body.get("events") is not None else None,
        is_enabled=is_enabled,
    )


def parse_rotate(request: WireRequest) -> RotateSecret:
    body: dict[str, Any] = {} if request.body is None else wire.body_of(request)
    wire.only(body, RotateBody.__struct_fields__)
    grace_s = body.get("grace_s", USUAL_GRACE_S)
    if isinstance(grace_s, bool) or not isinstance(grace_s, int) or not 0 <= grace_s <= LONGEST_GRACE_S:
        raise errors.InvalidInput.of("grace_s", f"must be a whole number of seconds from 0 to {LONGEST_GRACE_S}")
    return RotateSecret(id=request.path["id"], grace_s=grace_s)


def parse_redeliver_since(request: WireRequest) -> RedeliverSince:
    body = wire.body_of(request)
    wire.only(body, RedeliverBody.__struct_fields__)
    given = wire.text(body, "since", limit=64)
    try:
        since = datetime.fromisoformat(given)
        since = since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidInput.of("since", "must be an instant such as 2026-03-08T12:05:00Z") from None
    return RedeliverSince(id=request.path["id"], since=since)


def parse_deliveries(request: WireRequest) -> ListDeliveries:
    wire.only((name for name, _ in request.query), ("webhook_id", "generation_id", "status", "limit", "cursor"))
    cursor = wire.first(request, "cursor")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise errors.InvalidInput.of("cursor", "must be the cursor that the page before gave")
    status = wire.first(request, "status")
    if status and status not in tuple(Stage):
        raise errors.InvalidInput.of("status", f"must be one of {', '.join(Stage)}")
    return ListDeliveries(
        webhook_id=wire.first(request, "webhook_id") or None,
        generation_id=wire.first(request, "generation_id") or None,
        stage=Stage(status) if status else None,
        limit=wire.whole_number(request, "limit", default=50, most=100),
        before=int(cursor) if cursor else None,
    )


def show_webhook(webhook: Webhook, *, secret: str | None = None) -> WebhookBody:
    return WebhookBody(
        id=webhook.id,
        url=webhook.url,
        dialect=webhook.dialect,
        events=[event_name(event) for event in webhook.events],
        is_enabled=webhook.disabled_at is None,
        disabled_at=webhook.disabled_at,
        disabled_reason=webhook.disabled_why or None,
        failing_since=webhook.failing_since,
        created_at=webhook.created_at,
        secret=secret,
    )


def show_delivery(record: Record, *, is_whole: bool) -> DeliveryBody:
    return DeliveryBody(
        id=record.id,
        webhook_id=record.webhook_id,
        generation_id=record.generation_id,
        event=event_name(record.event),
        url=record.url,
        status=record.stage,
        created_at=record.created_at,
        next_try_at=record.next_try_at,
        delivered_at=record.done_at,
        outcome=record.outcome,
        tries=[
            TryBody(
                at=made.at,
                latency_ms=made.latency_ms,
                status=made.status,
                outcome=made.outcome,
                headers=dict(made.headers) if is_whole else None,
                body=made.body if is_whole else None,
            )
            for made in record.tries
        ],
    )


def render_made(made: NewSecret, reply: Reply) -> WireResponse:
    headers = {"location": f"/v1/webhooks/{made.webhook.id}"}
    return WireResponse(status=201, body=show_webhook(made.webhook, secret=made.secret), headers=headers)


def render_rotated(made: NewSecret, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_webhook(made.webhook, secret=made.secret))


def render_webhook(webhook: Webhook, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_webhook(webhook))


def render_webhooks(webhooks: Sequence[Webhook], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=WebhookList(items=[show_webhook(webhook) for webhook in webhooks]))


def render_nothing(nothing: None, reply: Reply) -> WireResponse:
    return WireResponse(status=204)


def render_sent(record: Record, reply: Reply) -> WireResponse:
    headers = {"location": f"/v1/deliveries/{record.id}"}
    return WireResponse(status=202, body=show_delivery(record, is_whole=False), headers=headers)


def render_delivery(record: Record, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_delivery(record, is_whole=True))


def render_deliveries(page: DeliveryPage, reply: Reply) -> WireResponse:
    items = [show_delivery(record, is_whole=False) for record in page.items]
    cursor = None if page.before is None else str(page.before)
    return WireResponse(status=200, body=DeliveryList(items=items, next_cursor=cursor))


def render_count(count: int, reply: Reply) -> WireResponse:
    return WireResponse(status=202, body=RedeliveredBody(count=count))


ROUTES: Sequence[Route] = (
    Route("POST", "/v1/webhooks", parse_make, render_made),
    Route("GET", "/v1/webhooks", lambda request: ListWebhooks(), render_webhooks),
    Route("GET", "/v1/webhooks/{id}", lambda request: ShowWebhook(request.path["id"]), render_webhook),
    Route("PATCH", "/v1/webhooks/{id}", parse_change, render_webhook),
    Route("DELETE", "/v1/webhooks/{id}", lambda request: DeleteWebhook(request.path["id"]), render_nothing),
    Route("POST", "/v1/webhooks/{id}/rotate", parse_rotate, render_rotated),
    Route("POST", "/v1/webhooks/{id}/test", lambda request: TestWebhook(request.path["id"]), render_sent),
    Route("POST", "/v1/webhooks/{id}/redeliver", parse_redeliver_since, render_count),
    Route("GET", "/v1/deliveries", parse_deliveries, render_deliveries),
    Route("GET", "/v1/deliveries/{id}", lambda request: ShowDelivery(request.path["id"]), render_delivery),
    Route("POST", "/v1/deliveries/{id}/redeliver", lambda request: Redeliver(request.path["id"]), render_sent),
)
