"""One wait, shared by long-polls, streams and the command line: whoever waits costs the store nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from darkroom.generation import TERMINAL, Generation, Status

MOST_BEHIND = 1_000
"""Changes that are kept for a listener who does not take them: past that it is cut off, and asks again where it was."""

MOMENT_S = 0.05
"""A wait may be so much longer than its limit."""

RANKS = {status: 2 if status in TERMINAL else int(status is Status.RUNNING) for status in Status}
"""How far a generation has come: queued, running, ended."""


def has_reached(generation: Generation, until: Status) -> bool:
    return RANKS[generation.status] >= RANKS[until]


@dataclass(slots=True)
class Change:
    """What a generation has changed to, None where the bell was closed; and the future of the change after it: whoever
    comes late misses none."""

    generation: Generation | None
    following: "asyncio.Future[Change]"
    number: int


Seat = asyncio.Future[None]
"""Done when the one who sits there has waited enough."""


class _Room:
    """Those who wait for one generation to come so far, and those who watch each of its changes, or an account's."""

    def __init__(self) -> None:
        self.people = 0
        self.rung = 0
        self.next: asyncio.Future[Change] = asyncio.get_running_loop().create_future()
        self.latest: Generation | None = None
        self._seats: dict[Status | None, set[Seat]] = {}

    def ring(self, generation: Generation | None) -> None:
        self.latest = generation or self.latest
        self.rung += 1
        rung, self.next = self.next, asyncio.get_running_loop().create_future()
        rung.set_result(Change(generation, self.next, self.rung))
        # A change that is not yet what they wait for wakes none of a thousand.
        for until, seats in self._seats.items():
            if generation is None or until is None or has_reached(generation, until):
                for seat in seats:
                    _free(seat)

    def sit(self, until: Status | None) -> Seat:
        """A seat for one that waits for a status, or for any change at all."""
        seat: Seat = asyncio.get_running_loop().create_future()
        self.take(seat, until)
        return seat

    def take(self, seat: Seat, until: Status | None) -> None:
        """One seat may stand in several rooms: it is freed by the first of them that comes so far."""
        self._seats.setdefault(until, set()).add(seat)

    def stand_up(self, seat: Seat, until: Status | None) -> None:
        self._seats[until].discard(seat)


def _free(seat: Seat) -> None:
    if not seat.done():
        seat.set_result(None)


class _Limits:
    """Frees seats whose time is up. Those whose limits end within the same moment share a timer, at its end: of ten
    thousand that wait each is half a KiB smaller, and a thousand that are told of an end have no timers to stop."""

    def __init__(self) -> None:
        self._ending: dict[int, set[Seat]] = {}

    def add(self, seat: Seat, limit_s: float) -> int:
        """Returns the moment, for `drop`."""
        loop = asyncio.get_running_loop()
        moment = int((loop.time() + limit_s) / MOMENT_S) + 1
        seats = self._ending.get(moment)
        if seats is None:
            seats = self._ending[moment] = set()
            loop.call_at(moment * MOMENT_S, self._end, moment)
        seats.add(seat)
        return moment

    def drop(self, seat: Seat, moment: int) -> None:
        """It waits no more."""
        if moment in self._ending:
            self._ending[moment].discard(seat)

    def _end(self, moment: int) -> None:
        for seat in self._ending.pop(moment):
            _free(seat)


class Watch:
    """A context in which no change of a generation, or of an account's, is missed.

    Not a generator: of ten thousand that watch each is the smaller for it, and a thousand that are told of an end are
    told sooner.
    """

    __slots__ = ("_bell", "_following", "_name", "_room")

    def __init__(self, bell: "Bell", name: str) -> None:
        self._bell = bell
        self._name = name

    def __enter__(self) -> "Watch":
        self._room = self._bell.enter(self._name)
        self._following = self._room.next
        return self

    def __exit__(self, *_: object) -> None:
        self._bell.leave(self._name, self._room)

    async def next(self, limit_s: float) -> Change | None:
        """The next change; None where there was none within the limit."""
        following = self._following
        if not following.done():
            seat = self._room.sit(None)
            moment = self._bell.limits.add(seat, limit_s)
            try:
                await seat
            finally:
                self._bell.limits.drop(seat, moment)
                self._room.stand_up(seat, None)
            if not following.done():
                return None
        change = following.result()
        self._following = change.following
        return change

    def is_behind(self, change: Change) -> bool:
        """Whether far too much has changed since."""
        return self._room.rung - change.number > MOST_BEHIND


