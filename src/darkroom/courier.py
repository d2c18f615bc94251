"""Delivers webhooks from the store's outbox: at least once, each under one id, tried on a schedule until given up."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import msgspec
import structlog

from darkroom import signing
from darkroom.clock import Clock
from darkroom.guarded import GuardedClient, Refused, host_of
from darkroom.patience import HOPELESS_AFTER, USUAL_SCHEDULE_S, Outcome, Stretch, jitter, next_try_at, outcome_of
from darkroom.webhook import Bulletin, Delivery, Outbox, Parcel, Try
from darkroom.wire import Dialect, Message, Reply

log = structlog.get_logger(__name__)

ANSWER_LIMIT_S = 15.0
SLOTS = 256
"""So many at once: a slot costs a socket, and a hundred hosts that answer nobody must not hold them all."""

SLOTS_PER_HOST = 4
"""A host that lets every message run into the limit keeps no more than these, however many it has coming."""

HAND_SIZE = 1000
"""The most deliveries taken out of the outbox at once; nearly all of them wait for a slot."""

HAND_PER_HOST = 64
"""A host with so many in hand gets no more of them: however many it has coming, those behind them are found."""

REST_LIMIT_S = 5.0
"""How long a message waits that nobody woke us for: one that another process wrote."""

STIR_S = 0.02
"""So often the outbox is looked into where nothing more is known than that something may have been written to it."""


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
        stretch: Stretch = jitter,
    ) -> None:
        self._store = store
        self._client = client
        self._dialects = dialects
        self._reply_for = reply_for
        self._clock = clock
        self._schedule_for = schedule_for
        self._stretch = stretch
        self._resting: dict[str, datetime] = {}
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._in_hand_of: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(SLOTS)
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._is_closed = False
        self._woken = asyncio.Event()
        self._stirred: asyncio.TimerHandle | None = None
        self._stirred_at = 0.0
        self._ended = asyncio.Event()
        self._ended.set()

    def wake(self) -> None:
        """Look into the outbox now: something was written to it."""
        self._woken.set()

    def stir(self) -> None:
        """Look into the outbox soon: something may have been written to it. Thousands of these a second are one look
        after the other, and not thousands."""
        loop = asyncio.get_running_loop()
        if self._stirred is None:
            self._stirred = loop.call_at(max(self._stirred_at + STIR_S, loop.time()), self._look_soon)

    def _look_soon(self) -> None:
        self._stirred = None
        self._stirred_at = asyncio.get_running_loop().time()
        self.wake()

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
            if self._stirred is not None:
                self._stirred.cancel()
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
        new = await self._without_resting([delivery for delivery in due if delivery.id not in in_hand])
        for delivery in new:
            task = asyncio.create_task(self._carry(delivery))
            task.add_done_callback(_tell_of_fault)
            self._in_hand[delivery.id] = task
            self._in_hand_of[host_of(delivery.url)] += 1
        if len(due) == HAND_SIZE and any(delivery.id not in in_hand for delivery in due):
            self.wake()  # there may be more, for hosts that are less busy
        return next_due_at

    def _end_of_rest(self, parcel: Parcel) -> datetime | None:
        until = self._resting.get(parcel.url)
        return None if until is None or until <= self._clock.now() else until

    async def _without_resting(self, new: list[Parcel]) -> list[Parcel]:
        """All but those to receivers that asked for a rest: these are due again at its end."""
        now = self._clock.now()
        self._resting = {url: until for url, until in self._resting.items() if until > now}
        if not self._resting:
            return new
        for url, until in self._resting.items():
            early = [parcel.id for parcel in new if parcel.url == url]
            if early:
                await self._store.postpone_deliveries(early, due_at=until)
        return [parcel for parcel in new if parcel.url not in self._resting]

    async def _rest(self, *, until: datetime | None) -> None:
        seconds = REST_LIMIT_S if until is None else (until - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0), REST_LIMIT_S)):
                await self._woken.wait()

    async def _carry(self, parcel: Parcel) -> None:
        try:
            # Its host's lane first: who waits there keeps no slot from others.
            async with self._lane(host_of(parcel.url)), self._slots:
                due_at, has_next = self._end_of_rest(parcel), False
                if due_at is None:
                    due_at, has_next = await self._try(parcel)
                else:
                    await self._store.postpone_deliveries([parcel.id], due_at=due_at)
        finally:
            left = self._leave(parcel)
        if due_at is not None or has_next or left == HAND_PER_HOST // 2:
            self.wake()

    def _leave(self, delivery: Parcel) -> int:
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

    async def _try(self, parcel: Parcel) -> tuple[datetime | None, bool]:
        """Send it, and write down how that went: when the next try is due, and whether another message is now."""
        at, began = self._clock.now(), time.perf_counter()
        message, outcome = await self._send(parcel)
        now = self._clock.now()
        schedule_s = self._schedule_for(parcel.dialect)
        due_at = next_try_at(outcome, tries=parcel.tries, schedule_s=schedule_s, now=now, stretch=self._stretch)
        if outcome.rest_s > 0:
            self._resting[parcel.url] = now + timedelta(seconds=outcome.rest_s)
        made = (
            None
            if message is None
            else Try(
                at=at,
                latency_ms=round((time.perf_counter() - began) * 1000),
                status=outcome.status,
                outcome=outcome.text,
                headers=message.headers,
                body=message.body.decode("utf-8", "replace"),
            )
        )
        has_next = await self._store.note_delivery(
            parcel.id,
            is_done=outcome.is_done,
            outcome=outcome.text,
            due_at=due_at,
            now=now,
            made=made,
            disable_why=outcome.disable_why,
            hopeless_since=now - HOPELESS_AFTER,
        )
        _tell(parcel, outcome, due_at)
        return due_at, has_next

    async def _send(self, parcel: Parcel) -> tuple[Message | None, Outcome]:
        message = None
        try:
            # Made anew for each try: its signature covers the time it is sent at.
            message = await self._message(parcel)
            if message is None:
                return None, Outcome(is_done=True, text="not sent")
            answered = await self._client.post(
                parcel.url, body=message.body, headers=message.headers, seconds=ANSWER_LIMIT_S
            )
            return message, outcome_of(answered, now=self._clock.now())
        except Refused as refusal:
            return message, Outcome(is_done=False, text=refusal.reason)
        except Exception:
            # A bug in one dialect's message uses up that message's tries and nothing else.
            log.exception("a webhook could not be made", delivery=parcel.id, dialect=parcel.dialect)
            return message, Outcome(is_done=False, text="internal error")

    async def _message(self, parcel: Parcel) -> Message | None:
        if isinstance(parcel, Delivery):
            return self._dialects[parcel.dialect].message(parcel, await self._reply_for(parcel))
        assert isinstance(parcel, Bulletin)
        body = msgspec.json.encode({"type": parcel.event, "timestamp": parcel.created_at, "data": parcel.data})
        return Message(body, signing.headers(parcel, body, now=self._clock.now()))


def _tell(parcel: Parcel, outcome: Outcome, due_at: datetime | None) -> None:
    # The host only: the rest of the URL may carry the receiver's secrets.
    about = log.bind(
        delivery=parcel.id,
        generation=parcel.generation.id if isinstance(parcel, Delivery) else None,
        host=host_of(parcel.url),
        outcome=outcome.text,
        tries=parcel.tries + 1,
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
