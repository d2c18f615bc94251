"""Which database a store is on: a file in the data folder, or PostgreSQL."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from darkroom.config import Settings
from darkroom.errors import Misconfigured
from darkroom.ports import Store
from darkroom.store.database import Database
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.sqlite import SqliteStore

SCHEMES = ("postgresql", "postgres")


class Opened(Protocol):
    """What a store stands on. `on_foreign_change` is called when another process has written."""

    on_foreign_change: Callable[[], None]

    async def open(self) -> None:
        """Bring it up to date and begin; raises `Misconfigured`."""
        ...

    async def close(self) -> None: ...


def choose(settings: Settings, *, on_file: Callable[[Database], Store] = SqliteStore) -> tuple[Opened, Store]:
    """A store, and what has to be opened before it is used."""
    address = settings.database
    if not address:
        database = Database(settings.folder / "darkroom.db")
        return database, on_file(database)
    if urlsplit(address).scheme not in SCHEMES:
        raise Misconfigured("settings: `database` must be empty or begin with postgresql://")
    server = PostgresDatabase(address, connections=settings.database_connections)
    return server, PostgresStore(server)
