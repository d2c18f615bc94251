"""Whole lifecycles a second, and what one leaves behind, in both databases; and a process from end to end.

`python -m bench.lifecycles` (two minutes; it is not in `make bench`): submit, begin, the ticket, settle, of 64
generations at a time, through the store's verbs alone; then whole generations through one server over HTTP.
docs/scale.md goes on from these figures.
"""

import asyncio
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import asyncpg

from bench.postgres import a_database
from bench.processes import darkroom, wrk
from bench.submits import SCRIPT
from darkroom.asset import Asset
from darkroom.credits import Credits
from darkroom.generation import Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import Store
from darkroom.records import NewGeneration, Settlement
from darkroom.store.database import Database
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.sqlite import SqliteStore

ROUNDS = 3
COUNT = 4_000
AT_ONCE = 64
ACCOUNTS = 10
SECONDS = 8
TABLES = ("generation", "attempt", "entry", "event")


@dataclass(frozen=True)
class Left:
    """What one lifecycle cost, and left: bytes by table, with the indexes."""

    rate: float
    row_bytes: dict[str, float]
    commits: float = 0.0
    log_bytes: float = 0.0

    @property
    def kept_bytes(self) -> float:
        """Events go after a day."""
        return sum(size for table, size in self.row_bytes.items() if table != "event")


def run() -> list[str]:
    sqlite = _middle([asyncio.run(_through_sqlite()) for _ in range(ROUNDS)])
    with a_database() as server:
        postgres = _middle([asyncio.run(_through_postgres(server.fresh())) for _ in range(ROUNDS)])
    whole = median(_whole() for _ in range(ROUNDS))
    lines = [f"whole lifecycles a second, SQLite, store alone {sqlite.rate:9,.0f}"]
    lines += [f"whole lifecycles a second, PostgreSQL, store alone {postgres.rate:9,.0f}"]
    lines += [f"whole generations a second, one process, SQLite {whole:9,.0f}"]
    for name, left in (("SQLite", sqlite), ("PostgreSQL", postgres)):
        each = ", ".join(f"{table} {size:,.0f}" for table, size in left.row_bytes.items())
        lines += [f"bytes of a generation, {name} {left.kept_bytes:9,.0f}   {each}"]
    lines += [f"PostgreSQL: commits a generation {postgres.commits:.2f}, log {postgres.log_bytes:,.0f} bytes"]
    return lines


def _middle(found: list[Left]) -> Left:
    return sorted(found, key=lambda left: left.rate)[len(found) // 2]


async def _through_sqlite() -> Left:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lifecycles.db"
        database = Database(path)
        await database.open()
        rate = await _live(SqliteStore(database))
        await database.close()
        connection = apsw.Connection(str(path))
        question = """SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) GROUP BY tbl_name"""
        sizes: Any = connection.execute(question).fetchall()
        connection.close()
        return Left(rate, {table: dict(sizes)[table] / COUNT for table in TABLES})


async def _through_postgres(dsn: str) -> Left:
    database = PostgresDatabase(dsn)
    await database.open()
    store = PostgresStore(database)
    connection = await asyncpg.connect(dsn)
    before = await _counted(connection)
    rate = await _live(store)
    await database.close()
    # What a session has done is counted when it ends.
    after = await _counted(connection)
    sizes = {
        table: await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", f"darkroom.{table}") / COUNT
        for table in TABLES
    }
    await connection.close()
    commits, log_bytes = ((later - earlier) / COUNT for earlier, later in zip(before, after, strict=True))
    return Left(rate, sizes, commits, log_bytes)


async def _counted(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[int, int]:
    """Transactions of this database, and bytes of the server's log."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    question = """SELECT xact_commit, (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint
                    FROM pg_stat_database WHERE datname = current_database()"""
    row = await connection.fetchrow(question)
    assert row is not None
    return int(row[0]), int(row[1])


async def _live(store: Store) -> float:
    """Lifecycles a second, of so many at once, over a few accounts."""
    now = datetime.now(UTC)
    accounts = [await store.create_account(f"a{index}", plan="open", now=now) for index in range(ACCOUNTS)]
    for account in accounts:
        await store.grant(account.id, Credits(10**12), purse=Purse.PERMANENT, note="", now=now)
    turns = asyncio.Semaphore(AT_ONCE)

    async def live(index: int) -> None:
        async with turns:
            new = _a_new(accounts[index % ACCOUNTS].id, now)
            await store.submit(new)
            await store.begin(new.id, now=now)
            await store.note_ticket(new.id, 1, "task_0123456789abcdef", sent_at=now)
            await store.settle(new.id, 1, _an_end(new), now=now)

    began = time.perf_counter()
    await asyncio.gather(*map(live, range(COUNT)))
    return COUNT / (time.perf_counter() - began)


def _a_new(account_id: str, now: datetime) -> NewGeneration:
    prompt = "A drone flyover of a city at night, rain on the lens, neon signs reflected in the streets below"
    return NewGeneration(
        id=new_id(),
        account_id=account_id,
        dialect="native",
        model="kling-v2.1",
        modality="video",
        task="text-to-video",
        provider="fal",
        inputs={"prompt": prompt, "duration": 5, "aspect_ratio": "16:9", "resolution": "1080p"},
        wire={"model": "kling-v2.1"},
        quote=Credits(26_000_000),
        created_at=now,
        fingerprint=b"f" * 32,
    )


def _an_end(new: NewGeneration) -> Settlement:
    video = Asset(
        key=f"{new.id}/0.mp4",
        media_type="video/mp4",
        size_bytes=12_345_678,
        width=1920,
        height=1080,
        duration_s=5.0,
        sha256="a" * 64,
    )
    return Settlement(status=Status.COMPLETED, used=new.quote, outputs=(video,), cost_micro_usd=350_000)


def _whole() -> float:
    """Submitted over HTTP, begun, ended after a second, stored, settled: from the first submit to the last result."""
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=100_000, after_s=1.0) as server:
        threading.Thread(target=_drain, args=(server.process,), daemon=True).start()
        began = time.perf_counter()
        submits = wrk(
            f"{server.url}/api/v2/generate", seconds=SECONDS, key=server.key, script=SCRIPT, folder=Path(data)
        )
        while server.ask("GET", "/v1/account")["in_flight"]:
            time.sleep(0.1)
        return submits * SECONDS / (time.perf_counter() - began)


def _drain(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    for _ in process.stdout:
        pass


if __name__ == "__main__":
    for line in run():
        print(line)
