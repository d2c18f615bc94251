"""Queries for PostgreSQL: those of the embedded store, but for the ones that `postgres/queries/*.sql` writes anew."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from darkroom.store.queries import POSTGRES, STORE, read
from darkroom.store.rows import Row, to_json

_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class Connection(Protocol):
    """What is used of asyncpg's connections, of the pool or by themselves."""

    async def fetch(self, query: str, *arguments: Any) -> list[Row]: ...

    async def fetchrow(self, query: str, *arguments: Any) -> Row | None: ...

    async def fetchval(self, query: str, *arguments: Any) -> Any: ...

    async def execute(self, query: str, *arguments: Any) -> str: ...

    async def executemany(self, query: str, arguments: Sequence[Sequence[Any]]) -> None: ...

    def transaction(self, *, isolation: str = ..., readonly: bool = ...) -> AbstractAsyncContextManager[Any]: ...

    async def close(self) -> None: ...


class Listening(Connection, Protocol):
    """A connection that is no pool's: it can hear, and take a great many rows."""

    async def execute(self, query: str, *arguments: Any, timeout: float | None = ...) -> str: ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...

    def add_termination_listener(self, callback: Callable[..., None]) -> None: ...

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Row], columns: Sequence[str], schema_name: str
    ) -> str: ...

    def get_server_pid(self) -> int: ...

    def terminate(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, asked with named arguments; more may be given than it has."""

    text: str
    names: tuple[str, ...]

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        return [storable(given[name]) for name in self.names]

    async def rows(self, connection: Connection, **given: Any) -> list[Row]:
        return await connection.fetch(self.text, *self.arguments(given))

    async def row(self, connection: Connection, **given: Any) -> Row | None:
        return await connection.fetchrow(self.text, *self.arguments(given))

    async def value(self, connection: Connection, **given: Any) -> Any:
        return await connection.fetchval(self.text, *self.arguments(given))

    async def run(self, connection: Connection, **given: Any) -> None:
        await connection.execute(self.text, *self.arguments(given))


def storable(value: Any) -> Any:
    """An argument as PostgreSQL takes it: its texts hold every character but NUL, which a stranger may well send, and
    U+FFFD stands for it. It is not left out: what is asked for must not become the name of something else."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [storable(one) for one in value]
    return value


def as_json(given: Mapping[str, Any]) -> str:
    """One call of the many that a function carries out."""
    return to_json({name: storable(value) for name, value in given.items()})


class Queries:
    """The queries of one file as attributes."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._queries = {name: query(text) for name, text in texts.items()}

    def __getattr__(self, name: str) -> Query:
        return self._queries[name]


def load(name: str) -> Queries:
    return Queries({**dict(read(STORE, name)), **dict(read(POSTGRES, name))})


@cache
def query(text: str) -> Query:
    """With `:name` turned into `$1`."""
    # A colon within a comment is no argument.
    bare = re.sub(r"--[^\n]*", "", text)
    names = tuple(dict.fromkeys(_NAME.findall(bare)))
    return Query(_NAME.sub(lambda match: f"${names.index(match[1]) + 1}", bare).strip(), names)
