"""Brings generations' ids to the workers of many machines: PgQueuer, in the same PostgreSQL as the generations.

The only file that knows PgQueuer. Entries are written by the store, in the transaction that queues a generation; here
they are taken, so many of a lane at once in the whole cluster. PgQueuer does not fence what it completes: a worker that
was stopped and wakes up may delete the entry of the one that took over. So an entry is never the truth: the row's fence
decides, and the sweep gives an entry to whatever has lost its own.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn, Protocol, TypeVar, cast

import structlog
from pgqueuer import AsyncpgPoolDriver, Job, Queries, QueueManager
from pgqueuer.errors import RetryRequested

from darkroom.errors import MustWait
from darkroom.generation import Generation
from darkroom.ports import Turn

log = structlog.get_logger(__name__)

Handler = Callable[[str], Awaitable[None]]
Result = TypeVar("Result")

HEARTBEAT_LIMIT = timedelta(seconds=10)
"""An entry whose worker has not been heard of for so long is given to another."""

LOOK_EVERY = timedelta(seconds=5)
"""How often the queue is looked at where no wake-up comes."""

SOMETHING_WAITS = (
    '{"channel": "ch_pgqueuer", "type": "table_changed_event", "operation": "insert", "table": "pgqueuer", '
    '"sent_at": "2026-01-01T00:00:00Z"}'
)
"""What PgQueuer's own trigger would tell it. It takes part in every commit that queues anything, and NOTIFY makes such
commits wait for each other: the process's own notes, sent together after the commits, say the same."""

BATCH = 100
"""As many are taken in one look, and as many that have ended go in one statement."""

MOST_UNBEGUN = 3 * BATCH
"""Enough for the statements that begin, of which two are on their way at once, and for a look beside them."""

BUSY_S = 0.25
"""How long an entry rests whose account runs as many as it may."""

WAITING = "SELECT entrypoint, count(*) FROM pgqueuer WHERE status = 'queued' GROUP BY entrypoint"


class Connections(Protocol):
    """What a pool of the store gives: connections, and patience while the database is away."""

    def connection(self) -> AbstractAsyncContextManager[Any]: ...

    async def insist(self, act: Callable[[], Awaitable[Result]]) -> Result: ...


class _Driver(AsyncpgPoolDriver):
    """PgQueuer's way to the database: ours, which outlasts a restart of it."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(cast("Any", None))  # every method that would use its pool is below
        self._connections = connections
        self._tell: Callable[[str], None] = lambda payload: None
        self.is_woken = False

    def wake(self) -> None:
        """Have the queue looked at; however often this is said before the look begins, it is one look."""
        if not self.is_woken:
            self.is_woken = True
            self._tell(SOMETHING_WAITS)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        async def ask() -> list[dict[str, object]]:
            async with self._connections.connection() as connection:
                return [dict(row) for row in await connection.fetch(query, *args)]

        return await self._connections.insist(ask)

    async def execute(self, query: str, *args: object) -> str:
        async def ask() -> str:
            async with self._connections.connection() as connection:
                return str(await connection.execute(query, *args))

        return await self._connections.insist(ask)

    async def notify(self, channel: str, payload: str) -> None:
        # It asks whether it hears itself, and nothing else.
        self._tell(payload)

    async def add_listener(self, channel: str, callback: Callable[[Any], None]) -> None:
        self._tell = callback

    async def remove_listener(self, channel: str, callback: Callable[[Any], None]) -> None:
        self._tell = lambda payload: None


class Unbegun:
    """What has been taken and not been begun. No more is taken while it is much: it stays where another worker may
    begin it sooner, in the order of the turns, and each look is the dearer the more has been taken."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Iterable[str]) -> None:
        self._ids.update(ids)
        if len(self._ids) >= MOST_UNBEGUN:
            self._has_room.clear()

    def drop(self, generation_id: str) -> None:
        self._ids.discard(generation_id)
        if len(self._ids) < MOST_UNBEGUN:
            self._has_room.set()

    async def room(self, *, limit_s: float) -> None:
        """Returns as soon as more may be taken. Past the limit it is forgotten what has been: the database may be slow,
        and what was never brought to us must not hold up the rest for good."""
        try:
            async with asyncio.timeout(limit_s):
                await self._has_room.wait()
        except TimeoutError:
            self._ids.clear()
            self._has_room.set()


class _Queries(Queries):
    driver: _Driver
    queue: "SharedQueue"

    async def dequeue(self, *args: Any, **given: Any) -> list[Job]:
        await self.queue.unbegun.room(limit_s=LOOK_EVERY.total_seconds())
        # Before the look: what is queued while it goes on brings another one.
        self.driver.is_woken = False
        jobs = await super().dequeue(*args, **given)
        self.queue.unbegun.add(id for id in map(_id, jobs) if not self.queue.has(id))
        return jobs

    async def log_jobs(self, *args: Any, **given: Any) -> None:
        await super().log_jobs(*args, **given)
        # There is room again: not to be found out by looks every tenth of a second.
        self.driver.wake()


