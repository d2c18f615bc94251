"""A store on a real file, an account with credits in it, and raw hands on the tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from darkroom.account import Account
from darkroom.credits import Credits
from darkroom.generation import Generation
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import NewGeneration
from darkroom.store.database import Database, connect
from darkroom.store.sqlite import SqliteStore
from darkroom.testing import FrozenClock

NOW = FrozenClock().now()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "darkroom.db"


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[SqliteStore]:
    database = Database(file)
    await database.open()
    try:
        yield SqliteStore(database)
    finally:
        await database.close()


async def an_account(store: SqliteStore, name: str = "ann", *, permanent: int = 100, subscription: int = 0) -> Account:
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


async def buckets(store: SqliteStore, account: Account, purse: Purse = Purse.PERMANENT) -> tuple[int, int, int]:
    """Available, held, spent; the audit must agree."""
    assert (await store.audit()).discrepancies == ()
    balance = (await store.balances(account.id))[purse]
    return balance.available, balance.held, balance.spent


def tamper(file: Path, *statements: str) -> None:
    """What the application never does."""
    connection = connect(file)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def rows_of(file: Path, query: str) -> list[tuple[Any, ...]]:
    connection = connect(file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(20):
            await act()

    asyncio.run(in_time())
