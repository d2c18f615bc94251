"""Webhooks: an account's endpoints, the messages on their way to them, and the log of each try."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from darkroom.generation import Generation, Notice, Status

WEBHOOK_ID = "hook_"
"""What an endpoint's id begins with."""

DISABLED_EVENT = "webhook.disabled"
TEST_EVENT = "webhook.test"

EVENTS = (*(str(status) for status in Status), *(str(notice) for notice in Notice), DISABLED_EVENT)
"""What an endpoint can ask for: the states of a generation, and what happens to another endpoint."""


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was rotated out: messages are signed with it as well until then."""

    secret: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An account's endpoint for a dialect's events; empty `events` is all of them. `failing_since` is its first failed
    try after the last one that went well."""

    id: str
    account_id: str
    dialect: str
    url: str
    secret: str
    events: tuple[str, ...]
    created_at: datetime
    old_secrets: tuple[OldSecret, ...] = ()
    disabled_at: datetime | None = None
    disabled_why: str = ""
    failing_since: datetime | None = None


class Stage(StrEnum):
    """Where a message is. `waiting`: an earlier one of the same generation goes first. `held`: its endpoint is
    disabled."""

    WAITING = "waiting"
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message on its way, under one id until it is delivered or given up. `old_secrets` are still good."""

    id: str
    url: str
    secret: str
    dialect: str
    tries: int
    created_at: datetime
    old_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Parcel):
    """Tells of a generation. `state` is what: a status that it has come to, or that its assets are about to be
    deleted."""

    generation: Generation
    state: Status | Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin(Parcel):
    """Tells of an endpoint, in the words that were written down with the event."""

    event: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One try of a delivery, as it went out and as it was answered. `status` is None where no answer came."""

    at: datetime
    latency_ms: int
    status: int | None
    outcome: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A message in the log. `next_try_at` is there while there is to be one."""

    number: int
    id: str
    webhook_id: str | None
    generation_id: str | None
    event: str
    url: str
    stage: Stage
    created_at: datetime
    next_try_at: datetime | None
    done_at: datetime | None
    outcome: str | None
    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeliveries:
    """Newest first; `before` is the number that the page before ended with."""

    webhook_id: str | None = None
    generation_id: str | None = None
    stage: Stage | None = None
    limit: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """`before` asks for the next page."""

    items: tuple[Record, ...]
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWebhook:
    """Empty `events` is all of them; `dialect` is whose generations it is told of."""

    url: str
    events: tuple[str, ...] = ()
    dialect: str = "native"


@dataclass(frozen=True, slots=True)
class ListWebhooks:
    pass


@dataclass(frozen=True, slots=True)
class ShowWebhook:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook:
    """None leaves it as it is. Enabled again, it is told of what comes from then on; the rest can be redelivered."""

    id: str
    url: str | None = None
    events: tuple[str, ...] | None = None
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret:
    """The secret so far stays good for `grace_s` seconds."""

    id: str
    grace_s: int


@dataclass(frozen=True, slots=True)
class TestWebhook:
    id: str


@dataclass(frozen=True, slots=True)
class DeleteWebhook:
    id: str


@dataclass(frozen=True, slots=True)
class ShowDelivery:
    id: str


@dataclass(frozen=True, slots=True)
class Redeliver:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverSince:
    """All that an endpoint was not delivered, of what was written since then."""

    id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class NewSecret:
    """The only time that an endpoint's secret is seen."""

    webhook: Webhook
    secret: str


WebhookVerb = (
    MakeWebhook
    | ListWebhooks
    | ShowWebhook
    | ChangeWebhook
    | RotateSecret
    | TestWebhook
    | DeleteWebhook
    | ListDeliveries
    | ShowDelivery
    | Redeliver
    | RedeliverSince
)

WebhookAnswer = Webhook | NewSecret | tuple[Webhook, ...] | Record | DeliveryPage | int


class Outbox(Protocol):
    """What the courier needs of the store."""

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str] = ()
    ) -> tuple[list[Parcel], datetime | None]:
        """What is to be sent now, but for `busy_hosts`, and when the next one is due."""
        ...

    async def note_delivery(
        self,
        delivery_id: str,
        *,
        is_done: bool,
        outcome: str,
        due_at: datetime | None,
        now: datetime,
        made: Try | None = None,
        disable_why: str = "",
        hopeless_since: datetime | None = None,
    ) -> bool:
        """Write down how a try went; tells whether that has made another message due. The endpoint is disabled where
        `disable_why` says so, or where it has been failing since before `hopeless_since`."""
        ...

    async def postpone_deliveries(self, delivery_ids: Collection[str], *, due_at: datetime) -> None:
        """Not now: their receiver asked for a rest."""
        ...


class Webhooks(Outbox, Protocol):
    """The store's verbs about endpoints and their messages."""

    async def create_webhook(self, webhook: Webhook, *, limit: int | None = None) -> None:
        """Raises `InvalidInput` where the account has `limit` of them already."""
        ...

    async def webhooks(self, account_id: str) -> tuple[Webhook, ...]: ...

    async def webhook(self, account_id: str, webhook_id: str) -> Webhook:
        """Raises `NotFound`."""
        ...

    async def change_webhook(
        self, account_id: str, webhook_id: str, *, url: str | None, events: tuple[str, ...] | None
    ) -> Webhook:
        """Raises `NotFound`."""
        ...

    async def rotate_secret(
        self, account_id: str, webhook_id: str, *, secret: str, until: datetime, now: datetime
    ) -> Webhook:
        """The secret so far is good until then. Raises `NotFound`."""
        ...

    async def disable_webhook(self, account_id: str, webhook_id: str, *, why: str, now: datetime) -> Webhook: ...

    async def enable_webhook(self, account_id: str, webhook_id: str) -> Webhook: ...

    async def delete_webhook(self, account_id: str, webhook_id: str) -> None: ...

    async def test_webhook(self, account_id: str, webhook_id: str, *, now: datetime) -> Record:
        """Write a message that says nothing but that it is a test; raises `NotFound`, `InvalidInput`."""
        ...

    async def list_deliveries(self, account_id: str, wanted: ListDeliveries) -> DeliveryPage: ...

    async def delivery(self, account_id: str, delivery_id: str) -> Record:
        """Raises `NotFound`."""
        ...

    async def redeliver(self, account_id: str, delivery_id: str, *, now: datetime) -> Record:
        """Send it again, from the first try on; raises `NotFound`, `InvalidInput`."""
        ...

    async def redeliver_since(
        self, account_id: str, webhook_id: str, *, since: datetime, now: datetime, limit: int
    ) -> int:
        """Send again the oldest of what was given up or held since then; returns how many."""
        ...

    async def prune_deliveries(self, *, before: datetime, limit: int) -> int:
        """Forget some messages older than this that are not on their way; returns how many."""
        ...
