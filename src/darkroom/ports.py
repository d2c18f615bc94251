"""The protocols between the core and the outside, and the values that cross them."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from darkroom.account import Principal
from darkroom.asset import Assets
from darkroom.books import Books
from darkroom.brief import Brief, Produced
from darkroom.credits import Credits
from darkroom.generation import Cause, Generation, Status
from darkroom.owned import OwnedAssets
from darkroom.records import (
    NOWHERE,
    Accepted,
    Address,
    Attempt,
    Audit,
    Begun,
    CostLine,
    Discrepancy,
    EventPage,
    NewGeneration,
    Place,
    Settlement,
    Took,
    Turn,
)
from darkroom.survey import Surveyed
from darkroom.verbs import List, Page, Reference
from darkroom.webhook import Delivery, Webhook, Webhooks

KEYS_LIVE = timedelta(hours=24)
"""How long an idempotency key is the name of what it led to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One attempt, as its provider sees it. `reference` is the same for every attempt of a generation: an idempotency
    key for the upstreams that take one. `scratch` is where its `folder` is. `words` are the size, the resolution and
    the aspect ratio as the caller said them. `media` are the local files of the input media, by where they stand among
    the inputs, such as `keyframes.frame0.url`. `links` are URLs of input media for an upstream to fetch, by their local
    files; `callback_url` is where it may tell us to look: both only where this server has a public address."""

    reference: str
    attempt: int
    upstream: str
    inputs: Mapping[str, object]
    brief: Brief
    expected_wait_s: tuple[int, int]
    scratch: Path
    address: Address = NOWHERE
    words: Mapping[str, object] = field(default_factory=dict)
    media: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    links: Mapping[Path, str] = field(default_factory=dict)
    callback_url: str | None = None

    @property
    def folder(self) -> Path:
        """The attempt's own, for the files that it makes: there as soon as it is asked for, and not before."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.scratch


@dataclass(frozen=True, slots=True)
class Ticket:
    """The provider's own reference, stored so that a rescued attempt resumes instead of paying twice."""

    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """`used` is what to capture, where the provider can tell that it was less than the quote; None is the quote.
    `cost_micro_usd` is what the upstream billed for it, in millionths of a US dollar; None where it did not say."""

    files: tuple[Produced, ...]
    used: Credits | None = None
    cost_micro_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Not finished. `after_s` is when the provider wants to be asked again; None leaves it to the pace. `progress` from
    0 to 1, where the provider tells. `word` is a status that nobody here knows: neither the end nor a failure."""

    after_s: float | None = None
    progress: float | None = None
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to ask a provider while its work goes on: every `interval_s` around the moment it is likely to end,
    less and less often after that, never less often than every `longest_s`."""

    interval_s: float = 1.0
    longest_s: float = 30.0


Report = Callable[[float], None]
"""Takes progress from 0 to 1."""


