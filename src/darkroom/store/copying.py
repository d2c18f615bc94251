"""Moves an embedded installation to PostgreSQL: every row, in one transaction, and only where the books agree."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from darkroom.errors import Misconfigured
from darkroom.records import Audit
from darkroom.store import books, database
from darkroom.store.postgres import books as postgres_books
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import connect, shown
from darkroom.store.postgres.migrate import LONGEST_S, SCHEMA, migrate
from darkroom.store.postgres.queries import Listening

TABLES = (
    "account",
    "key",
    "generation",
    "attempt",
    "entry",
    "balance",
    "event",
    "webhook",
    "delivery",
    "delivery_try",
    "idempotency",
    "content",
    "asset",
    "content_use",
    "upload",
    "upload_part",
)
"""Each after those that it refers to."""

COPYING = queries.load("copying")


@dataclass(frozen=True, slots=True)
class Copied:
    """How many rows of each table, and what both sides' books say."""

    rows: Mapping[str, int]
    audit: Audit


async def copy(file: Path, dsn: str, *, told: Callable[[str], None] = lambda text: None) -> Copied:
    """Raises `Misconfigured` where the target holds anything, or where the books of one side are not exact. Whatever
    ends it, a target holds all or nothing: it can be begun again. Nobody may write to the file meanwhile."""
    source = _open(file)
    try:
        source.execute("PRAGMA query_only = 1")
        # One look from here to the end, whoever else has the file open.
        source.execute("BEGIN")
        _check_source(source)
        target = await connect(dsn, command_limit_s=LONGEST_S)
        try:
            await migrate(target)
            async with target.transaction():
                return await _copy_all(source, target, shown(dsn), told)
        finally:
            await target.close()
    finally:
        source.close()


def _open(file: Path) -> apsw.Connection:
    if not file.exists():
        raise Misconfigured(f"there is nothing to copy: {file} does not exist")
    database.migrate(file)
    return database.connect(file)


async def _copy_all(source: apsw.Connection, target: Listening, name: str, told: Callable[[str], None]) -> Copied:
    # A server that is started on it meanwhile waits, and finds the accounts that it would have made.
    await target.execute(f"LOCK TABLE {', '.join(TABLES)} IN EXCLUSIVE MODE")
    for table in TABLES:
        if await target.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):  # noqa: S608
            raise Misconfigured(f"{name} is not empty: it has rows in {table}; copy into a new database")
    counts = {}
    for table in TABLES:
        counts[table] = await _copy_table(source, target, table)
        told(f"{table}: {counts[table]}")
    await _compare(source, target, counts)
    audit = await postgres_books.audited(target)
    if audit.discrepancies:
        raise Misconfigured(f"the copy's books are not exact: {audit.discrepancies[0]}")
    return Copied(counts, audit)


def _check_source(source: apsw.Connection) -> None:
    tables = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    unknown = {name for (name,) in tables} - set(TABLES)
    assert not unknown, f"tables that would be left behind: {unknown}"
    found = books.audited(source).discrepancies
    if found:
        raise Misconfigured(
            f"the books are not exact, which a copy would hide: {found[0]}; see `darkroom ledger verify`"
        )


async def _copy_table(source: apsw.Connection, target: Listening, table: str) -> int:
    columns = [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})")]
    kinds: dict[str, str] = dict(await COPYING.columns.rows(target, schema=SCHEMA, table=table))
    chosen = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608
    if table == "event":
        columns.append("account_id")
        chosen = (
            "SELECT event.*, generation.account_id FROM event JOIN generation ON generation.id = event.generation_id"
        )
    make = [bool if kinds[column] == "boolean" else queries.storable for column in columns]
    count = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal count
        for row in source.execute(chosen):
            count += 1
            yield tuple(value if value is None else to(value) for to, value in zip(make, row, strict=True))

    await target.copy_records_to_table(table, records=rows(), columns=columns, schema_name=SCHEMA)
    await _go_on_counting(source, target, table)
    return count


async def _go_on_counting(source: apsw.Connection, target: Listening, table: str) -> None:
    """No number is given out a second time, not even that of a row that was deleted."""
    last = source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).get
    column = await COPYING.counter.value(target, schema=SCHEMA, table=table)
    if column is not None and last:
        await COPYING.count_on.run(target, table=f"{SCHEMA}.{table}", column=column, last=last)


async def _compare(source: apsw.Connection, target: Listening, counts: Mapping[str, int]) -> None:
    for table, count in counts.items():
        found = await target.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
        if found != count:
            raise Misconfigured(f"{table} has {found} rows, and not the {count} that were copied")
    balances = "SELECT account_id, purse, issued, available, held, spent FROM balance ORDER BY account_id, purse"
    theirs = [tuple(row) for row in await target.fetch(balances)]
    if theirs != source.execute(balances).fetchall():
        raise Misconfigured("an account's balance is not what it was")
