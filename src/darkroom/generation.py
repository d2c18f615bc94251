"""One paid request for media, from accepted to settled: its statuses, and the only moves between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import field

from darkroom.asset import Asset
from darkroom.credits import Credits


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELED}),
    Status.RUNNING: frozenset({Status.QUEUED, Status.COMPLETED, Status.FAILED, Status.CANCELED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}

TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class Notice(StrEnum):
    """What can be told of a generation beside its moves between statuses."""

    EXPIRING = "expiring"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a generation failed: a stable code of `errors.Failure`, and a sentence that may be shown to its caller."""

    code: str
    message: str


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """`inputs` were checked and had their defaults filled in at submit: what was priced is what is rendered. `wire` is
    what the dialect wants to remember of the request. Amounts in micro-credits; `held` and `spent` by purse. `event` is
    the sequence number of the event that told this state, where it came from the change itself; 0 where it was read."""

    id: str
    number: int
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
    status: Status = Status.QUEUED
    attempt: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)
    cause: Cause | None = None
    outputs: tuple[Asset, ...] = ()
    started_at: datetime | None = None
    settled_at: datetime | None = None
    expires_at: datetime | None = None
    callback_url: str | None = None
    callback_events: tuple[str, ...] = ()
    start_by: datetime | None = None
    deadline_at: datetime | None = None
    priority: int = 0
    run_limit: int | None = None
    is_hidden: bool = False
    is_favorite: bool = False
    rating: int | None = None
    progress: float | None = None
    event: int = 0

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def spent_total(self) -> Credits:
        return Credits(sum(self.spent.values()))
