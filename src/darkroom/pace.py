"""When to ask a provider whether work has ended: each generation at its own moment, learnt from those before it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from darkroom.attempts import Errand
from darkroom.clock import Clock
from darkroom.history import History
from darkroom.ports import Pace

ENOUGH = 20
"""Observations from which on the quickest of them says how early an end is plausible."""

EARLY = 0.8
"""The first look is at this part of the quickest observed: where a provider becomes quicker, looks follow it down."""

LATE = 1.25
"""Past so many times the slowest observed, or twice the catalogue's guess, an end is not to be expected soon."""

EASING = 0.1
"""How late it is already, times this, is the time between two looks at what is late."""

SOON = 0.25
"""After an answer that was an error, and after a nudge, the next look may be this part of an interval away."""

LONGEST_AFTER_S = 300.0
"""A provider that wants to be left alone for longer than this is asked all the same."""

LOOKS_AT_ONCE = 256
"""Looks in flight at one provider: ten thousand that a restart finds running do not all ask in the same moment."""


STARTS_AT_ONCE = 128
"""Paid calls in flight at one provider: one that waits for a connection must not be taken for a lost answer."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`earliest_s` and `late_s` count from when the work was sent."""

    pace: Pace
    earliest_s: float = 0.0
    late_s: float = 0.0

    @classmethod
    def learnt(cls, observed_s: Sequence[float], expected_s: tuple[int, int], pace: Pace) -> "Schedule":
        earliest_s = EARLY * min(observed_s) if len(observed_s) >= ENOUGH else 0.0
        guessed_s = 2.0 * expected_s[1] if len(observed_s) < ENOUGH else 0.0
        return cls(pace, earliest_s, LATE * max(guessed_s, *observed_s, 0.0))

    def after_look_s(self, age_s: float) -> float:
        """From a look that found work of this age unfinished to the next one."""
        eased_s = max((age_s - self.late_s) * EASING, self.pace.interval_s)
        return max(self.earliest_s - age_s, min(eased_s, self.pace.longest_s))

    def after_miss_s(self, misses: int) -> float:
        """After a look that was not answered: soon at first, as the work may have ended meanwhile."""
        return min(self.soon_s * 2.0 ** min(misses - 1, 20), self.pace.longest_s)

    def bounded_s(self, asked_s: float) -> float:
        """A provider's own wish."""
        return min(max(asked_s, self.soon_s), LONGEST_AFTER_S)

    @property
    def soon_s(self) -> float:
        return self.pace.interval_s * SOON


class Watch:
    """The moments at which one generation's work is looked at. `age_s` is how long ago it was sent."""

    def __init__(self, schedule: Schedule, *, age_s: float, first_s: float) -> None:
        self._schedule = schedule
        now = asyncio.get_running_loop().time()
        self._sent = now - age_s
        self._asked = now
        self._due = now + first_s
        self._misses = 0
        self._is_nudged = False
        self._resting: asyncio.Future[None] | None = None

    @property
    def age_s(self) -> float:
        """How long ago the work had been sent at the last look."""
        return self._asked - self._sent

    async def rest(self) -> None:
        """Until the next look is due, or a nudge has come."""
        loop = asyncio.get_running_loop()
        while self._due > loop.time():
            # Not asyncio.sleep in a task of its own: one that waits among ten thousand is a future and a timer.
            self._resting = loop.create_future()
            timer = loop.call_at(self._due, _free, self._resting)
            try:
                await self._resting
            finally:
                timer.cancel()
                self._resting = None

    def ask(self) -> None:
        """A look begins."""
        self._asked = asyncio.get_running_loop().time()
        self._is_nudged = False

    def found_unfinished(self, after_s: float | None) -> None:
        self._misses = 0
        planned_s = self._schedule.after_look_s(self.age_s)
        self._next(planned_s if after_s is None else self._schedule.bounded_s(after_s))

    def missed(self, retry_after_s: float | None) -> None:
        self._misses += 1
        planned_s = self._schedule.after_miss_s(self._misses)
        self._next(planned_s if retry_after_s is None else self._schedule.bounded_s(retry_after_s))

    def nudge(self) -> None:
        """Look at once; but whoever nudges all the time does not make us ask all the time."""
        self._is_nudged = True
        self._due = min(self._due, self._asked + self._schedule.soon_s)
        if self._resting is not None:
            _free(self._resting)

    def _next(self, after_s: float) -> None:
        # From when it was asked, not from its answer: a slow answer must not make the interval longer.
        self._due = self._asked + (min(after_s, self._schedule.soon_s) if self._is_nudged else after_s)


class Pacer:
    def __init__(self, *, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._watches: dict[str, Watch] = {}
        self._looks: dict[str, asyncio.Semaphore] = {}
        self._starts: dict[str, asyncio.Semaphore] = {}

    @contextmanager
    def watching(self, errand: Errand) -> Iterator[Watch]:
        """The moments to look at work under way."""
        age_s = self._age_s(errand.sent_at)
        observed_s = self._history.upstream_s(errand.generation.model, errand.provider.name)
        schedule = Schedule.learnt(observed_s, errand.work.expected_wait_s, errand.provider.pace)
        first_s = 0.0
        if not errand.is_here:
            first_s = schedule.after_look_s(age_s)
            if errand.left.ticket is not None and age_s >= schedule.earliest_s:
                # Ten thousand that a restart has found are not looked at in step from now on.
                first_s *= _spread(errand.generation.id)
        with self._entered(errand.generation.id, Watch(schedule, age_s=age_s, first_s=first_s)) as watch:
            yield watch

    @contextmanager
    def watching_slowly(self, errand: Errand, since: datetime) -> Iterator[Watch]:
        """The moments to look at what has been held since then."""
        schedule = Schedule(errand.provider.pace)
        age_s = self._age_s(since)
        watch = Watch(schedule, age_s=age_s, first_s=schedule.after_look_s(age_s))
        with self._entered(errand.generation.id, watch):
            yield watch

    def nudge(self, generation_id: str) -> bool:
        """Tells whether anyone here looks at its work."""
        watch = self._watches.get(generation_id)
        if watch is not None:
            watch.nudge()
        return watch is not None

    def looking(self, provider: str) -> asyncio.Semaphore:
        """Held while a provider is asked."""
        return self._looks.setdefault(provider, asyncio.Semaphore(LOOKS_AT_ONCE))

    def starting(self, provider: str) -> asyncio.Semaphore:
        """Held while work is sent to a provider."""
        return self._starts.setdefault(provider, asyncio.Semaphore(STARTS_AT_ONCE))

    def learn(self, errand: Errand, watch: Watch) -> None:
        """It has been found to have ended."""
        if not errand.is_here:
            self._history.learn(errand.generation.model, errand.provider.name, watch.age_s)

    def _age_s(self, since: datetime | None) -> float:
        return 0.0 if since is None else max((self._clock.now() - since).total_seconds(), 0.0)

    @contextmanager
    def _entered(self, generation_id: str, watch: Watch) -> Iterator[Watch]:
        self._watches[generation_id] = watch
        try:
            yield watch
        finally:
            if self._watches.get(generation_id) is watch:
                del self._watches[generation_id]


def _spread(generation_id: str) -> float:
    """From 0 to 1, by the random part of an id."""
    return int(generation_id[-6:], 16) / 0xFFFFFF


def _free(resting: "asyncio.Future[None]") -> None:
    if not resting.done():
        resting.set_result(None)
