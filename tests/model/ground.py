"""A real store, by several doors, for the model to stand beside: each is a process's own handle on the same data.

A door can be cut at a statement, as a crash would cut it, and can be without one of the laws of the protocol.
"""

import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import apsw

from darkroom.ports import Store
from darkroom.store.database import Database, OfMany, connect, migrate
from darkroom.store.sqlite import SqliteStore

Asked = TypeVar("Asked")
Result = TypeVar("Result")

COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


class Crash(Exception):
    """The process is gone: what was not committed is not there."""


class Forbidden(Exception):
    """The database itself said no."""


@dataclass(frozen=True)
class Lawless:
    """What is taken away: words of statements (what is said, and what instead), parts of the schema, the lock under
    which a verb reads what it writes by, the one transaction that a verb is."""

    reworded: tuple[tuple[str, str], ...] = ()
    dropped: str | None = None
    reads_unlocked: bool = False
    commits_each: bool = False


LAWFUL = Lawless()


class Door(Protocol):
    store: Store

    def cut(self, after: int | None) -> None:
        """The next verb meets its end before the statement after so many, unless it is over by then."""
        ...

    async def reopen(self) -> None:
        """What a new process finds: the data, and nothing that was remembered."""
        ...

    async def force(self, statement: str, id: str) -> None:
        """What a careless hand writes about a generation, past every verb; raises `Forbidden`."""
        ...

    async def close(self) -> None: ...


class Ground(Protocol):
    async def door(self) -> Door: ...

    async def close(self) -> None: ...


Grounds = Callable[[Lawless], Awaitable[Ground]]


async def on_sqlite(lawless: Lawless) -> Ground:
    return SqliteGround(lawless)


class SqliteGround:
    def __init__(self, lawless: Lawless) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="darkroom-model-"))
        self._file = self._folder / "darkroom.db"
        self._file.write_bytes(_migrated())
        self._lawless = lawless
        if lawless.dropped:
            with closing(connect(self._file)) as connection:
                connection.execute(lawless.dropped)

    async def door(self) -> Door:
        door = SqliteDoor(self._file, self._lawless)
        await door.open()
        return door

    async def close(self) -> None:
        shutil.rmtree(self._folder)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "darkroom.db"
        migrate(file)
        return file.read_bytes()


class SqliteDoor:
    def __init__(self, file: Path, lawless: Lawless) -> None:
        self._file = file
        self._lawless = lawless

    async def open(self) -> None:
        self._database = WatchedDatabase(self._file, self._lawless)
        await self._database.open()
        self.store: Store = SqliteStore(self._database)

    def cut(self, after: int | None) -> None:
        self._database.cut_after = after

    async def reopen(self) -> None:
        await self._database.close()
        await self.open()

    async def force(self, statement: str, id: str) -> None:
        try:
            await self._database.write(lambda connection: connection.execute(statement, {"id": id}).fetchall())
        except apsw.ConstraintError as error:
            raise Forbidden(str(error)) from None

    async def close(self) -> None:
        await self._database.close()


class WatchedDatabase(Database):
    """Hands each verb a `Hand` in place of the connection."""

    def __init__(self, path: Path, lawless: Lawless) -> None:
        super().__init__(path)
        self._file = path
        self._lawless = lawless
        self.cut_after: int | None = None

    async def write(self, verb: Callable[[apsw.Connection], Result]) -> Result:
        cut_after, self.cut_after = self.cut_after, None
        if not self._lawless.reads_unlocked:
            return await super().write(lambda connection: verb(self._hand(connection, cut_after)))
        with closing(connect(self._file)) as earlier:
            # What is committed now is what the verb will read, whatever is committed before its turn to write.
            earlier.execute("BEGIN")
            earlier.execute("SELECT count(*) FROM generation").fetchall()
            return await super().write(lambda connection: verb(self._hand(connection, cut_after, earlier)))

    def write_together(
        self, verb: Callable[[apsw.Connection, list[Asked]], list[Result | Exception]], asked: Asked
    ) -> Awaitable[Result]:
        return self.write(OfMany(verb, asked))

    def _hand(
        self, connection: apsw.Connection, cut_after: int | None, earlier: apsw.Connection | None = None
    ) -> apsw.Connection:
        return cast("apsw.Connection", Hand(connection, self._lawless, cut_after, earlier))


class Hand:
    """A connection, as far as the verbs use one."""

    def __init__(
        self, connection: apsw.Connection, lawless: Lawless, cut_after: int | None, earlier: apsw.Connection | None
    ) -> None:
        self._connection = connection
        self._lawless = lawless
        self._cut_after = cut_after
        self._earlier = earlier
        self._count = 0

    def execute(self, statement: str, arguments: Any = None) -> apsw.Cursor:
        if self._count == self._cut_after:
            raise Crash
        if self._lawless.commits_each and self._count:
            self._connection.execute("RELEASE verb; COMMIT; BEGIN IMMEDIATE; SAVEPOINT verb")
        self._count += 1
        for said, instead in self._lawless.reworded:
            statement = statement.replace(said, instead)
        if not COMMENT.sub("", statement).startswith("SELECT"):
            self._earlier = None  # from its first change on, a verb reads what it has written
        return (self._earlier or self._connection).execute(statement, arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
