"""Brings generations' ids to the worker: lanes with so many slots each, accounts in fair turns.

In memory, for one process. It is never the truth: whatever it forgets, the sweeper finds in the store again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from msgspec.structs import replace

from darkroom.ports import Turn
from darkroom.turns import Turns

log = structlog.get_logger(__name__)

Handler = Callable[[str], Awaitable[None]]


class Dispatcher:
    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self._turns = {lane: Turns() for lane in slots}
        self._known: dict[str, Turn] = {}
        self._running: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, tuple[float, str]] = {}
        self._resting: dict[str, asyncio.TimerHandle] = {}
        self._unserved: set[str] = set()
        self._handler: Handler | None = None

    def start(self, handler: Handler) -> None:
        self._handler = handler
        for lane in self._slots:
            self._fill(lane)

    @property
    def is_served(self) -> bool:
        """Whether somebody takes what is brought."""
        return self._handler is not None

    def enqueue(self, turn: Turn) -> None:
        """Enqueue a generation; one that is waiting, in hand or put off already stays as it is."""
        if turn.id in self._known or turn.id in self._resting:
            return
        if turn.lane not in self._slots:
            if turn.lane not in self._unserved:
                self._unserved.add(turn.lane)
                log.error("no provider of this server has this lane; its generations wait", lane=turn.lane)
            return
        self._known[turn.id] = turn
        self._turns[turn.lane].add(turn, may_run=self._may_run(turn))
        self._fill(turn.lane)

    def again(self, generation_id: str, *, after_s: float, lane: str) -> None:
        """Called by the handler of an id: bring it once more in this lane, some time after this handler has ended."""
        self._again[generation_id] = (after_s, lane)

    def position(self, generation_id: str) -> int | None:
        """How many are likely to start before it; None for one that does not wait."""
        turn = self._known.get(generation_id)
        return None if turn is None else self._turns[turn.lane].position(generation_id)

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
        turn = self._known.get(generation_id)
        if turn is None or not self._turns[turn.lane].remove(generation_id):
            return False
        del self._known[generation_id]
        return True

    @property
    def depths(self) -> Mapping[str, int]:
        """How many wait in each lane."""
        return {lane: len(turns) for lane, turns in self._turns.items()}

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

    def _may_run(self, turn: Turn) -> bool:
        return turn.run_limit is None or self._running[turn.account_id] < turn.run_limit

    def _fill(self, lane: str) -> None:
        turns = self._turns[lane]
        while self._handler is not None and self._slots[lane] > 0 and (turn := turns.take()) is not None:
            if not self._may_run(turn):
                # Its account has as many as it may have: it is called again when one of them ends.
                turns.add(turn, may_run=False)
                continue
            self._slots[lane] -= 1
            self._running[turn.account_id] += 1
            if self._may_run(turn):
                turns.call(turn.account_id)
            task = asyncio.ensure_future(self._handler(turn.id))
            self._tasks[turn.id] = task
            task.add_done_callback(partial(self._done, turn))

    def _done(self, turn: Turn, task: "asyncio.Task[None]") -> None:
        del self._known[turn.id]
        del self._tasks[turn.id]
        self._slots[turn.lane] += 1
        self._running[turn.account_id] -= 1
        if not self._running[turn.account_id]:
            del self._running[turn.account_id]
        if not task.cancelled() and task.exception() is not None:
            # The row is as it was: the sweeper will bring the id again.
            log.error("a worker stumbled", generation=turn.id, exc_info=task.exception())
        again = self._again.pop(turn.id, None)
        if again is not None and self._handler is not None:
            after_s, lane = again
            loop = asyncio.get_running_loop()
            self._resting[turn.id] = loop.call_later(after_s, self._wake, replace(turn, lane=lane))
        # The account may have been at its limit, in any lane.
        for lane, turns in self._turns.items():
            turns.call(turn.account_id)
            self._fill(lane)

    def _wake(self, turn: Turn) -> None:
        del self._resting[turn.id]
        self.enqueue(turn)
