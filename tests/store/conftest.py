"""A store on a real file or on a real PostgreSQL, an account with credits in it, and raw hands on the tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from msgspec.structs import replace

from darkroom.account import Account
from darkroom.credits import Credits
from darkroom.generation import Generation
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import NewGeneration
from darkroom.store.database import Database, connect
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.store.postgres.database import connect as connect_postgres
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.sqlite import SqliteStore
from darkroom.testing import FrozenClock
from tests.postgres import postgres

NOW = FrozenClock().now()


class Dsn(str):
    """The address of a database that is this test's own."""


Home = Path | Dsn
"""Where a store keeps what it keeps: a file of SQLite's, or a database of PostgreSQL's."""

AnyStore = SqliteStore | PostgresStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "darkroom.db"


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "sqlite":
        return tmp_path / "darkroom.db"
    return Dsn(asyncio.run(postgres().fresh()))


@asynccontextmanager
async def opened(home: Home, *, patience_s: float = 10.0) -> AsyncIterator[AnyStore]:
    if isinstance(home, Dsn):
        database = PostgresDatabase(home, patience_s=patience_s)
        store: AnyStore = PostgresStore(database)
        await database.open()
        try:
            yield store
        finally:
            await database.close()
        return
    async with opened_file(home) as on_file:
        yield on_file


@asynccontextmanager
async def opened_file(file: Path) -> AsyncIterator[SqliteStore]:
    database = Database(file)
    await database.open()
    try:
        yield SqliteStore(database)
    finally:
        await database.close()


async def an_account(store: AnyStore, name: str = "ann", *, permanent: int = 100, subscription: int = 0) -> Account:
    """Amounts in micro-credits."""
    account = await store.create_account(name, plan="open", now=NOW)
    for purse, amount in ((Purse.PERMANENT, permanent), (Purse.SUBSCRIPTION, subscription)):
        if amount:
            await store.grant(account.id, Credits(amount), purse=purse, note="", now=NOW)
    return account


def as_read(generation: Generation) -> Generation:
    """As it is read back: only the change itself knows the number of its event."""
    return replace(generation, event=0)


def a_new(account: Account, quote: int = 40, **given: object) -> NewGeneration:
    values: dict[str, object] = {
        "id": new_id(),
        "account_id": account.id,
        "dialect": "native",
        "model": "reel",
        "modality": "video",
        "task": "text-to-video",
        "provider": "sketch",
        "inputs": {"prompt": "a reel"},
        "wire": {},
        "quote": Credits(quote),
        "created_at": NOW,
        **given,
    }
    return NewGeneration(**values)  # type: ignore[arg-type]


async def buckets(store: AnyStore, account: Account, purse: Purse = Purse.PERMANENT) -> tuple[int, int, int]:
    """Available, held, spent; the audit must agree."""
    assert (await store.audit()).discrepancies == ()
    balance = (await store.balances(account.id))[purse]
    return balance.available, balance.held, balance.spent


def tamper(home: Home, *statements: str) -> None:
    """What the application never does."""
    by_hand(home, statements)


def rows_of(home: Home, query: str) -> list[tuple[Any, ...]]:
    return by_hand(home, [query])


def by_hand(home: Home, statements: Sequence[str]) -> list[tuple[Any, ...]]:
    """One after the other on a connection of their own; returns the rows of the last one. Raises `Refused`."""
    try:
        if isinstance(home, Dsn):
            # In a thread: most who ask are within an event loop already.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(lambda: asyncio.run(_on_postgres(home, statements))).result()
        return _on_sqlite(home, statements)
    except (apsw.ConstraintError, asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise Refused(f"{type(error).__name__} {error}") from None


class Refused(Exception):
    """The database kept a law of its own."""


def _on_sqlite(file: Path, statements: Sequence[str]) -> list[tuple[Any, ...]]:
    connection = connect(file)
    try:
        return [connection.execute(statement).fetchall() for statement in statements][-1]
    finally:
        connection.close()


async def _on_postgres(dsn: str, statements: Sequence[str]) -> list[tuple[Any, ...]]:
    connection = await connect_postgres(dsn)
    try:
        for statement in statements:
            found = [tuple(row) for row in await connection.fetch(statement)]
        return found
    finally:
        await connection.close()


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(20):
            await act()

    asyncio.run(in_time())
