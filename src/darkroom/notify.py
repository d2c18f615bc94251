"""One wait, shared by long-polls, streams and the command line: whoever waits costs the store nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from darkroom.generation import TERMINAL, Generation, Status

RANKS = {status: 2 if status in TERMINAL else int(status is Status.RUNNING) for status in Status}
"""How far a generation has come: queued, running, ended."""


def has_reached(generation: Generation, until: Status) -> bool:
    return RANKS[generation.status] >= RANKS[until]


@dataclass(slots=True)
class _Change:
    """What has changed, and the future of the change after it: whoever comes late misses none."""

    generation: Generation | None
    following: "asyncio.Future[_Change]"


class _Room:
    """Those who wait for one generation: they share the future of its next change."""

    def __init__(self) -> None:
        self.waiters = 0
        self.next: asyncio.Future[_Change] = asyncio.get_running_loop().create_future()

    def ring(self, generation: Generation | None) -> None:
        rung, self.next = self.next, asyncio.get_running_loop().create_future()
        rung.set_result(_Change(generation, self.next))


class Bell:
    """Rings for everyone who waits for a generation, with the generation itself: nobody needs to ask the store."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._progress: dict[str, float] = {}
        self._is_closed = False

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
        return sum(room.waiters for room in self._rooms.values())

    async def reach(
        self, generation_id: str, until: Status, *, limit_s: float, read: Callable[[], Awaitable[Generation]]
    ) -> Generation:
        """The generation once it has come to `until` or past it, or as it is after `limit_s` seconds."""
        # Take a seat before looking, or a change between the look and the wait is never heard of.
        room = self._enter(generation_id)
        following = room.next
        try:
            generation = await read()
            async with asyncio.timeout(limit_s):
                while not has_reached(generation, until) and not self._is_closed:
                    change = await asyncio.shield(following)
                    generation, following = change.generation or generation, change.following
        except TimeoutError:
            pass
        finally:
            self._leave(generation_id, room)
        return generation

    async def watch(
        self, generation_id: str, *, read: Callable[[], Awaitable[Generation]], every_s: float
    ) -> AsyncIterator[Generation | None]:
        """Each change until the end; None where nothing has changed for `every_s` seconds."""
        room = self._enter(generation_id)
        following = room.next
        try:
            generation = await read()
            yield generation
            while not generation.is_terminal and not self._is_closed:
                try:
                    async with asyncio.timeout(every_s):
                        change = await asyncio.shield(following)
                    generation, following = change.generation or generation, change.following
                    yield generation
                except TimeoutError:
                    yield None
        finally:
            self._leave(generation_id, room)

    def close(self) -> None:
        """Answer everyone who waits with what is known, now and from now on."""
        self._is_closed = True
        for room in self._rooms.values():
            room.ring(None)

    def _ring(self, generation: Generation) -> None:
        room = self._rooms.get(generation.id)
        if room is not None:
            room.ring(generation)

    def _enter(self, generation_id: str) -> _Room:
        room = self._rooms.get(generation_id)
        if room is None:
            room = self._rooms[generation_id] = _Room()
        room.waiters += 1
        return room

    def _leave(self, generation_id: str, room: _Room) -> None:
        room.waiters -= 1
        if room.waiters == 0:
            del self._rooms[generation_id]
