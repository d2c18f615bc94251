"""A pool of connections to one PostgreSQL database: transactions, questions, and patience while it is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

from darkroom.errors import Misconfigured, StoreAway
from darkroom.records import Noticed
from darkroom.store.postgres.migrate import SCHEMA, migrate
from darkroom.store.postgres.queries import Connection, Listening
from darkroom.store.postgres.wakes import EVENTS, QUEUE, Wakes

Result = TypeVar("Result")

OLDEST = 14
"""The oldest PostgreSQL that this is written for."""

CONNECT_LIMIT_S = 10.0
COMMAND_LIMIT_S = 60.0
PATIENCE_S = 10.0
"""How long a verb outlasts a database that is away: as long as a restart or a failover usually takes."""

PAUSES_S = (0.02, 0.05, 0.1, 0.25, 0.5)

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""The connection is gone, or there is none. Whether what was asked for has been done is not known."""

UNDONE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.InvalidCachedStatementError)
"""The database has undone it all, so that it can be asked again: two that waited for each other, or a migration."""

log = structlog.get_logger(__name__)


class NotDone(ConnectionError):
    """The connection was lost before anything of it was committed."""


class Database:
    def __init__(self, dsn: str, *, connections: int = 10, patience_s: float = PATIENCE_S) -> None:
        self._dsn = dsn
        self._connections = connections
        self._patience_s = patience_s
        self._pool: asyncpg.Pool | None = None
        self._is_away = False
        self._wakes = Wakes(
            lambda: connect(self._dsn),
            noticed=self._notice,
            queued=lambda: self.on_queued(),
            nudged=lambda generation_id: self.on_nudge(generation_id),
        )
        self.on_foreign_change: Noticed = lambda *, only_events=False: None
        self.on_message: Callable[[], None] = lambda: None
        self.on_queued: Callable[[], None] = lambda: None
        self.on_nudge: Callable[[str], object] = lambda generation_id: None

    @property
    def dsn(self) -> str:
        """With its password: for connections, and never to be shown."""
        return self._dsn

    async def open(self) -> None:
        """Bring the database up to date and connect; raises `Misconfigured` where that cannot be."""
        connection = await connect(self._dsn)
        try:
            await _check_version(connection)
            await migrate(connection)
        finally:
            await connection.close()
        self._pool = await asyncpg.create_pool(
            min_size=1,
            max_size=self._connections,
            max_inactive_connection_lifetime=300.0,
            # Nothing is ever set in a session: there is nothing to put back, and a round trip saved for every verb.
            reset=_leave,
            **_options(self._dsn),
        )
        await self._wakes.open()

    def wake_others(self) -> None:
        """Events have been committed: tell the other processes, soon."""
        self.on_message()
        self._wakes.send(EVENTS)

    def wake_workers(self) -> None:
        """Generations wait to be begun: tell whoever begins them, here at once and elsewhere soon."""
        self.on_message()
        self.on_queued()
        self._wakes.send(QUEUE)

    def nudge_others(self, generation_id: str) -> None:
        """Whoever watches its work upstream is to look now."""
        self._wakes.nudge(generation_id)

    def _notice(self, *, only_events: bool = False) -> None:
        self.on_foreign_change(only_events=only_events)
        self.on_message()

    async def close(self) -> None:
        await self._wakes.close()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        if self._pool is None:
            raise RuntimeError("the store is closed")
        async with self._pool.acquire() as connection:
            yield connection

    async def read(
        self, question: Callable[[Connection], Awaitable[Result]], *, patience_s: float | None = None
    ) -> Result:
        """Ask; again where the connection is lost, as nothing is changed by it."""

        async def once() -> Result:
            async with self.connection() as connection:
                return await question(connection)

        return await self.insist(once, patience_s=patience_s)

    async def look(self, question: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Ask several things of one and the same moment."""

        async def at_once(connection: Connection) -> Result:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await question(connection)

        return await self.read(at_once)

    async def write(self, verb: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a verb in a transaction of its own; returns when it is on the disk.

        It is run again where the database has undone it (two that waited for each other), and where the connection was
        lost before the commit. Lost at the commit, it may or may not have been done: the error tells whoever asked.
        """

        async def once() -> Result:
            is_committing = False
            try:
                async with self.connection() as connection, connection.transaction():
                    result = await verb(connection)
                    is_committing = True
                    return result
            except LOST as error:
                if is_committing:
                    raise StoreAway(f"the connection was lost at the commit: {type(error).__name__}") from error
                raise NotDone from error

        return await self.insist(once, excuses=(NotDone, *UNDONE))

    async def insist(
        self,
        act: Callable[[], Awaitable[Result]],
        *,
        excuses: tuple[type[Exception], ...] = (*LOST, *UNDONE),
        patience_s: float | None = None,
    ) -> Result:
        """Do what may be done twice until it succeeds, for so long as a restart of the database takes; raises
        `StoreAway` after that."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + (self._patience_s if patience_s is None else patience_s)
        misses = 0
        while True:
            try:
                done = await act()
            except excuses as error:
                if self._pool is None:
                    raise
                if loop.time() > give_up_at:
                    raise StoreAway(f"the database does not answer: {type(error).__name__}") from error
                self._miss(error)
            else:
                self._is_away = False
                return done
            await asyncio.sleep(PAUSES_S[min(misses, len(PAUSES_S) - 1)])
            misses += 1

    def _miss(self, error: Exception) -> None:
        # Once for each time that it goes: everyone who asks meets the same.
        if not self._is_away and not isinstance(error, UNDONE):
            self._is_away = True
            log.warning("the database is away, and is asked again", reason=type(error.__cause__ or error).__name__)


async def connect(dsn: str, *, command_limit_s: float = COMMAND_LIMIT_S) -> Listening:
    """One connection, outside of any pool; raises `Misconfigured` without a word of the password."""
    options = {**_options(dsn), "command_timeout": command_limit_s}
    try:
        connection: Listening = await asyncpg.connect(timeout=CONNECT_LIMIT_S, **options)
        return connection
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else _without_password(str(error), dsn)
        raise Misconfigured(f"the database {shown(dsn)} cannot be used: {reason}") from None


def shown(dsn: str) -> str:
    """A database's address as it may be shown: without its password, and without what follows the `?`."""
    parts = urlsplit(dsn)
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


def _without_password(text: str, dsn: str) -> str:
    secret = urlsplit(dsn).password
    return text.replace(secret, "...") if secret else text


def _options(dsn: str) -> dict[str, Any]:
    return {
        "dsn": dsn,
        "command_timeout": COMMAND_LIMIT_S,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "darkroom",
            "search_path": SCHEMA,
            # An answer means that it is on the disk, whatever this database's default is.
            "synchronous_commit": "on",
            # Compiling a statement takes longer than any of ours.
            "jit": "off",
        },
    }


async def _check_version(connection: Connection) -> None:
    version = await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000")
    if version < OLDEST:
        raise Misconfigured(f"Darkroom needs PostgreSQL {OLDEST} or newer; the database is PostgreSQL {version}")


async def _leave(connection: Connection) -> None:
    return None
