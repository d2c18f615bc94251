"""The tables by month, tried on a real PostgreSQL beside the tables as they are: asking, writing, taking a month out.

`python -m bench.scale.partitions` (three minutes). Twelve months of rows, written by the database itself.
"""

import asyncio
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.postgres import a_database
from darkroom.store.postgres.database import connect
from darkroom.store.postgres.migrate import migrate
from darkroom.store.postgres.queries import Connection

PARTED = Path(__file__).with_name("partitioned.sql")

MONTHS = 12
EACH = 50_000
"""Generations a month: four tables of 50,000, 50,000, 100,000 and 150,000 rows."""
ACCOUNTS = 100
ASKED = 2_000

FILL = """
WITH made AS (
    SELECT lpad(to_hex(extract(epoch FROM $1::timestamptz)::bigint * 1000 + n * $3), 12, '0') AS at, n
      FROM generate_series(0, $2::bigint - 1) AS n
), named AS (
    SELECT left(at, 8) || '-' || right(at, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0') AS id,
           'a' || n % 100 AS account, n FROM made
), generations AS (
    INSERT INTO {0}.generation (id, account_id, dialect, model, modality, task, provider, inputs, wire, quote, held,
                                spent, status, attempt, created_at, settled_at)
    SELECT id, account, 'native', 'kling-v2.1', 'video', 'text-to-video', 'fal', repeat('i', 150), '{{}}', 26000000,
           '{{}}', '{{}}', 'completed', 1, n, n FROM named
), attempts AS (
    INSERT INTO {0}.attempt (generation_id, number, provider, ticket, started_at)
    SELECT id, 1, 'fal', 'task_0123456789abcdef', n FROM named
), entries AS (
    INSERT INTO {0}.entry (at, account_id, generation_id, kind, purse, amount)
    SELECT n, account, id, kind, 'permanent', 26000000 FROM named, unnest(ARRAY['hold', 'capture']) AS kind
)
INSERT INTO {0}.event (generation_id, status, at, account_id)
SELECT id, status, n, account FROM named, unnest(ARRAY['queued', 'running', 'completed']) AS status
"""


def month_of(number: int) -> tuple[str, datetime]:
    """The name and the first instant of a month of 2026, counted from 0; the twelfth begins the next year."""
    began = datetime(2026 + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return f"{began:%Y_%m}", began


def first_id(began: datetime) -> str:
    """No id of an earlier instant is as great: an id begins with its milliseconds, in 48 bits."""
    digits = f"{int(began.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"


async def open_months(connection: Connection, count: int = MONTHS) -> None:
    for number in range(count):
        (name, began), (_, ends) = month_of(number), month_of(number + 1)
        await connection.execute("SELECT parted.open_month($1, $2, $3)", name, first_id(began), first_id(ends))


async def run() -> list[str]:
    with a_database() as server:
        connection = await connect(server.fresh())
        await migrate(connection)
        await connection.execute(PARTED.read_text("utf-8"))
        await open_months(connection)
        await connection.execute(
            "INSERT INTO account (id, name, plan, created_at) SELECT 'a' || n, 'a' || n, 'open', 0"
            " FROM generate_series(0, 99) AS n"
        )
        lines = ["| 12 months, 600,000 generations | as it is | by month |", "|---|---|---|"]
        for name, found in zip(
            _NAMES, zip(*[await _try(connection, one) for one in ("darkroom", "parted")], strict=True), strict=True
        ):
            lines.append(f"| {name} | {found[0]} | {found[1]} |")
        await connection.close()
    return lines


_NAMES = (
    "written, generations a second",
    "a generation by its id, p50",
    "the newest 20 of an account, p50",
    "the newest event of an account, p50",
    "the oldest month is taken out in",
    "the database afterwards, of what it was",
)


async def _try(connection: Connection, schema: str) -> tuple[str, ...]:
    began = time.perf_counter()
    ids: list[str] = []
    for number in range(MONTHS):
        _, start = month_of(number)
        await connection.execute(FILL.format(schema), start, EACH, 50)
    written = MONTHS * EACH / (time.perf_counter() - began)
    await connection.execute(f"VACUUM (ANALYZE) {schema}.generation, {schema}.entry, {schema}.event, {schema}.attempt")
    ids = [row[0] for row in await connection.fetch(f"SELECT id FROM {schema}.generation TABLESAMPLE SYSTEM (5)")]
    accounts = [f"a{number}" for number in range(ACCOUNTS)]
    by_id = await _asked(connection, f"SELECT * FROM {schema}.generation WHERE id = $1", ids)
    page = f"SELECT * FROM {schema}.generation WHERE account_id = $1 ORDER BY number DESC LIMIT 20"
    event = f"SELECT sequence FROM {schema}.event WHERE account_id = $1 ORDER BY sequence DESC LIMIT 1"
    by_page, by_event = await _asked(connection, page, accounts), await _asked(connection, event, accounts)
    size = await _size(connection, schema)
    began = time.perf_counter()
    await _take_out(connection, schema)
    taken = time.perf_counter() - began
    left = await _size(connection, schema) / size
    ms = [f"{seconds * 1000:.2f} ms" for seconds in (by_id, by_page, by_event)]
    return (f"{written:,.0f}", *ms, f"{taken * 1000:,.0f} ms", f"{left:.0%}")


async def _asked(connection: Connection, question: str, values: list[str]) -> float:
    chance = random.Random(1)
    took = []
    for _ in range(ASKED):
        value = chance.choice(values)
        began = time.perf_counter()
        await connection.fetch(question, value)
        took.append(time.perf_counter() - began)
    return median(took)


async def _take_out(connection: Connection, schema: str) -> None:
    name, _ = month_of(0)
    if schema == "parted":
        async with connection.transaction():
            await connection.execute("SELECT parted.close_month($1)", name)
        for table in ("event", "entry", "attempt", "generation"):
            await connection.execute(f"DROP TABLE parted.{table}_{name}")
        return
    _, ends = month_of(1)
    # An entry may not be deleted; the trigger is off here to see what it would take.
    await connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
    for table in ("event", "entry", "attempt"):
        await connection.execute(f"DELETE FROM {table} WHERE generation_id < $1", first_id(ends))
    await connection.execute("DELETE FROM generation WHERE id < $1", first_id(ends))
    await connection.execute("VACUUM generation, entry, event, attempt")


async def _size(connection: Connection, schema: str) -> int:
    question = """SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
                    JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname ~ '^(generation|attempt|entry|event)'"""
    return int(await connection.fetchval(question, schema))


if __name__ == "__main__":
    for line in asyncio.run(run()):
        print(line)
