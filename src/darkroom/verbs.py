"""What a caller can ask for: a dialect's `parse` makes it, the service answers it, the dialect's `render` tells it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec import field

from darkroom.account import Key
from darkroom.asset import Arrival
from darkroom.catalogue import Model
from darkroom.credits import Credits
from darkroom.generation import Generation, Status
from darkroom.ledger import Entry
from darkroom.margins import CostReport, ShowCosts
from darkroom.owned import OwnedAsset, Upload
from darkroom.webhook import WebhookAnswer, WebhookVerb

Reference = str | int
"""A generation's id, or its number where a dialect shows numbers."""

KeyReference = str | int
"""A key's number, or its beginning as it was shown: where two begin alike, the newer one."""

Item = TypeVar("Item")


class Asking:
    """A submit as it came over the wire: what tells whether it is one that came before.

    `key` is the caller's idempotency key, `fingerprint` the hash of method, path and canonical body; `is_retry` that
    the request says so itself. `generation_id` is what it led to, once that is decided; None where it was refused.
    """

    __slots__ = ("_decided", "account_id", "dialect", "fingerprint", "generation_id", "is_replay", "is_retry", "key")

    def __init__(
        self, *, account_id: str, dialect: str, fingerprint: bytes, key: str | None = None, is_retry: bool = False
    ) -> None:
        self.account_id = account_id
        self.dialect = dialect
        self.fingerprint = fingerprint
        self.key = key
        self.is_retry = is_retry
        self.is_replay = False
        self.generation_id: str | None = None
        self._decided: bool | asyncio.Future[None] = False

    def decide(self, generation_id: str | None) -> None:
        self.generation_id = generation_id
        waited, self._decided = self._decided, True
        if isinstance(waited, asyncio.Future) and not waited.done():
            waited.set_result(None)

    async def outcome(self) -> str | None:
        """What it led to, as soon as that is known."""
        if self._decided is False:
            self._decided = asyncio.get_running_loop().create_future()
        if isinstance(self._decided, asyncio.Future):
            await asyncio.shield(self._decided)
        return self.generation_id


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    """`dialect` is the one that the request came by. `catalogue` is whose wire names `model` is looked up in first. The
    answer waits up to `wait_s` for the end, or up to `at_once_s` where the model is one that answers at once.

    `priority` is among the account's own: the higher goes first. It is to begin within `start_within_s` of the submit,
    and to end within `deadline_s`.

    `is_form` says that the inputs are a form's fields, each a list of texts and files: the model's schema tells what
    they mean. `may_drop` are inputs to leave out where the model has none of that name. `modality`, where it is given,
    refuses a model of another one. `expires_after_s` are seconds from the end, where that is sooner than the plan's
    retention; `warn_before_s` seconds before that whoever is told of its changes is told so."""

    model: str
    inputs: Mapping[str, object]
    is_form: bool = False
    may_drop: tuple[str, ...] = ()
    modality: str = ""
    wire: Mapping[str, object] = field(default_factory=dict)
    dialect: str = ""
    catalogue: str = ""
    callback_url: str | None = None
    callback_events: tuple[str, ...] = ()
    callback_field: str = "callback_url"
    asking: Asking | None = None
    expires_after_s: int | None = None
    warn_before_s: int | None = None
    priority: int = 0
    deadline_s: float | None = None
    start_within_s: float | None = None
    wait_s: float = 0.0
    at_once_s: float = 0.0


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """Waits up to `wait_s` until the status has reached `until` or gone past it (queued < running < any end)."""

    id: Reference
    until: Status = Status.QUEUED
    wait_s: float = 0.0

    @property
    def may_wait(self) -> bool:
        return self.wait_s > 0


class FetchMany(msgspec.Struct, frozen=True, kw_only=True):
    """Waits until each of them has reached `until`, or until one has where `is_any`."""

    ids: Sequence[Reference]
    until: Status = Status.QUEUED
    wait_s: float = 0.0
    is_any: bool = False

    @property
    def may_wait(self) -> bool:
        return self.wait_s > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Every change of one generation until its end, as a stream."""

    id: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAll:
    """Every change of each of the account's generations, as a stream without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    id: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """Newest first. Either `cursor` (what the page before gave) or `page` (from 1), never both. `catalogue` is whose
    wire names `model` is looked up in first."""

    model: str | None = None
    catalogue: str = ""
    status: tuple[Status, ...] = ()
    modality: tuple[str, ...] = ()
    dialect: str | None = None
    favorites_only: bool = False
    created_after: datetime | None = None
    created_before: datetime | None = None
    limit: int = 20
    cursor: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`toggle_favorite` turns the mark over; `rating` is 1 to 5."""

    id: Reference
    toggle_favorite: bool = False
    rating: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Hide a finished generation and delete its assets. The books keep what it cost."""

    id: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`is_draft` prices the options alone: what else is required may be missing. `may_drop` is as for `Submit`."""

    model: str
    inputs: Mapping[str, object]
    catalogue: str = ""
    count: int = 1
    is_draft: bool = False
    may_drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowModels:
    """The models that a dialect's callers can name; every model where `catalogue` is empty."""

    catalogue: str = ""
    modality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowModel:
    model: str
    catalogue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAccount:
    """`with_month` asks for what has moved in the books since the month began."""

    with_month: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameAccount:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries:
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeKey:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameKey:
    key: KeyReference
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    key: KeyReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """A fixed fact of the dialect, answered without asking anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAsset:
    """`expires_after_s` are seconds from now, where that is sooner than the plan's retention."""

    arrival: Arrival
    name: str = ""
    expires_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAsset:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAssets:
    """Newest first; `before` is the number that the page before ended with."""

    limit: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAsset:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginUpload:
    """An asset in parts; `sha256` (hexadecimal) of the whole is checked where it is told."""

    size_bytes: int
    name: str = ""
    sha256: str | None = None
    expires_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPart:
    """Parts are counted from 1; `sha256` (hexadecimal) of the part is checked where it is told."""

    id: str
    number: int
    arrival: Arrival
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowUpload:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteUpload:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropUpload:
    id: str


Verb = (
    Submit
    | Fetch
    | FetchMany
    | Watch
    | WatchAll
    | Cancel
    | List
    | Mark
    | Remove
    | Price
    | ShowModels
    | ShowCosts
    | ShowModel
    | ShowAccount
    | RenameAccount
    | ListEntries
    | MakeKey
    | ListKeys
    | RenameKey
    | RevokeKey
    | Tell
    | StoreAsset
    | ShowAsset
    | ListAssets
    | DeleteAsset
    | BeginUpload
    | PutPart
    | ShowUpload
    | CompleteUpload
    | DropUpload
    | WebhookVerb
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """`cursor` asks for the next page; `total` is counted only where `page` was asked for."""

    items: tuple[Item, ...]
    cursor: str | None = None
    total: int | None = None
    page: int = 1
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """What the given inputs cost, in micro-credits, with every default filled in."""

    model: Model
    inputs: Mapping[str, object]
    amount: Credits


@dataclass(frozen=True, slots=True)
class NewKey:
    """The only time that a key's secret is seen."""

    key: Key
    secret: str


Answer = (
    Generation
    | CostReport
    | tuple[Generation, ...]
    | Page[Generation]
    | Page[Entry]
    | Quotation
    | tuple[Model, ...]
    | Model
    | tuple[Key, ...]
    | Key
    | NewKey
    | OwnedAsset
    | Page[OwnedAsset]
    | Upload
    | WebhookAnswer
    | None
)
