"""Which version a database has, and bringing it to ours: for either kind of database."""

from dataclasses import dataclass

from darkroom.config import Settings
from darkroom.lock import open_folder
from darkroom.store import database
from darkroom.store.postgres import migrate as postgres
from darkroom.store.postgres.database import connect, shown


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`name` is the database as it may be shown; `applied` the migrations that were, or are still to be."""

    name: str
    version: int
    applied: tuple[int, ...]
    is_current: bool


async def look(settings: Settings) -> Upgrade:
    """What is missing; raises `Misconfigured` for a database that is newer than this Darkroom."""
    if not settings.database:
        file = settings.folder / "darkroom.db"
        version, missing = database.standing(file)
        return Upgrade(str(file), version, missing, is_current=not missing)
    connection = await connect(settings.database)
    try:
        found = await postgres.standing(connection)
        return Upgrade(shown(settings.database), found.version, found.missing, found.is_current)
    finally:
        await connection.close()


async def upgrade(settings: Settings) -> Upgrade:
    """Apply what is missing; raises `Misconfigured` for a database that is newer than this Darkroom."""
    before = await look(settings)
    if not settings.database:
        applied = database.migrate(open_folder(settings.folder) / "darkroom.db")
    else:
        connection = await connect(settings.database)
        try:
            applied = await postgres.migrate(connection)
        finally:
            await connection.close()
    return Upgrade(before.name, max([before.version, *applied]), tuple(applied), is_current=True)
