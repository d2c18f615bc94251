"""Which database the harness's servers are on: a file in the data folder, or one of a real PostgreSQL for each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol

import pytest

from tests.postgres import postgres


class Databases(Protocol):
    async def of(self, folder: Path) -> str:
        """The setting `database` of the server with that data folder: the same one again after a restart."""
        ...


class Files:
    async def of(self, folder: Path) -> str:
        return ""


class OnServer:
    """A database for each data folder, made when its server first starts."""

    def __init__(self) -> None:
        self._made: dict[Path, str] = {}

    async def of(self, folder: Path) -> str:
        if folder not in self._made:
            self._made[folder] = await postgres().fresh()
        return self._made[folder]

    async def drop(self) -> None:
        for made in self._made.values():
            await postgres().drop(made)


FILES = Files()

DATABASES: ContextVar[Databases] = ContextVar("databases", default=FILES)
"""Where the harness's servers find theirs, unless a test says otherwise."""


EACH = ("sqlite", "postgres")


@contextmanager
def on(name: str) -> Iterator[str]:
    """The servers that are started meanwhile are on that one of `EACH`."""
    if name == "sqlite":
        yield name
        return
    on_server = OnServer()
    before = DATABASES.set(on_server)
    try:
        yield name
    finally:
        DATABASES.reset(before)
        asyncio.run(on_server.drop())


@pytest.fixture(params=EACH)
def each_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs once with its servers on SQLite, and once on PostgreSQL."""
    with on(request.param) as name:
        yield name


on_sqlite = pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
"""For what runs once in a folder whose tests run on both. Say why beside it."""
