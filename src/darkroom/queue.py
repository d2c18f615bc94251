"""Brings a generation's id to the worker: lanes with so many slots each, first come, first served.

In memory, for one process. It is never the truth: whatever it forgets, the sweeper finds in the store again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

log = structlog.get_logger(__name__)

Handler = Callable[[str], Awaitable[None]]


class Dispatcher:
    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self._waiting: dict[str, deque[str]] = {lane: deque() for lane in slots}
        self._lane_of: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, float] = {}
        self._resting: dict[str, asyncio.TimerHandle] = {}
        self._unserved: set[str] = set()
        self._handler: Handler | None = None

    def start(self, handler: Handler) -> None:
        self._handler = handler
        for lane in self._slots:
            self._fill(lane)

    def enqueue(self, generation_id: str, *, lane: str) -> None:
        """Enqueue an id; one that is waiting, in hand or put off already stays as it is."""
        if generation_id in self._lane_of or generation_id in self._resting:
            return
        if lane not in self._slots:
            if lane not in self._unserved:
                self._unserved.add(lane)
                log.error("no provider of this server has this lane; its generations wait", lane=lane)
            return
        self._lane_of[generation_id] = lane
        self._waiting[lane].append(generation_id)
        self._fill(lane)

    def again(self, generation_id: str, *, after_s: float) -> None:
        """Called by the handler of an id: bring it once more, some time after this handler has ended."""
        self._again[generation_id] = after_s

    def position(self, generation_id: str) -> int | None:
        """How many wait before it in its lane; None for one that does not wait."""
        lane = self._lane_of.get(generation_id)
        if lane is None or generation_id in self._tasks:
            return None
        try:
            return self._waiting[lane].index(generation_id)
        except ValueError:
            return None

    def interrupt(self, generation_id: str) -> bool:
        """Cancel the handler of an id, or take the id out of its lane; tells whether there was something to stop."""
        task = self._tasks.get(generation_id)
        if task is not None:
            # Told already: a second cancel would cut off its goodbye to the provider.
            return task.cancelling() == 0 and task.cancel()
        timer = self._resting.pop(generation_id, None)
        if timer is not None:
            timer.cancel()
            return True
        lane = self._lane_of.get(generation_id)
        if lane is None or generation_id not in self._waiting[lane]:
            return False
        self._waiting[lane].remove(generation_id)
        del self._lane_of[generation_id]
        return True

    @property
    def depths(self) -> Mapping[str, int]:
        """How many wait in each lane."""
        return {lane: len(waiting) for lane, waiting in self._waiting.items()}

    @property
    def in_hand(self) -> int:
        return len(self._tasks)

    async def close(self, *, limit_s: float) -> None:
        """Hand out nothing more, let what is in hand end within the limit, then cancel it."""
        self._handler = None
        for timer in self._resting.values():
            timer.cancel()
        self._resting.clear()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=limit_s)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    def _fill(self, lane: str) -> None:
        waiting = self._waiting[lane]
        while self._handler is not None and waiting and self._slots[lane] > 0:
            generation_id = waiting.popleft()
            self._slots[lane] -= 1
            task = asyncio.ensure_future(self._handler(generation_id))
            self._tasks[generation_id] = task
            task.add_done_callback(partial(self._done, generation_id))

    def _done(self, generation_id: str, task: "asyncio.Task[None]") -> None:
        lane = self._lane_of.pop(generation_id)
        del self._tasks[generation_id]
        self._slots[lane] += 1
        if not task.cancelled() and task.exception() is not None:
            # The row is as it was: the sweeper will bring the id again.
            log.error("a worker stumbled", generation=generation_id, exc_info=task.exception())
        after_s = self._again.pop(generation_id, None)
        if after_s is not None and self._handler is not None:
            loop = asyncio.get_running_loop()
            self._resting[generation_id] = loop.call_later(after_s, self._wake, generation_id, lane)
        self._fill(lane)

    def _wake(self, generation_id: str, lane: str) -> None:
        del self._resting[generation_id]
        self.enqueue(generation_id, lane=lane)
