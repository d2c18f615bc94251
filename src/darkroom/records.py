"""The values that cross between the core and the store: what is asked of it, and what it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from darkroom.asset import Asset
from darkroom.credits import Credits
from darkroom.generation import Cause, Generation, Status

Place = int | str
"""Where somebody who follows all events is: what a store says, to be given back to it."""


class Noticed(Protocol):
    """Called when another process has written; `only_events` says that it was nothing but generations' changes."""

    def __call__(self, *, only_events: bool = False) -> None: ...


class NewGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """What a submit stores. `in_flight_limit` is checked in the same transaction that holds the credits."""

    id: str
    account_id: str
    dialect: str
    model: str
    modality: str
    task: str
    provider: str
    inputs: Mapping[str, object]
    wire: Mapping[str, object]
    quote: Credits
    created_at: datetime
    callback_url: str | None = None
    callback_events: tuple[str, ...] = ()
    in_flight_limit: int | None = None
    retention_days: int | None = None
    expires_after_s: int | None = None
    warn_before_s: int | None = None
    plan: str = ""
    start_by: datetime | None = None
    deadline_at: datetime | None = None
    priority: int = 0
    run_limit: int | None = None
    idempotency_key: str | None = None
    fingerprint: bytes | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt goes, stored with it: whoever polls it later goes there too, whatever the configuration says by
    then. `credential` is the name of one, never its secret."""

    base_url: str = ""
    credential: str = ""


NOWHERE = Address()
"""The address of what is done here."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A generation, and the request that it was submitted by."""

    account_id: str
    dialect: str
    fingerprint: bytes
    generation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a provider, as stored. A ticket is there once the provider's reference is known. `credential` and
    `base_url` are where it went at `sent_at`, `reason` why there, `detail` what went wrong, `cost_micro_usd` what its
    upstream billed."""

    generation_id: str
    number: int
    provider: str
    ticket: str | None
    started_at: datetime
    outcome: str | None = None
    credential: str = ""
    base_url: str = ""
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    detail: str = ""
    cost_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """How long a completed generation took: in all, and from the instant that its work was sent upstream."""

    model: str
    provider: str
    seconds: float
    upstream_s: float | None = None


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the generations of a model, a provider or an account have brought in and cost: how many ended, micro-credits
    captured, and millionths of a US dollar that upstreams billed."""

    name: str
    generations: int
    captured: Credits
    cost_micro_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A running attempt. `before` are the earlier ones, newest first: what they left decides how this one goes on."""

    generation: Generation
    before: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ends: terminal status, credits and event go into one transaction. `cost_micro_usd` is what the
    upstream billed for it."""

    status: Status
    used: Credits
    cause: Cause | None = None
    outputs: tuple[Asset, ...] = ()
    cost_micro_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """An account's events in order: number, status, and the generation as it is now. `newest` is where to go on."""

    events: tuple[tuple[int, Status, Generation], ...]
    newest: int
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A balance that is not what its entries say, or a generation whose holds and status disagree."""

    subject: str
    stored: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    entries: int
    accounts: int
    generations: int
    discrepancies: tuple[Discrepancy, ...] = field(default=())


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A queued generation as the queue sees it. `number` is the order of submits; a higher `priority` is more urgent,
    among the account's own; `run_limit` is how many of the account may run at once."""

    id: str
    number: int
    lane: str
    account_id: str
    priority: int = 0
    run_limit: int | None = None

    @classmethod
    def of(cls, generation: Generation) -> "Turn":
        return cls(
            id=generation.id,
            number=generation.number,
            lane=generation.provider,
            account_id=generation.account_id,
            priority=generation.priority,
            run_limit=generation.run_limit,
        )