class Provider(Protocol):
    """One upstream. Raises only `Failure`; the worker owns the loop and the deadline.

    `bills_canceled` says that work is paid for once it runs, also when it is canceled.

    `may_restart` says that `start` can be repeated for the same `Work.reference` without paying twice: the upstream
    honours it as an idempotency key, or the work is free. Where it is false, a lost answer is `Ambiguous`.

    `can_look_up` says that `lookup` works, `can_cancel` that `cancel` reaches the upstream.
    """

    name: str
    slots: int
    may_restart: bool
    bills_canceled: bool
    can_look_up: bool
    can_cancel: bool
    pace: Pace

    def address(self) -> Address:
        """Where the next attempt is to go; raises `ProviderUnavailable` where each credential is at a limit."""
        ...

    async def start(self, work: Work) -> Ticket | Output: ...

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending: ...

    async def lookup(self, work: Work) -> Ticket | Output | None:
        """After a lost answer: what came of `Work.reference` at `Work.address`; None where it certainly was not taken.
        Raises `ProviderUnavailable` where that cannot be told now."""
        ...

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        """Best effort: the caller has been answered already."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Store(Books, OwnedAssets, Surveyed, Webhooks, Protocol):
    """Verbs, each one transaction. An answer means that it is on the disk."""

    async def submit(self, new: NewGeneration) -> Generation:
        """Generation, hold and event; raises `InsufficientCredits`, `TooManyInFlight`, `IdempotencyConflict`. Where its
        idempotency key is known already, the generation of that time, and nothing more."""
        ...

    async def find_keyed(self, account_id: str, key: str, fingerprint: bytes, *, since: datetime) -> Generation | None:
        """What an idempotency key led to since then; raises `IdempotencyConflict`."""
        ...

    async def find_alike(
        self, account_id: str, dialect: str, fingerprint: bytes, *, since: datetime
    ) -> Generation | None:
        """The newest generation of the same request, among an account's last ones."""
        ...

    async def last_accepted(self, *, since: datetime) -> list[Accepted]:
        """What was accepted within a second of the newest generation, and since then."""
        ...

    async def prune_keys(self, *, before: datetime) -> None:
        """Forget idempotency keys older than this."""
        ...

    async def begin(self, generation_id: str, *, now: datetime) -> Begun | None:
        """Move a queued generation to running with a new attempt; None where it is not queued (any more). Raises
        `MustWait` where many processes begin, and its account runs as many as its plan lets it."""
        ...

    async def note_ticket(
        self,
        generation_id: str,
        attempt: int,
        ticket: str,
        *,
        address: Address = NOWHERE,
        sent_at: datetime | None = None,
        reason: str = "",
    ) -> None:
        """Where an attempt goes, when it was first sent and why there; raises `StaleAttempt`."""
        ...

    async def note_outcome(
        self, generation_id: str, attempt: int, outcome: str, *, now: datetime, detail: str = ""
    ) -> None:
        """Write down how an attempt stands while its generation goes on running; raises `StaleAttempt`."""
        ...

    async def attempts(self, generation_id: str) -> tuple[Attempt, ...]:
        """A generation's attempts, the newest first."""
        ...

    async def ambiguous(self) -> list[Attempt]:
        """The attempts that wait for an operator's word, the oldest first."""
        ...

    async def decide(self, generation_id: str, *, is_retry: bool, now: datetime) -> Generation:
        """An operator's word on an ambiguous generation: queue it anew or fail it; raises `InvalidInput`."""
        ...

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, *, now: datetime) -> Generation:
        """End a running attempt and its generation; raises `StaleAttempt`."""
        ...

    async def hand_back(
        self,
        generation_id: str,
        attempt: int,
        outcome: str,
        *,
        now: datetime,
        provider: str | None = None,
        detail: str = "",
        cost_micro_usd: int | None = None,
        after_s: float = 0.0,
    ) -> Generation:
        """Move a running generation back to queued, at another `provider` where one is given; raises `StaleAttempt`.
        `after_s` is when it may be begun again, for a queue that lives in the store."""
        ...

    async def cancel(
        self, account_id: str, generation_id: str, *, now: datetime, billed: Collection[str] = ()
    ) -> Generation:
        """End a generation as canceled; one that has ended stays as it is. One that runs at a provider among `billed`
        is paid for all the same. Raises `NotFound`."""
        ...

    async def with_deadline(self) -> list[Generation]:
        """Unfinished generations whose callers gave them so much time."""
        ...

    async def fail_unstarted(self, generation_id: str, cause: Cause, *, now: datetime) -> Generation | None:
        """End a generation that no worker has ever begun; None where one has, or where it has ended."""
        ...

    async def rescue(self, *, now: datetime) -> int:
        """At start: nobody runs what says it is running, so it is queued again. Returns how many."""
        ...

    async def queued(self, *, after: int = 0, limit: int = 1000) -> "list[Turn]":
        """Queued generations with numbers past `after`, oldest first."""
        ...

    async def here(self) -> Place:
        """Where the events are now."""
        ...

    async def events_since(self, place: Place) -> tuple[Place, list[Generation]]:
        """The generations that other processes have changed since then, each with its newest event, and where the
        events are by now. Every change is among these sooner or later, in whatever order they are committed."""
        ...

    async def prune_events(self, *, before: datetime) -> None:
        """Forget events older than this, but never the newest."""
        ...

    async def newest_event(self, account_id: str | None = None) -> int:
        """Of all, or such that of this account nothing before it is still to come."""
        ...

    async def knows_event(self, sequence: int) -> bool:
        """Whether everything after this event is still kept, and the event is one of this store."""
        ...

    async def missed_events(self, generation_id: str, after: int) -> tuple[Generation, list[tuple[int, Status]]] | None:
        """A generation and what it came to after an event; None where that event is not known (any more)."""
        ...

    async def account_events(self, account_id: str, after: int, *, limit: int) -> EventPage:
        """What an account's generations came to after an event, the oldest first, but for those it has removed."""
        ...

    async def took(self) -> list[Took]:
        """How long the newest completed generations took, the oldest first."""
        ...

    def forget(self) -> None:
        """Another process has written: what is remembered may be old."""
        ...

    async def get(self, reference: Reference) -> Generation:
        """Raises `NotFound`."""
        ...

    def peek(self, generation_id: str) -> Generation | None:
        """The very object that `get` would answer, where it is at hand; asks nobody."""
        ...

    async def list_generations(self, account_id: str, wanted: List, *, now: datetime) -> Page[Generation]: ...

    async def mark(self, generation_id: str, *, toggle_favorite: bool, rating: int | None) -> Generation: ...

    async def remove(self, generation_id: str, *, now: datetime) -> Generation | None:
        """Hide an ended generation; None where it has not ended."""
        ...

    async def expired(self, *, now: datetime, after: Generation | None = None) -> list[Generation]:
        """Some ended generations past their retention that still have assets, from the one after `after` on."""
        ...

    async def warn(self, *, now: datetime) -> int:
        """Write the messages that assets will be deleted soon, for whoever asked to be told; returns how many."""
        ...

    async def forget_assets(self, generation_ids: Sequence[str]) -> None:
        """Their bytes have been deleted: forget what was told and made, and hold no content any more."""
        ...