class SharedQueue:
    def __init__(self, connections: Connections, slots: Mapping[str, int]) -> None:
        self._connections = connections
        self._slots = dict(slots)
        self._driver = _Driver(connections)
        self._manager: QueueManager | None = None
        self._run: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._depths: Counter[str] = Counter()
        self._handler: Handler | None = None
        self.unbegun = Unbegun()

    def start(self, handler: Handler) -> None:
        self._handler = handler
        self._run = asyncio.create_task(self._serve())

    def wake(self) -> None:
        """Something waits: look now."""
        self._driver.wake()

    def changed(self, generation: Generation) -> None:
        """It has been begun, or has ended."""
        self.unbegun.drop(generation.id)

    def has(self, generation_id: str) -> bool:
        """Whether it is in hand here."""
        return generation_id in self._tasks

    @property
    def is_served(self) -> bool:
        """Whether somebody takes what is brought."""
        return self._handler is not None and self._run is not None and not self._run.done()

    async def _serve(self) -> None:
        while self._handler is not None:
            self._manager = self._make_manager()
            try:
                await self._manager.run(
                    dequeue_timeout=LOOK_EVERY,
                    batch_size=BATCH,
                    heartbeat_timeout=HEARTBEAT_LIMIT,
                )
            except Exception:
                log.exception("the queue is taken up again")
                await asyncio.sleep(1.0)

    def _make_manager(self) -> QueueManager:
        queries = _Queries(self._driver)
        queries.queue = self
        manager = QueueManager(queries)
        for lane, slots in self._slots.items():
            if slots > 0:
                manager.entrypoint(lane, concurrency_limit=slots)(self._deliver)
        return manager

    async def _deliver(self, job: Job) -> None:
        """Ends when the attempt has ended here. What PgQueuer does to this call is not done to the attempt."""
        handler = self._handler
        generation_id = _id(job)
        if handler is None or generation_id in self._tasks:
            # We are stopping, or its last attempt has not quite ended here: the entry must outlast it.
            self._rest()
        task = asyncio.ensure_future(handler(generation_id))
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks[generation_id] = task
        task.add_done_callback(partial(self._done, generation_id, ended))
        with contextlib.suppress(asyncio.CancelledError):
            await ended
        if _must_wait(task):
            self._rest()

    def _rest(self) -> NoReturn:
        asyncio.get_running_loop().call_later(BUSY_S, self.wake)
        raise RetryRequested(timedelta(seconds=BUSY_S))

    def _done(self, generation_id: str, ended: "asyncio.Future[None]", task: "asyncio.Task[None]") -> None:
        del self._tasks[generation_id]
        self.unbegun.drop(generation_id)
        if not ended.done():
            ended.set_result(None)
        if not task.cancelled() and task.exception() is not None and not _must_wait(task):
            # The row is as it was: the sweep will bring the id again.
            log.error("a worker stumbled", generation=generation_id, exc_info=task.exception())

    def enqueue(self, turn: Turn) -> None:
        """Nothing to do: the store has written the entry, with the generation, and told all workers of it."""

    def again(self, generation_id: str, *, after_s: float, lane: str) -> None:
        """Nothing to do, likewise."""

    def position(self, generation_id: str) -> int | None:
        """Not told: it would be a question to the database for each poll."""
        return None

    def interrupt(self, generation_id: str) -> bool:
        task = self._tasks.get(generation_id)
        # Told already: a second cancel would cut off its goodbye to the provider.
        return task is not None and task.cancelling() == 0 and task.cancel()

    @property
    def depths(self) -> Mapping[str, int]:
        """How many wait in each lane, as the last look saw it."""
        return {lane: self._depths[lane] for lane in self._slots}

    async def measure(self) -> None:
        async def ask() -> list[Any]:
            async with self._connections.connection() as connection:
                return list(await connection.fetch(WAITING))

        self._depths = Counter(dict(map(tuple, await self._connections.insist(ask))))

    @property
    def in_hand(self) -> int:
        return len(self._tasks)

    async def close(self, *, limit_s: float) -> None:
        """Take nothing more, let what is in hand end within the limit, then cancel it."""
        self._handler = None
        if self._manager is not None:
            self._manager.shutdown.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=limit_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        if self._run is not None:
            await asyncio.gather(self._run, return_exceptions=True)


def _id(job: Job) -> str:
    return (job.payload or b"").decode()


def _must_wait(task: "asyncio.Task[None]") -> bool:
    """It was not begun: its account runs as many as it may."""
    return task.done() and not task.cancelled() and isinstance(task.exception(), MustWait)
