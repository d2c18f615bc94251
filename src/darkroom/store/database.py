"""One SQLite file, durable and quick: a thread that writes in batches, a thread that reads in batches.

A write's answer is released after the commit that holds it, and one commit (one fsync) holds every write that was
waiting. Each write runs in a savepoint, so that one that is refused takes nothing from the others.

Never open the file with the `sqlite3` module in this process as well: closing its handle drops our locks.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import apsw
import structlog

from darkroom.errors import Misconfigured
from darkroom.records import Noticed
from darkroom.store.queries import migrations

Asked = TypeVar("Asked")
Result = TypeVar("Result")
ForMany = Callable[[apsw.Connection, list[Asked]], list[Result | Exception]]
"""A verb for many at once: an answer for each, in order; of one that is refused it is the error."""

Step = tuple[Callable[[apsw.Connection], Any], asyncio.Future[Any]]
Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]

BATCH = 512
CHECKPOINT_PAGES = 2_000
LARGEST_WAL_PAGES = 65_536
"""256 MiB of 4 KiB pages: past this the writer itself waits for a checkpoint, or the log would only grow."""

WATCH_S = 0.2
"""How often we look for what other processes (the command line) have written."""

log = structlog.get_logger(__name__)


class Database:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writes: SimpleQueue[Step | None] = SimpleQueue()
        self._reads: SimpleQueue[Step | None] = SimpleQueue()
        self._wal_pages = 0
        self._checkpoint_due = threading.Event()
        self._is_closing = False
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._glances: apsw.Connection | None = None
        self._has_messages = False
        self.on_foreign_change: Noticed = lambda *, only_events=False: None
        self.on_message: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Bring the file up to date and start the threads. Raises `apsw.Error` where the file is not ours."""
        self._loop = asyncio.get_running_loop()
        migrate(self._path)
        self._glances = connect(self._path)
        self._glances.execute("PRAGMA query_only = 1")
        for name, work in (("write", self._write), ("read", self._read), ("checkpoint", self._checkpoint)):
            thread = threading.Thread(target=work, name=f"store-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    async def close(self) -> None:
        """Finish what was asked for, then stop the threads."""
        self._is_closing = True
        self._writes.put(None)
        self._reads.put(None)
        self._checkpoint_due.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._threads.clear()
        if self._glances is not None:
            self._glances.close()
            self._glances = None

    async def write(self, verb: Callable[[apsw.Connection], Result]) -> Result:
        """Run a verb in the next transaction; returns when it is on the disk."""
        return await self._ask(self._writes, verb)

    def write_together(self, verb: ForMany[Asked, Result], asked: Asked) -> Awaitable[Result]:
        """As `write`, of a verb that is carried out once for all who have asked for it."""
        return self._ask(self._writes, OfMany(verb, asked))

    def note_message(self) -> None:
        """Called by a verb that writes a message to be sent: `on_message` is called when it is on the disk."""
        self._has_messages = True

    async def read(self, question: Callable[[apsw.Connection], Result]) -> Result:
        """Run a question against the newest commit."""
        return await self._ask(self._reads, question)

    def glance(self, question: Callable[[apsw.Connection], Result]) -> Result:
        """Ask for a row by its key, at once, on the event loop itself.

        Measured: such a row is in memory and costs 10 microseconds, where a thread's answer costs 80 under load.
        """
        if self._is_closing or self._glances is None:
            raise RuntimeError("the store is closed")
        return question(self._glances)

    async def _ask(self, queue: "SimpleQueue[Step | None]", step: Callable[[apsw.Connection], Result]) -> Result:
        if self._is_closing or self._loop is None:
            raise RuntimeError("the store is closed")
        future: asyncio.Future[Result] = self._loop.create_future()
        queue.put((step, future))
        return await future

    def _write(self) -> None:
        connection = connect(self._path)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.set_wal_hook(self._count_wal)
        version = connection.execute("PRAGMA data_version").get
        while True:
            batch, is_last = _next_batch(self._writes, wait_s=WATCH_S)
            if batch:
                self._release(_commit(connection, batch))
            if self._has_messages:
                self._has_messages = False
                self._tell(self.on_message)
            if is_last:
                break
            with _outliving("look for what others have written"):
                seen = connection.execute("PRAGMA data_version").get
                if seen != version:
                    version = seen
                    self._tell(self.on_foreign_change)
                    self._tell(self.on_message)
            if self._wal_pages > LARGEST_WAL_PAGES:
                self._wal_pages = 0
                with _outliving("checkpoint"):
                    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        connection.close()

    def _read(self) -> None:
        connection = connect(self._path)
        connection.execute("PRAGMA query_only = 1")
        is_last = False
        while not is_last:
            batch, is_last = _next_batch(self._reads, wait_s=None)
            self._release([_attempt(connection, step) for step in batch])
        connection.close()

    def _checkpoint(self) -> None:
        # In a thread of its own: a checkpoint's fsync of the whole file would otherwise stand before every writer.
        connection = connect(self._path)
        while self._checkpoint_due.wait():
            self._checkpoint_due.clear()
            if self._is_closing:
                break
            with _outliving("checkpoint"):
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        connection.close()

    def _count_wal(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        if pages >= CHECKPOINT_PAGES:
            self._checkpoint_due.set()
        return apsw.SQLITE_OK

    def _release(self, outcomes: list[Outcome]) -> None:
        self._tell(lambda: _answer(outcomes))

    def _tell(self, callback: Callable[[], None]) -> None:
        assert self._loop is not None
        # The loop may be gone already when the process is being torn down.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)


class OfMany(Generic[Asked, Result]):
    """What one has asked of a verb for many; by itself, a verb like every other."""

    __slots__ = ("asked", "verb")

    def __init__(self, verb: ForMany[Asked, Result], asked: Asked) -> None:
        self.verb = verb
        self.asked = asked

    def __call__(self, connection: apsw.Connection) -> Result:
        (told,) = self.verb(connection, [self.asked])
        if isinstance(told, Exception):
            raise told
        return told


def connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    # Another process may be in the middle of its own write: wait for it rather than fail.
    connection.set_busy_timeout(10_000)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def migrate(path: Path) -> list[int]:
    """Apply the migrations that the file has not had, with their numbers in one transaction; returns the numbers."""
    applied = []
    # SQLite does not wait while another process turns a new file to WAL, it fails: one after the other, then.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        connection = connect(path)
        with contextlib.closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            version = _version(connection, path)
            for number, script in migrations():
                if number > version:
                    connection.execute(script)
                    connection.execute(f"PRAGMA user_version = {number}")
                    applied.append(number)
            connection.execute("COMMIT")
    finally:
        os.close(folder)
    return applied


def standing(path: Path) -> tuple[int, tuple[int, ...]]:
    """The version of a file, and the migrations that it has not had; raises `Misconfigured` for a newer one."""
    version = 0
    if path.exists():
        with contextlib.closing(connect(path)) as connection:
            version = _version(connection, path)
    return version, tuple(number for number, _ in migrations() if number > version)


def _version(connection: apsw.Connection, path: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").get
    if version > migrations()[-1][0]:
        raise Misconfigured(f"{path} was made by a newer Darkroom (its version is {version}); upgrade this one")
    return version


def _next_batch(queue: "SimpleQueue[Step | None]", *, wait_s: float | None) -> tuple[list[Step], bool]:
    """What is waiting, and whether it is the last. Waits for the first, up to `wait_s`."""
    batch: list[Step] = []
    try:
        step = queue.get(timeout=wait_s)
        while step is not None:
            batch.append(step)
            if len(batch) == BATCH:
                return batch, False
            step = queue.get_nowait()
    except Empty:
        return batch, False
    return batch, True


def _commit(connection: apsw.Connection, batch: list[Step]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes += _carry_out(connection, batch)
        connection.execute("COMMIT")
    except apsw.Error as error:
        # A full disk or a failing one: nothing of the batch is stored, and everyone is told so.
        log.exception("a batch of writes was not stored", writes=len(batch))
        if connection.in_transaction:
            with _outliving("roll back"):
                connection.execute("ROLLBACK")
        return [(future, None, error) for _, future in batch]
    return outcomes


def _carry_out(connection: apsw.Connection, steps: list[Step]) -> Iterator[Outcome]:
    """What many have asked of one verb, together; every other one by itself."""
    many: dict[ForMany[Any, Any], list[tuple[OfMany[Any, Any], asyncio.Future[Any]]]] = {}
    for verb, future in steps:
        if isinstance(verb, OfMany):
            many.setdefault(verb.verb, []).append((verb, future))
        else:
            yield _alone(connection, (verb, future))
    for for_many, those in many.items():
        told = _together(connection, for_many, [one.asked for one, _ in those])
        if told is None:
            # One of them took the others with it: each by itself, then.
            yield from [_alone(connection, step) for step in those]
            continue
        for (_, future), each in zip(those, told, strict=True):
            is_refused = isinstance(each, Exception)
            yield future, None if is_refused else each, each if is_refused else None


def _alone(connection: apsw.Connection, step: Step) -> Outcome:
    connection.execute("SAVEPOINT verb")
    outcome = _attempt(connection, step)
    if outcome[2] is not None:
        connection.execute("ROLLBACK TO verb")
    connection.execute("RELEASE verb")
    return outcome


def _together(
    connection: apsw.Connection, verb: ForMany[Asked, Result], asked: list[Asked]
) -> list[Result | Exception] | None:
    """None where it has failed as a whole, and has left nothing."""
    connection.execute("SAVEPOINT verb")
    told = None
    with contextlib.suppress(Exception):
        told = verb(connection, asked)
    if told is None:
        connection.execute("ROLLBACK TO verb")
    connection.execute("RELEASE verb")
    return told


@contextlib.contextmanager
def _outliving(work: str) -> Iterator[None]:
    """A full or failing disk ends a piece of work, and never its thread: every writer would then wait for ever."""
    try:
        yield
    except apsw.BusyError:
        pass  # someone is reading there: the next commit brings us back
    except apsw.Error:
        log.exception("the disk did not allow it", work=work)


def _attempt(connection: apsw.Connection, step: Step) -> Outcome:
    verb, future = step
    try:
        return future, verb(connection), None
    except Exception as error:  # noqa: BLE001 - the one who asked gets it, whatever it is
        return future, None, error


def _answer(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue  # the one who asked has gone away; what was written stays written
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
