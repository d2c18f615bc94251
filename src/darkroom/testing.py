"""Doubles that satisfy a port, for Darkroom's own tests and for those of whoever builds on it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from darkroom.credits import Credits
from darkroom.errors import Failure, ProviderUnavailable
from darkroom.ports import NOWHERE, Address, Output, Pace, Pending, Produced, Report, Ticket, Work

Step = Ticket | Output | Pending | Failure | Callable[[Work], Output]


class FrozenClock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime = datetime(2026, 3, 8, 12, 5, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Here:
    """What a provider says that keeps no address, looks nothing up and costs nothing: doubles say the rest."""

    name = "sketch"
    slots = 100
    may_restart = True
    bills_canceled = False
    can_look_up = False
    can_cancel = True
    pace = Pace(interval_s=0.01, longest_s=0.1)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def address(self) -> Address:
        return NOWHERE

    async def lookup(self, work: Work) -> Ticket | Output | None:
        raise ProviderUnavailable("nothing is looked up here")

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        pass


class ScriptedProvider(Here):
    """Answers each `start` and `poll` with the next step of its script; a failure is raised.

    `found` are the answers to each look-up in the same way. `gate` holds every poll until it is set. What was asked is
    kept in `started`, `polled`, `looked_up` and `canceled`, by reference.
    """

    def __init__(
        self,
        script: Sequence[Step],
        *,
        name: str = "sketch",
        slots: int = 100,
        may_restart: bool = False,
        bills_canceled: bool = False,
        can_look_up: bool = False,
        found: Sequence[Ticket | Output | Failure | None] = (),
    ) -> None:
        self.name = name
        self.slots = slots
        self.may_restart = may_restart
        self.bills_canceled = bills_canceled
        self.can_look_up = can_look_up
        self.looked_up: list[str] = []
        self._found = list(found)
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.started: list[str] = []
        self.polled: list[str] = []
        self.canceled: list[str] = []
        self._script = list(script)

    async def start(self, work: Work) -> Ticket | Output:
        self.started.append(work.reference)
        step = self._next(work)
        assert isinstance(step, Ticket | Output), f"a start cannot answer {step}"
        return step

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        self.polled.append(ticket.ref)
        self.entered.set()
        await self.gate.wait()
        step = self._next(work)
        assert isinstance(step, Output | Pending), f"a poll cannot answer {step}"
        return step

    async def lookup(self, work: Work) -> Ticket | Output | None:
        self.looked_up.append(work.reference)
        found = self._found.pop(0)
        if isinstance(found, Failure):
            raise found
        return found

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        self.canceled.append(ticket.ref)

    def _next(self, work: Work) -> Ticket | Output | Pending:
        step = self._script.pop(0)
        if isinstance(step, Failure):
            raise step
        if isinstance(step, Ticket | Output | Pending):
            return step
        return step(work)


def an_output(
    *, used: int | None = None, name: str = "result.mp4", content: bytes = b"a result"
) -> Callable[[Work], Output]:
    """A step that leaves a small file in the attempt's folder and hands it over."""

    def make(work: Work) -> Output:
        path = work.folder / name
        path.write_bytes(content)
        file = Produced(path=path, media_type="video/mp4", width=1920, height=1080, duration_s=5.0)
        return Output(files=(file,), used=None if used is None else Credits(used))

    return make
