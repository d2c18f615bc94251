"""A dialect as data: its routes, and the plain values that cross between the web and it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from msgspec import field

from darkroom.account import KeyForm, Plan, Principal, Statement
from darkroom.asset import Asset
from darkroom.catalogue import Catalogue
from darkroom.errors import Rejected
from darkroom.generation import Generation
from darkroom.ports import Delivery
from darkroom.told import Told
from darkroom.verbs import Verb

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WireRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a dialect sees it. `body` is decoded JSON, a form's fields (each a list of texts and `Arrival`s), an
    `Arrival` where the route takes a file, or None. `path` holds the values of the route's `{names}`. Header names are
    lower case. `at` is when it came."""

    method: str = "GET"
    url: str = "/"
    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    is_form: bool = False
    id: str = ""
    at: datetime = EPOCH


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A server-sent event. Without a name it is unnamed; `id` is where the caller may go on after it."""

    data: Any
    name: str = ""
    id: int | None = None


class WireResponse(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """One window of the caller's plan: how much there is, how much is left, when it starts anew (epoch seconds)."""

    window: str
    limit: int
    remaining: int
    resets_at_s: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect may know when it renders an answer. `link` makes an asset's URL; `statement` is there for the
    dialects that ask for it; `limits` are the caller's windows; `url` is the server's own address. `retry_after_s`
    tells when it is worth while to ask for an unfinished generation again."""

    request: WireRequest
    now: datetime
    url: str
    link: Callable[[Asset | str], str]
    catalogue: Catalogue
    principal: Principal | None = None
    statement: Statement | None = None
    limits: Sequence[LimitState] = ()
    retry_after_s: Callable[[Generation, datetime], int] = lambda generation, now: 1


@dataclass(frozen=True, slots=True)
class Route:
    """`path` has `{name}` for one segment and `{name...}` for the rest. `is_open` needs no key. One with `tell` is
    answered as server-sent events: what `tell` makes of each thing told, where it makes anything of it. `is_free` does
    not count against the plan's windows; nor does `is_status`, a read of a generation, where the plan says so.
    `is_timeless` renders a generation without a look at the clock, also while it is unfinished. `is_tagged` sends an
    `ETag`, and 304 to who has it already. `takes_file` takes any bytes as its body, up to what the caller's plan allows
    for an asset: they are put aside as an `Arrival`."""

    method: str
    path: str
    parse: Callable[[WireRequest], Verb]
    render: Callable[[Any, Reply], WireResponse]
    tell: Callable[[Told, Reply], Event | None] | None = None
    is_open: bool = False
    is_free: bool = False
    is_status: bool = False
    is_timeless: bool = False
    is_tagged: bool = False
    needs_statement: bool = False
    takes_file: bool = False

    def counts_for(self, plan: Plan) -> bool:
        return not (self.is_free or (self.is_status and plan.free_status_reads))


@dataclass(frozen=True, slots=True)
class Message:
    """A webhook as it goes out: the exact bytes that were signed, and the headers that say so."""

    body: bytes
    headers: Mapping[str, str]


class Dialect(Protocol):
    """A public wire format: routes, parse, render, refuse. No clock, no store, no framework."""

    name: str
    key_form: KeyForm
    routes: Sequence[Route]
    decorates: bool
    """Whether `decorate` has anything to say."""

    def refuse(self, error: Rejected, request: WireRequest) -> WireResponse:
        """Any `Rejected` in the dialect's own error shape."""
        ...

    def crash(self, request: WireRequest) -> WireResponse:
        """A bug of ours in the dialect's own error shape; it tells the caller nothing of the inside."""
        ...

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        """Headers that go with every answer to a known caller."""
        ...

    def new_secret(self) -> str:
        """A signing secret for a webhook, in the dialect's own form; empty where it signs nothing."""
        ...

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """A state's webhook, signed with `delivery.secret` where there is one; None where the dialect sends none."""
        ...