class Queue(Protocol):
    """Delivers generations' ids to the worker, by lane. It is never the truth: the row is."""

    def enqueue(self, turn: Turn) -> None:
        """Enqueue a generation; one that is waiting or in hand already stays as it is."""
        ...

    def interrupt(self, generation_id: str) -> bool:
        """Stop what is done for a generation, or take it out of its lane; tells whether there was something to stop."""
        ...


class Lanes(Queue, Protocol):
    """The queue as a worker sees it: it hands out ids, so many of a lane at once."""

    def start(self, handler: Callable[[str], Awaitable[None]]) -> None: ...

    @property
    def is_served(self) -> bool: ...

    def again(self, generation_id: str, *, after_s: float, lane: str) -> None:
        """Called by the handler of an id: bring it once more, some time after this handler has ended, in this lane."""
        ...

    def position(self, generation_id: str) -> int | None:
        """How many are likely to start before it; None where that is not known here."""
        ...

    @property
    def depths(self) -> Mapping[str, int]:
        """How many wait in each lane."""

    @property
    def in_hand(self) -> int: ...

    async def close(self, *, limit_s: float) -> None:
        """Hand out nothing more, let what is in hand end within the limit, then cancel it."""
        ...


class Desk(Protocol):
    """What wakes those who wait: told of every change of a generation after its commit, ours or another process's."""

    def changed(self, generation: Generation) -> None: ...

    def heard(self, generation: Generation) -> None: ...


__all__ = [
    "KEYS_LIVE",
    "NOWHERE",
    "Address",
    "Assets",
    "Attempt",
    "Audit",
    "Begun",
    "CostLine",
    "Delivery",
    "Desk",
    "Discrepancy",
    "EventPage",
    "Lanes",
    "NewGeneration",
    "Output",
    "Pace",
    "Pending",
    "Principal",
    "Produced",
    "Provider",
    "Queue",
    "Report",
    "Settlement",
    "Store",
    "Ticket",
    "Took",
    "Turn",
    "Webhook",
    "Work",
]
