"""Which database a store is on: a file in the data folder, or PostgreSQL."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from darkroom.clock import Clock
from darkroom.config import Settings
from darkroom.errors import Misconfigured
from darkroom.ports import Store
from darkroom.records import Noticed
from darkroom.store.database import Database
from darkroom.store.postgres.cluster import Cluster
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.sqlite import SqliteStore

SCHEMES = ("postgresql", "postgres")


class Opened(Protocol):
    """What a store stands on."""

    on_foreign_change: Noticed

    on_message: Callable[[], None]
    """Called when messages to be sent have been written, here or by another process, or may have been."""

    async def open(self) -> None:
        """Bring it up to date and begin; raises `Misconfigured`."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A store, and what has to be opened before it is used. `cluster` and `connections` are there where other
    processes share it."""

    database: Opened
    store: Store
    cluster: Cluster | None = None
    connections: PostgresDatabase | None = None


def choose(settings: Settings, *, clock: Clock) -> Chosen:
    """Raises `Misconfigured`."""
    address = settings.database
    if not address:
        if settings.role != "all":
            raise Misconfigured(f"settings: the role '{settings.role}' needs a `database` that all parts share")
        database = Database(settings.folder / "darkroom.db")
        return Chosen(database=database, store=SqliteStore(database))
    if urlsplit(address).scheme not in SCHEMES:
        raise Misconfigured("settings: `database` must be empty or begin with postgresql://")
    server = PostgresDatabase(address, connections=settings.database_connections)
    store = PostgresStore(server)
    about = f"{socket.gethostname()}, process {os.getpid()}"
    cluster = Cluster(server, name=store.writer, about=about, clock=clock)
    return Chosen(database=server, store=store, cluster=cluster, connections=server)
