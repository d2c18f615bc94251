"""Brings a PostgreSQL database up to date: numbered migrations, then the functions that the verbs call."""

import hashlib
from dataclasses import dataclass

from darkroom.errors import Misconfigured
from darkroom.store.postgres.queries import Connection, Listening
from darkroom.store.queries import POSTGRES, migrations

SCHEMA = "darkroom"

LOCK = 0x6461726B_726F6F6D
"""The advisory lock under which one process at a time migrates: `darkroom` in ASCII."""


LONGEST_S = 7 * 86400.0
"""A table that is large is gone through for hours: the limit of a verb would undo it, at every start anew."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which version a database has, and what is missing. `is_current` also says that its functions are ours."""

    version: int
    missing: tuple[int, ...]
    is_current: bool


def newest() -> int:
    return migrations(POSTGRES)[-1][0]


def functions() -> str:
    """What the verbs call, as one script that can be run again and again."""
    found = POSTGRES.joinpath("functions").iterdir()
    return "\n".join(item.read_text("utf-8") for item in sorted(found, key=lambda item: item.name))


async def migrate(connection: Listening, *, to: int | None = None) -> list[int]:
    """Apply what the database has not had, in one transaction, and return its numbers; raises `Misconfigured` for one
    that is newer than this Darkroom. `to` stops at an older version, without its functions: for tests."""
    async with connection.transaction():
        # Held to the end of the transaction: a second process waits here, and then finds everything done.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK, timeout=LONGEST_S)
        found = await standing(connection)
        if found.version:
            # From a dump of another server, whose transactions had other numbers: what is over must not look new.
            await connection.execute("UPDATE event SET xid = '3' WHERE xid >= pg_current_xact_id()", timeout=LONGEST_S)
        if found.is_current:
            return []
        applied = []
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for number, script in migrations(POSTGRES):
            if number > found.version and (to is None or number <= to):
                await connection.execute(script, timeout=LONGEST_S)
                applied.append(number)
        if to is None:
            await _renew_functions(connection)
        await _note(connection, max(applied, default=found.version), _digest() if to is None else "")
    return applied


async def standing(connection: Connection) -> Standing:
    """Raises `Misconfigured` for a database that is newer than this Darkroom."""
    version, digest = 0, ""
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.installed") is not None:
        ((version, digest),) = await connection.fetch("SELECT version, functions FROM installed")
    if version > newest():
        raise Misconfigured(f"the database was made by a newer Darkroom (its version is {version}); upgrade this one")
    missing = tuple(number for number, _ in migrations(POSTGRES) if number > version)
    return Standing(version, missing, is_current=not missing and digest == _digest())


async def _renew_functions(connection: Connection) -> None:
    # One whose arguments have changed would stay beside the new one, and be called. Those of triggers are the tables'.
    stale = await connection.fetch(
        "SELECT oid::regprocedure::text FROM pg_proc "
        "WHERE pronamespace = $1::text::regnamespace AND prorettype != 'trigger'::regtype",
        SCHEMA,
    )
    for (signature,) in stale:
        await connection.execute(f"DROP FUNCTION {signature}")
    await connection.execute(functions())


async def _note(connection: Connection, version: int, digest: str) -> None:
    await connection.execute(
        """
        CREATE TABLE IF NOT EXISTS installed (
            only_one  BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
            version   INTEGER NOT NULL,
            functions TEXT NOT NULL
        )
        """
    )
    await connection.execute(
        """
        INSERT INTO installed (version, functions) VALUES ($1, $2)
            ON CONFLICT (only_one) DO UPDATE SET version = excluded.version, functions = excluded.functions
        """,
        version,
        digest,
    )


def _digest() -> str:
    return hashlib.sha256(functions().encode()).hexdigest()
