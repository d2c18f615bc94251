"""Delivers webhooks from the store's outbox: at least once, each under one id, tried on a schedule until given up."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from darkroom.clock import Clock
from darkroom.guarded import GuardedClient, Refused, host_of
from darkroom.ports import Delivery
from darkroom.wire import Dialect, Reply

log = structlog.get_logger(__name__)

USUAL_SCHEDULE_S = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""Seconds from each failed try to the next; after the last one a delivery is given up."""

ANSWER_LIMIT_S = 15.0
SLOTS = 16
SLOTS_PER_HOST = 4
"""A host that lets every message run into the limit keeps no more than these, however many it has coming."""

HAND_SIZE = 1000
"""The most deliveries taken out of the outbox at once; nearly all of them wait for a slot."""

HAND_PER_HOST = 64
"""A host with so many in hand gets no more of them: however many it has coming, those behind them are found."""

REST_LIMIT_S = 5.0
"""How long a message waits that nobody woke us for: one that another process wrote."""


class Outbox(Protocol):
    """What of the store is used here."""

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str]
    ) -> tuple[list[Delivery], datetime | None]: ...

    async def note_delivery(
        self, delivery_id: str, *, is_done: bool, outcome: str, due_at: datetime | None, now: datetime
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    is_done: bool
    text: str


def usual_schedule(dialect: str) -> Sequence[float]:
    return USUAL_SCHEDULE_S


class Courier:
    """`schedule_for` tells the seconds between a dialect's tries."""

    def __init__(
        self,
        store: Outbox,
        client: GuardedClient,
        dialects: Mapping[str, Dialect],
        reply_for: Callable[[Delivery], Awaitable[Reply]],
        clock: Clock,
        schedule_for: Callable[[str], Sequence[float]] = usual_schedule,
    ) -> None:
        self._store = store
        self._client = client
        self._dialects = dialects
        self._reply_for = reply_for
        self._clock = clock
        self._schedule_for = schedule_for
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._in_hand_of: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(SLOTS)
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._is_closed = False
        self._woken = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    def wake(self) -> None:
        """Look into the outbox now: something was written to it."""
        self._woken.set()

    async def close(self) -> None:
        """End `run`. What is on its way is cut off and stays in the outbox, to go out again at the next start."""
        self._is_closed = True
        self.wake()
        await self._ended.wait()

    async def run(self) -> None:
        self._ended.clear()
        try:
            while not self._is_closed:
                self._woken.clear()
                await self._rest(until=await self._look())
        finally:
            for task in self._in_hand.values():
                task.cancel()
            await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
            self._ended.set()

    async def _look(self) -> datetime | None:
        try:
            return await self._take_due()
        except Exception:
            log.exception("the outbox could not be read; it is looked into again")
            return None

    async def _take_due(self) -> datetime | None:
        """Send off what is due; returns when the next one will be."""
        # From before the question: what is noted while it is answered may still stand in the answer, and has gone out.
        in_hand = set(self._in_hand)
        busy = [host for host, count in self._in_hand_of.items() if count >= HAND_PER_HOST]
        due, next_due_at = await self._store.due_deliveries(now=self._clock.now(), limit=HAND_SIZE, busy_hosts=busy)
        new = [delivery for delivery in due if delivery.id not in in_hand]
        for delivery in new:
            task = asyncio.create_task(self._carry(delivery))
            task.add_done_callback(_tell_of_fault)
            self._in_hand[delivery.id] = task
            self._in_hand_of[host_of(delivery.url)] += 1
        if new and len(due) == HAND_SIZE:
            self.wake()  # there may be more, for hosts that are less busy
        return next_due_at

    async def _rest(self, *, until: datetime | None) -> None:
        seconds = REST_LIMIT_S if until is None else (until - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0), REST_LIMIT_S)):
                await self._woken.wait()

    async def _carry(self, delivery: Delivery) -> None:
        try:
            # Its host's lane first: who waits there keeps no slot from others.
            async with self._lane(host_of(delivery.url)), self._slots:
                outcome = await self._try(delivery)
            due_at = await self._note(delivery, outcome)
        finally:
            left = self._leave(delivery)
        if due_at is not None or left == HAND_PER_HOST // 2:
            self.wake()

    def _leave(self, delivery: Delivery) -> int:
        """Out of our hands; returns how many of its host's are left."""
        del self._in_hand[delivery.id]
        host = host_of(delivery.url)
        self._in_hand_of[host] -= 1
        left = self._in_hand_of[host]
        if left == 0:
            del self._in_hand_of[host]
        return left

    def _lane(self, host: str) -> asyncio.Semaphore:
        """Forgotten with the last delivery that holds it."""
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = asyncio.Semaphore(SLOTS_PER_HOST)
        return lane

    async def _try(self, delivery: Delivery) -> Outcome:
        try:
            return await self._send(delivery)
        except Refused as refusal:
            return Outcome(is_done=False, text=refusal.reason)
        except Exception:
            # A bug in one dialect's message uses up that message's tries and nothing else.
            log.exception("a webhook could not be made", delivery=delivery.id, dialect=delivery.dialect)
            return Outcome(is_done=False, text="internal error")

    async def _send(self, delivery: Delivery) -> Outcome:
        # Rendered anew for each try: its signature covers the time it is sent at.
        message = self._dialects[delivery.dialect].message(delivery, await self._reply_for(delivery))
        if message is None:
            return Outcome(is_done=True, text="not sent")
        status = await self._client.post(
            delivery.url, body=message.body, headers=message.headers, seconds=ANSWER_LIMIT_S
        )
        return Outcome(is_done=200 <= status < 300, text=f"answered {status}")

    async def _note(self, delivery: Delivery, outcome: Outcome) -> datetime | None:
        """Write down how a try went; returns when the next one is due, if there is to be one."""
        now = self._clock.now()
        schedule_s = self._schedule_for(delivery.dialect)
        due_at = None
        if not outcome.is_done and delivery.tries < len(schedule_s):
            due_at = now + timedelta(seconds=schedule_s[delivery.tries])
        await self._store.note_delivery(
            delivery.id, is_done=outcome.is_done, outcome=outcome.text, due_at=due_at, now=now
        )
        _tell(delivery, outcome, due_at)
        return due_at


def _tell(delivery: Delivery, outcome: Outcome, due_at: datetime | None) -> None:
    # The host only: the rest of the URL may carry the receiver's secrets.
    about = log.bind(
        delivery=delivery.id,
        generation=delivery.generation.id,
        host=host_of(delivery.url),
        outcome=outcome.text,
        tries=delivery.tries + 1,
    )
    if outcome.is_done:
        about.info("webhook settled")
    elif due_at is not None:
        about.warning("webhook failed", due_at=due_at.isoformat())
    else:
        about.warning("webhook given up")


def _tell_of_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a delivery was not noted, and will go out again", exc_info=task.exception())
