"""Submits that are sent again: one generation and one hold, however often a request arrives.

With an idempotency key there is no doubt. Without one, a request is the same as an earlier one where it says so itself,
or where the earlier one's answer had nobody to go to: its connection had died.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeGuard

import structlog

from darkroom.clock import Clock
from darkroom.generation import Generation
from darkroom.ports import KEYS_LIVE, Store
from darkroom.verbs import Asking

log = structlog.get_logger(__name__)

MOST_LOST = 10_000

Who = tuple[str, str, bytes]


class Retries:
    """`window_s` is how long a request without a key may be taken for one that came before; 0 is never."""

    def __init__(self, *, store: Store, clock: Clock, window_s: float) -> None:
        self._store = store
        self._clock = clock
        self._window = timedelta(seconds=window_s)
        self._lost: dict[Who, deque[tuple[datetime, Asking]]] = {}
        self._underway: dict[Who, Asking] = {}
        self.told: Callable[[str, str], None] = lambda dialect, reason: None
        """Hears of each submit that was known, by dialect and reason."""

    @property
    def lost(self) -> int:
        """Answers that nobody was there for, and that nobody has asked for again."""
        return sum(map(len, self._lost.values()))

    @property
    def knows_the_keyless(self) -> bool:
        return self._window > timedelta(0)

    def is_guessing(self, asking: Asking | None) -> TypeGuard[Asking]:
        """Whether a request that comes again would have to be known by its fate: it has no key."""
        return asking is not None and asking.key is None and self.knows_the_keyless

    async def first(self, asking: Asking) -> Generation | None:
        """What the same request led to before; None where this is the first. Raises `IdempotencyConflict`.

        Call `end` when it is known what this one leads to.
        """
        if asking.key is not None:
            known = await self._store.find_keyed(
                asking.account_id, asking.key, asking.fingerprint, since=self._clock.now() - KEYS_LIVE
            )
            return known and self.known(asking, known, "key")
        if not self.knows_the_keyless:
            return None
        who = _who(asking)
        earlier = self._underway.get(who)
        self._underway[who] = asking
        lost = await self._find_lost(asking) if self._lost else None
        if lost is not None:
            return self.known(asking, lost, "lost answer")
        if not asking.is_retry:
            return None
        alike = await self._find_alike(asking, earlier)
        return alike and self.known(asking, alike, "retry count")

    def end(self, asking: Asking, generation_id: str | None) -> None:
        """What `first` was asked about led to this generation; None where it was refused."""
        asking.decide(generation_id)
        if asking.key is None and self._underway.get(who := _who(asking)) is asking:
            del self._underway[who]

    def known(self, asking: Asking, generation: Generation, reason: str) -> Generation:
        """Write down that a submit is answered with an earlier one's generation."""
        asking.is_replay = True
        asking.decide(generation.id)
        log.info("a submit came again", generation=generation.id, dialect=asking.dialect, reason=reason)
        self.told(asking.dialect, reason)
        return generation

    def lose(self, asking: Asking | None) -> None:
        """Nobody gets the answer to this one: the next request that is the same asks for it once more."""
        if not self.is_guessing(asking):
            return
        if len(self._lost) >= MOST_LOST:
            self._forget(self._clock.now())
        self._lost.setdefault(_who(asking), deque()).append((self._clock.now(), asking))

    async def recall(self) -> None:
        """After a crash: what was accepted in its last second may not have been answered."""
        if not self.knows_the_keyless:
            return
        for accepted in await self._store.last_accepted(since=self._clock.now() - self._window):
            asking = Asking(account_id=accepted.account_id, dialect=accepted.dialect, fingerprint=accepted.fingerprint)
            asking.decide(accepted.generation_id)
            self.lose(asking)

    async def _find_lost(self, asking: Asking) -> Generation | None:
        now = self._clock.now()
        lost = self._lost.get(_who(asking))
        while lost:
            at, earlier = lost.popleft()
            if not lost:
                self._lost.pop(_who(asking), None)
            generation_id = await earlier.outcome() if now - at <= self._window else None
            if generation_id is not None:
                return await self._store.get(generation_id)
        return None

    async def _find_alike(self, asking: Asking, earlier: Asking | None) -> Generation | None:
        now = self._clock.now()
        # A disk that stalls is when callers lose patience: the first may not be stored yet.
        generation_id = await earlier.outcome() if earlier is not None else None
        if generation_id is not None:
            return await self._store.get(generation_id)
        return await self._store.find_alike(
            asking.account_id, asking.dialect, asking.fingerprint, since=now - self._window
        )

    def _forget(self, now: datetime) -> None:
        for who, lost in list(self._lost.items()):
            if now - lost[-1][0] > self._window:
                del self._lost[who]
        while len(self._lost) >= MOST_LOST:
            del self._lost[next(iter(self._lost))]


def _who(asking: Asking) -> Who:
    return asking.account_id, asking.dialect, asking.fingerprint
