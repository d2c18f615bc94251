"""What no request and no attempt does: lost queue entries, other processes' changes, expired assets."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from darkroom.access import Access
from darkroom.clock import Clock
from darkroom.generation import Status
from darkroom.ports import KEYS_LIVE, Desk, Queue, Store, Turn
from darkroom.records import Place
from darkroom.retention import Retention

log = structlog.get_logger(__name__)

SWEEP_S = 5.0
PAGE = 1000
"""How many queued generations one sweep looks at: it must stay cheap where a great many wait."""

EXPIRE_EVERY = 12
"""Expired assets are looked for at each so manyth sweep."""

EVENTS_KEPT = timedelta(days=1)
DELIVERIES_KEPT = timedelta(days=7)


class Sweeper:
    def __init__(
        self, *, store: Store, retention: Retention, queue: Queue, desk: Desk, access: Access, clock: Clock
    ) -> None:
        self._store = store
        self._retention = retention
        self._queue = queue
        self._desk = desk
        self._access = access
        self._clock = clock
        self._place: Place = 0
        self._swept = 0
        self._foreign = asyncio.Event()
        self._is_due = True
        self._due_at = 0.0

    def notice(self, *, only_events: bool = False) -> None:
        """Another process has written to the store: look now, at everything or at the events alone."""
        # At once: a sweep in hand may take a while, and a revoked key must not work until it ends.
        self._store.forget()
        if not only_events:
            self._access.forget_keys()
            self._is_due = True
        self._foreign.set()

    async def prepare(self) -> None:
        self._place = await self._store.here()

    async def run(self) -> None:
        count = 0
        while True:
            try:
                self._take_turn()
                await self.catch_up()
                await (self.sweep() if count else self.sweep_all())
                await self._tend(count)
            except Exception:
                log.exception("a sweep failed; the next one follows")
            count += 1
            await self._until_noticed()

    async def lead(self, recover: Callable[[], Awaitable[None]]) -> None:
        """What one process does for all: `recover` finds what dead workers and a forgetful queue have left."""
        count = 0
        while True:
            try:
                await recover()
                await self._tend(count)
            except Exception:
                log.exception("a sweep failed; the next one follows")
            count += 1
            await asyncio.sleep(SWEEP_S)

    async def _tend(self, count: int) -> None:
        if count % EXPIRE_EVERY:
            return
        await self._retention.expire()
        await self._store.prune_events(before=self._clock.now() - EVENTS_KEPT)
        await self._store.prune_keys(before=self._clock.now() - KEYS_LIVE)
        await self.prune_deliveries()

    async def follow(self) -> None:
        """Hear of what other processes do, and do nothing else: for one that carries no generations out."""
        while True:
            try:
                await self.catch_up(only_events=not self._take_turn())
            except Exception:
                log.exception("changes were not read; the next look follows")
            await self._until_noticed()

    def _take_turn(self) -> bool:
        """Whether it is time to look at everything; the next time is, some seconds after it."""
        is_due, self._is_due = self._is_due, False
        if is_due:
            self._due_at = asyncio.get_running_loop().time() + SWEEP_S
        return is_due

    async def _until_noticed(self) -> None:
        try:
            # So often in any case, however many events there are to hear of meanwhile.
            async with asyncio.timeout_at(self._due_at):
                await self._foreign.wait()
        except TimeoutError:
            self._is_due = True
        # Cleared before the look that follows: what is noticed during the look brings another one.
        self._foreign.clear()

    async def sweep(self) -> bool:
        """Enqueue the next few of all queued generations; the queue leaves alone those that it has. Tells whether these
        were the last ones, and the next sweep begins anew."""
        turns = await self._store.queued(after=self._swept, limit=PAGE)
        for turn in turns:
            self._queue.enqueue(turn)
        is_last = len(turns) < PAGE
        self._swept = 0 if is_last else turns[-1].number
        return is_last

    async def sweep_all(self) -> None:
        """At start: a hundred thousand may wait, and the first of them begin before the last are read."""
        while not await self.sweep():
            pass

    async def prune_deliveries(self) -> None:
        before = self._clock.now() - DELIVERIES_KEPT
        while await self._store.prune_deliveries(before=before, limit=PAGE) == PAGE:
            pass

    async def catch_up(self, *, only_events: bool = False) -> None:
        """Tell everyone here what other processes have changed."""
        self._store.forget()
        if not only_events:
            self._access.forget_keys()
        self._place, changed = await self._store.events_since(self._place)
        for generation in changed:
            if generation.status is Status.QUEUED:
                self._queue.enqueue(Turn.of(generation))
            self._desk.heard(generation)
