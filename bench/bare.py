"""The floors under a submit, in the same stores and the same group commits: one small row, and a submit's own rows."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import uvloop

from bench.processes import ROOT, SERVED, environment
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.store import queries
from darkroom.store.database import Database
from darkroom.store.postgres.batches import Batches
from darkroom.store.postgres.database import Database as PostgresDatabase

WRITERS = 64
SECONDS = 3.0
TABLE = "CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)"
ROW = 'INSERT INTO bare (text) VALUES (\'{"prompt": "A drone flyover of a city at night", "duration": 5}\')'

GENERATION = queries.load("generation")
LEDGER = queries.load("ledger")
EVENT = queries.load("event")

IN_POSTGRES = """
    WITH row AS MATERIALIZED (
        SELECT each ->> 'id' AS id, each || jsonb_build_object('number', nextval('generation_number_seq')) AS values
          FROM unnest($1::jsonb[]) AS each
    ), stored AS (
        INSERT INTO generation
        SELECT new.* FROM row CROSS JOIN LATERAL jsonb_populate_record(NULL::generation, values) AS new
    ), written AS (
        INSERT INTO entry (at, account_id, generation_id, kind, purse, amount)
        SELECT $2, 'bench', id, 'hold', 'permanent', $3 FROM row
    ), moved AS (
        UPDATE balance SET available = available - $3 * cardinality($1), held = held + $3 * cardinality($1)
         WHERE account_id = 'bench' AND purse = 'permanent'
    ), told AS (
        INSERT INTO event (generation_id, account_id, status, at, writer)
        SELECT id, 'bench', 'queued', $2, 'bench' FROM row
    )
    INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, status, execute_after)
    SELECT 0, 'sketch', convert_to(id, 'UTF8'), id || ':0', 'queued', now() FROM row
"""

NOW = 1_772_971_500_000_000
HELD = 26_000_000


def small_rows() -> float:
    """Small rows a second, each on the disk before its writer goes on."""
    return _alone("small")


def submit_rows() -> float:
    """A submit's rows a second with their indexes: generation, balance, entry, event. Nothing is asked or checked."""
    return _alone("submit")


def postgres_rows(dsn: str) -> float:
    """The same in PostgreSQL, and the queue's entry; those of all writers that wait go in one statement."""
    return _alone("postgres", dsn)


def _alone(what: str, *more: str) -> float:
    """In a process of its own, on the core where Darkroom's runs."""
    command = ["taskset", "-c", SERVED, sys.executable, "-m", "bench.bare", what, *more]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment())
    return float(told.stdout)


async def _measure(
    furnish: Callable[[apsw.Connection], object], make: Callable[[], Callable[[apsw.Connection], object]]
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "bare.db")
        await database.open()
        await database.write(furnish)
        rate = await _written(lambda: database.write(make()))
        await database.close()
        return rate


async def _measure_postgres(dsn: str) -> float:
    database = PostgresDatabase(dsn)
    await database.open()
    async with database.connection() as connection:
        await connection.fetch("INSERT INTO account (id, name, plan, created_at) VALUES ('bench', 'bench', 'free', 0)")
        await connection.fetch(
            "INSERT INTO balance (account_id, purse, issued, available) VALUES ('bench', $1, $2, $3)",
            *(Purse.PERMANENT.value, -(10**18), 10**18),
        )

    async def carry_out(asked: list[str], is_again: bool) -> list[None]:
        async with database.connection() as connection:
            await connection.fetch(IN_POSTGRES, asked, NOW, HELD)
        return [None] * len(asked)

    batches: Batches[str, None] = Batches(database, carry_out)
    row = {**_row(""), "spent": "{}", "status": "queued", "attempt": 0, "outputs": "[]", "is_favorite": False}
    row |= {"is_hidden": False, "is_swept": False, "is_warned": False, "fingerprint": "\\x" + "0" * 64}
    rate = await _written(lambda: batches.ask(json.dumps({**row, "id": new_id()})))
    await database.close()
    return rate


async def _written(write: Callable[[], Awaitable[object]]) -> float:
    """Writes a second of all writers, each of whom waits for its own."""
    end = time.monotonic() + SECONDS

    async def go_on() -> int:
        count = 0
        while time.monotonic() < end:
            await write()
            count += 1
        return count

    return sum(await asyncio.gather(*[go_on() for _ in range(WRITERS)])) / SECONDS


def _new_table(connection: apsw.Connection) -> None:
    connection.execute(TABLE)


def _insert(connection: apsw.Connection) -> None:
    connection.execute(ROW)


def _furnish(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO account (id, name, plan, created_at) VALUES ('bench', 'bench', 'free', 0)")
    connection.execute(
        "INSERT INTO balance (account_id, purse, issued, available) VALUES ('bench', ?, ?, ?)",
        (Purse.PERMANENT.value, -(10**18), 10**18),
    )


def _row(id: str) -> dict[str, object]:
    return {
        "id": id,
        "account_id": "bench",
        "dialect": "elumenta",
        "model": "kling-v2.1",
        "modality": "video",
        "task": "text-to-video",
        "provider": "sketch",
        "inputs": '{"prompt":"A drone flyover of a city at night","duration":5,"aspect_ratio":"16:9"}',
        "wire": "{}",
        "quote": HELD,
        "created_at": NOW,
        "retention_days": None,
        "expires_after_s": None,
        "warn_before_s": None,
        "callback_url": None,
        "callback_events": "[]",
        "fingerprint": bytes(32),
        "priority": 0,
        "run_limit": None,
        "start_by": None,
        "deadline_at": None,
        "held": '{"permanent":26000000}',
    }


def _rows() -> Callable[[apsw.Connection], object]:
    id = new_id()
    generation = tuple(_row(id).values())
    place = {"account_id": "bench", "purse": Purse.PERMANENT.value}
    move = {**place, "issued": 0, "available": -HELD, "held": HELD, "spent": 0}
    entry = NOW, "bench", id, "hold", Purse.PERMANENT.value, HELD, ""
    event = id, "queued", NOW, "bench"

    def write(connection: apsw.Connection) -> None:
        connection.execute(GENERATION.insert, generation)
        connection.execute(LEDGER.move, move)
        connection.execute(LEDGER.append, entry)
        connection.execute(EVENT.insert, event)

    return write


if __name__ == "__main__":
    if sys.argv[1] == "postgres":
        print(uvloop.run(_measure_postgres(sys.argv[2])))
    else:
        furnishing = {"small": (_new_table, lambda: _insert), "submit": (_furnish, _rows)}
        print(uvloop.run(_measure(*furnishing[sys.argv[1]])))