class Bell:
    """Rings for everyone who waits for a generation, with the generation itself: nobody needs to ask the store."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._progress: dict[str, float] = {}
        self.limits = _Limits()
        self.is_closed = False

    def changed(self, generation: Generation) -> None:
        if generation.status is not Status.RUNNING:
            self._progress.pop(generation.id, None)
        self._ring(generation)

    def report(self, generation: Generation, progress: float) -> None:
        """Progress from 0 to 1 of a running generation: told to those who watch, and kept in memory only."""
        self._progress[generation.id] = round(min(max(progress, 0.0), 1.0), 3)
        self._ring(self.with_progress(generation))

    def with_progress(self, generation: Generation) -> Generation:
        if generation.status is not Status.RUNNING or generation.id not in self._progress:
            return generation
        return replace(generation, progress=self._progress[generation.id])

    @property
    def waiters(self) -> int:
        return sum(room.people for room in self._rooms.values())

    async def reach(
        self, generation_id: str, until: Status, *, limit_s: float, read: Callable[[str], Awaitable[Generation]]
    ) -> Generation:
        """The generation once it has come to `until` or past it, or as it is after `limit_s` seconds, with its
        progress."""
        # Take a seat before looking, or a change between the look and the wait is never heard of.
        room = self.enter(generation_id)
        seat = room.sit(until)
        try:
            generation = await read(generation_id)
            if has_reached(generation, until) or self.is_closed:
                return self.with_progress(generation)
            # Not asyncio.timeout, which cancels: a thousand that are woken at once are each a few microseconds cheaper.
            moment = self.limits.add(seat, limit_s)
            try:
                await seat
            finally:
                self.limits.drop(seat, moment)
            return self.with_progress(room.latest or generation)
        finally:
            room.stand_up(seat, until)
            self.leave(generation_id, room)

    def watch(self, generation_id: str) -> Watch:
        """Look at the generation inside: what changes from then on is heard."""
        return Watch(self, generation_id)

    async def listen(self, account_id: str, *, every_s: float) -> AsyncIterator[Generation | None]:
        """Each change of an account's generations; None at first, and where nothing has changed for `every_s` seconds.
        Ends when the server does, and with a listener that has fallen far behind."""
        with Watch(self, account_id) as watch:
            yield None
            while not self.is_closed:
                change = await watch.next(every_s)
                if change is None:
                    yield None
                elif watch.is_behind(change):
                    return
                elif change.generation is not None:
                    yield change.generation

    async def reach_any(
        self, ids: Sequence[str], until: Status, *, limit_s: float, read: Callable[[str], Awaitable[Generation]]
    ) -> None:
        """Returns once one of them has come to `until` or past it, or after `limit_s` seconds."""
        seat: Seat = asyncio.get_running_loop().create_future()
        rooms = [(generation_id, self.enter(generation_id)) for generation_id in ids]
        try:
            for _, room in rooms:
                room.take(seat, until)
            if self.is_closed or any([has_reached(await read(generation_id), until) for generation_id in ids]):
                return
            moment = self.limits.add(seat, limit_s)
            try:
                await seat
            finally:
                self.limits.drop(seat, moment)
        finally:
            for generation_id, room in rooms:
                room.stand_up(seat, until)
                self.leave(generation_id, room)

    def close(self) -> None:
        """Answer everyone who waits with what is known, now and from now on."""
        self.is_closed = True
        for room in self._rooms.values():
            room.ring(None)

    def _ring(self, generation: Generation) -> None:
        for name in (generation.id, generation.account_id):
            room = self._rooms.get(name)
            if room is not None:
                room.ring(generation)

    def enter(self, generation_id: str) -> _Room:
        room = self._rooms.get(generation_id)
        if room is None:
            room = self._rooms[generation_id] = _Room()
        room.people += 1
        return room

    def leave(self, generation_id: str, room: _Room) -> None:
        room.people -= 1
        if room.people == 0:
            del self._rooms[generation_id]


Listener = Callable[[Generation], None]


class FrontDesk:
    """Tells everyone who needs to know that a generation has changed."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)
        self._counting: list[Listener] = []

    def listen(self, *listeners: Listener) -> None:
        self._listeners.extend(listeners)

    def count(self, *listeners: Listener) -> None:
        """Tell them only what this process has changed itself: of many that hear of everything, one counts it."""
        self._counting.extend(listeners)

    def changed(self, generation: Generation) -> None:
        for listener in self._counting:
            listener(generation)
        self.heard(generation)

    def heard(self, generation: Generation) -> None:
        """Another process has changed it."""
        for listener in self._listeners:
            listener(generation)
