"""Doubles that satisfy a port, for Darkroom's own tests and for those of whoever builds on it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from darkroom.credits import Credits
from darkroom.errors import Failure
from darkroom.ports import Output, Pending, Produced, Report, Ticket, Work

Step = Ticket | Output | Pending | Failure | Callable[[Work], Output]


class FrozenClock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime = datetime(2026, 3, 8, 12, 5, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class ScriptedProvider:
    """Answers each `start` and `poll` with the next step of its script; a failure is raised.

    `gate` holds every poll until it is set. What was asked is kept in `started`, `polled` and `canceled`, by reference.
    """

    def __init__(
        self,
        script: Sequence[Step],
        *,
        name: str = "sketch",
        slots: int = 100,
        may_restart: bool = False,
        bills_canceled: bool = False,
    ) -> None:
        self.name = name
        self.slots = slots
        self.may_restart = may_restart
        self.bills_canceled = bills_canceled
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.started: list[str] = []
        self.polled: list[str] = []
        self.canceled: list[str] = []
        self._script = list(script)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

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
