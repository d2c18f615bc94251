"""The model's ground on PostgreSQL: a database of its own, with our functions but for the law that is taken away."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg

from darkroom.ports import Store
from darkroom.store.postgres.database import Database, connect
from darkroom.store.postgres.migrate import functions
from darkroom.store.postgres.queries import Connection, query
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.rows import Row
from tests.model.ground import Crash, Door, Forbidden, Ground, Lawless
from tests.postgres import postgres

CONNECTIONS = 4


async def on_postgres(lawless: Lawless) -> Ground:
    dsn = await postgres().fresh()
    connection = await connect(dsn)
    try:
        if lawless.dropped:
            await connection.execute(lawless.dropped)
        if lawless.reworded:
            await connection.execute(_reworded(lawless))
    finally:
        await connection.close()
    return PostgresGround(dsn)


def _reworded(lawless: Lawless) -> str:
    script = functions()
    for said, instead in lawless.reworded:
        assert said in script, f"nothing says '{said}' any more"
        script = script.replace(said, instead)
    return script


class PostgresGround:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def door(self) -> Door:
        door = PostgresDoor(self._dsn)
        await door.open()
        return door

    async def close(self) -> None:
        await postgres().drop(self._dsn)


class PostgresDoor:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def open(self) -> None:
        self._database = WatchedDatabase(self._dsn, connections=CONNECTIONS)
        await self._database.open()
        self.store: Store = PostgresStore(self._database)

    def cut(self, after: int | None) -> None:
        self._database.cut_after = after

    async def reopen(self) -> None:
        # The connections are as good as new: what they had in hand was rolled back.
        self.store = PostgresStore(self._database)

    async def force(self, statement: str, id: str) -> None:
        try:
            async with self._database.connection() as connection:
                await query(statement).run(connection, id=id)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise Forbidden(str(error)) from None

    async def close(self) -> None:
        await self._database.close()


class WatchedDatabase(Database):
    """Cuts the next verb's first connection: what a verb asks of another one later is asked after its commit."""

    cut_after: int | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        cut_after, self.cut_after = self.cut_after, None
        async with super().connection() as connection:
            yield connection if cut_after is None else Hand(connection, cut_after)


class Hand:
    """A connection that is gone before the statement after so many."""

    def __init__(self, connection: Connection, cut_after: int) -> None:
        self._connection = connection
        self._left = cut_after

    def _step(self) -> Connection:
        if self._left == 0:
            raise Crash
        self._left -= 1
        return self._connection

    async def fetch(self, query: str, *arguments: Any) -> list[Row]:
        return await self._step().fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Row | None:
        return await self._step().fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        return await self._step().fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: Any) -> str:
        return await self._step().execute(query, *arguments)

    async def executemany(self, query: str, arguments: Sequence[Sequence[Any]]) -> None:
        await self._step().executemany(query, arguments)

    def transaction(
        self, *, isolation: str = "read_committed", readonly: bool = False
    ) -> AbstractAsyncContextManager[Any]:
        return self._connection.transaction(isolation=isolation, readonly=readonly)

    async def close(self) -> None:
        await self._connection.close()
