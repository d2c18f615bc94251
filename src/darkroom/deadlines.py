"""Callers' own limits on what waits: one that has not begun in its time fails, and its credits go back.

What runs is the worker's, which asks the provider first. Here is one heap of instants and one task, however many wait.
"""

import asyncio
import contextlib
import heapq
from datetime import datetime

import structlog

from darkroom.clock import Clock
from darkroom.errors import DeadlineExceeded
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import Desk, Queue, Store

log = structlog.get_logger(__name__)

LONGEST_REST_S = 60.0


class Deadlines:
    def __init__(self, *, store: Store, queue: Queue, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._queue = queue
        self._desk = desk
        self._clock = clock
        self._due: list[tuple[datetime, str]] = []
        self._sooner = asyncio.Event()

    def changed(self, generation: Generation) -> None:
        """Watch what waits and has a limit; when it is due, its row tells whether it still waits."""
        if generation.status is not Status.QUEUED or generation.attempt > 0:
            return
        instants = [instant for instant in (generation.start_by, generation.deadline_at) if instant is not None]
        if instants:
            heapq.heappush(self._due, (min(instants), generation.id))
            self._sooner.set()

    async def run(self) -> None:
        for generation in await self._store.with_deadline():
            self.changed(generation)
        while True:
            self._sooner.clear()
            now = self._clock.now()
            while self._due and self._due[0][0] <= now:
                await self._end(heapq.heappop(self._due)[1], now)
            rest_s = (self._due[0][0] - now).total_seconds() if self._due else LONGEST_REST_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(rest_s, LONGEST_REST_S)):
                    await self._sooner.wait()

    async def _end(self, generation_id: str, now: datetime) -> None:
        error = DeadlineExceeded("it had not begun in the time that its caller gave it")
        try:
            failed = await self._store.fail_unstarted(generation_id, Cause(error.code, str(error)), now=now)
        except Exception:
            log.exception("a generation past its limit could not be ended; its worker will", generation=generation_id)
            return
        if failed is not None:
            self._queue.interrupt(generation_id)
            self._desk.changed(failed)
