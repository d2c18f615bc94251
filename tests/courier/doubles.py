"""A clock that stands still, an outbox in memory, a dialect with one message, and a real HTTP receiver."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from aiohttp import web

from darkroom.account import KeyForm
from darkroom.catalogue import Catalogue
from darkroom.credits import Credits
from darkroom.errors import Rejected
from darkroom.generation import Generation, Status
from darkroom.guarded import host_of
from darkroom.webhook import Delivery, Parcel, Try
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class FrozenClock:
    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def a_delivery(id: str, url: str, *, dialect: str = "plain", secret: str = "") -> Delivery:
    generation = Generation(
        id="generation-1",
        number=1,
        account_id="account-1",
        dialect=dialect,
        model="fern",
        modality="image",
        task="text-to-image",
        provider="sketch",
        inputs={},
        wire={},
        quote=Credits(1),
        created_at=NOON,
        status=Status.COMPLETED,
    )
    return Delivery(
        id=id,
        generation=generation,
        state=Status.COMPLETED,
        url=url,
        secret=secret,
        dialect=dialect,
        tries=0,
        created_at=NOON,
    )


@dataclass
class Row:
    delivery: Delivery
    due_at: datetime | None
    is_done: bool = False
    outcomes: list[str] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    disable_why: str = ""


class MemoryOutbox:
    """`notes` gets the id of each noted delivery, `looks` each question. A cleared `gate` keeps made answers back."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.notes: asyncio.Queue[str] = asyncio.Queue()
        self.postponed: asyncio.Queue[str] = asyncio.Queue()
        self.looks: asyncio.Queue[None] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self.note_faults: list[Exception] = []

    def add(self, delivery: Delivery, *, due_at: datetime = NOON) -> Row:
        row = self.rows[delivery.id] = Row(delivery, due_at)
        return row

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str] = ()
    ) -> tuple[list[Parcel], datetime | None]:
        waiting = [(row.due_at, row.delivery) for row in self.rows.values() if row.due_at is not None]
        due: list[Parcel] = [
            delivery for due_at, delivery in waiting if due_at <= now and host_of(delivery.url) not in busy_hosts
        ]
        later = [due_at for due_at, _ in waiting if due_at > now]
        self.looks.put_nowait(None)
        if self.faults:
            raise self.faults.pop(0)
        await self.gate.wait()
        return due[:limit], min(later, default=None)

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
        if self.note_faults:
            raise self.note_faults.pop(0)
        row = self.rows[delivery_id]
        row.delivery = replace(row.delivery, tries=row.delivery.tries + 1)
        row.is_done = is_done
        row.due_at = due_at
        row.outcomes.append(outcome)
        row.tries += [made] if made is not None else []
        row.disable_why = disable_why
        self.notes.put_nowait(delivery_id)
        return False

    async def postpone_deliveries(self, delivery_ids: Collection[str], *, due_at: datetime) -> None:
        for delivery_id in delivery_ids:
            self.rows[delivery_id].due_at = due_at
            self.postponed.put_nowait(delivery_id)


def id_and_state(delivery: Delivery, reply: Reply) -> Message | None:
    return Message(body=delivery.state.encode(), headers={"Webhook-Id": delivery.id})


class OneMessageDialect:
    def __init__(self, make: Callable[[Delivery, Reply], Message | None] = id_and_state) -> None:
        self.name = "plain"
        self.key_form = KeyForm(prefix="plain_", length=40)
        self.decorates = False
        self.routes: Sequence[Route] = ()
        self._make = make

    def refuse(self, error: Rejected, request: WireRequest) -> WireResponse:
        return WireResponse(status=400)

    def crash(self, request: WireRequest) -> WireResponse:
        return WireResponse(status=500)

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        return {}

    def new_secret(self) -> str:
        return ""

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        return self._make(delivery, reply)


def a_reply(now: datetime) -> Reply:
    return Reply(request=WireRequest(), now=now, url="http://darkroom.example", link=str, catalogue=Catalogue({}, {}))


@dataclass(frozen=True)
class Letter:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["Webhook-Id"]


class Receiver:
    """Answers with its statuses in turn, the last one for good; while `door` is cleared it keeps everybody waiting."""

    def __init__(self, statuses: Sequence[int]) -> None:
        self._statuses = list(statuses)
        self.port = 0
        self.retry_after = ""
        self.letters: list[Letter] = []
        self.arrivals: asyncio.Queue[Letter] = asyncio.Queue()
        self.door = asyncio.Event()
        self.door.set()
        self.waiting = 0
        self.most_waiting = 0

    def url(self, path: str = "/hook", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        letter = Letter(request.path, request.headers, await request.read())
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self.letters.append(letter)
        self.arrivals.put_nowait(letter)
        try:
            if letter.path == "/slow":
                await self.door.wait()
        finally:
            self.waiting -= 1
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        if self.retry_after and status >= 400:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=status, headers=headers)


@contextlib.asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(statuses or (200,))
    runner = web.ServerRunner(web.Server(receiver.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
