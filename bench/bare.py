"""The floors under a submit, in the same store and the same group commits: one small row, and a submit's own rows."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import uvloop

from bench.processes import ROOT, SERVED, environment
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.store import queries
from darkroom.store.database import Database

WRITERS = 64
SECONDS = 3.0
TABLE = "CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)"
ROW = 'INSERT INTO bare (text) VALUES (\'{"prompt": "A drone flyover of a city at night", "duration": 5}\')'

GENERATION = queries.load("generation")
LEDGER = queries.load("ledger")
EVENT = queries.load("event")

NOW = 1_772_971_500_000_000
HELD = 26_000_000


def small_rows() -> float:
    """Small rows a second, each on the disk before its writer goes on."""
    return _alone("small")


def submit_rows() -> float:
    """A submit's rows a second with their indexes: generation, balance, entry, event. Nothing is asked or checked."""
    return _alone("submit")


def _alone(what: str) -> float:
    """In a process of its own, on the core where Darkroom's runs."""
    command = ["taskset", "-c", SERVED, sys.executable, "-m", "bench.bare", what]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment())
    return float(told.stdout)


async def _measure(
    furnish: Callable[[apsw.Connection], object], make: Callable[[], Callable[[apsw.Connection], object]]
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "bare.db")
        await database.open()
        await database.write(furnish)
        end = time.monotonic() + SECONDS

        async def write() -> int:
            count = 0
            while time.monotonic() < end:
                await database.write(make())
                count += 1
            return count

        counts = await asyncio.gather(*[write() for _ in range(WRITERS)])
        await database.close()
        return sum(counts) / SECONDS


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


def _rows() -> Callable[[apsw.Connection], object]:
    id = new_id()
    generation = {
        "id": id,
        "account_id": "bench",
        "dialect": "elumenta",
        "model": "kling-v2.1",
        "modality": "video",
        "task": "text-to-video",
        "provider": "sketch",
        "quote": HELD,
        "held": '{"permanent":26000000}',
        "wire": "{}",
        "inputs": '{"prompt":"A drone flyover of a city at night","duration":5,"aspect_ratio":"16:9"}',
        "created_at": NOW,
        "retention_days": None,
        "expires_after_s": None,
        "warn_before_s": None,
        "priority": 0,
        "callback_url": None,
        "callback_events": "[]",
        "fingerprint": bytes(32),
        "run_limit": None,
        "start_by": None,
        "deadline_at": None,
    }
    place = {"account_id": "bench", "purse": Purse.PERMANENT.value}
    move = {**place, "issued": 0, "available": -HELD, "held": HELD, "spent": 0}
    entry = {**place, "at": NOW, "generation_id": id, "kind": "hold", "amount": HELD, "note": ""}
    event = {"id": id, "status": "queued", "now": NOW, "writer": "bench"}

    def write(connection: apsw.Connection) -> None:
        connection.execute(GENERATION.insert, generation)
        connection.execute(LEDGER.move, move)
        connection.execute(LEDGER.append, entry)
        connection.execute(EVENT.insert, event)

    return write


if __name__ == "__main__":
    furnishing = {"small": (_new_table, lambda: _insert), "submit": (_furnish, _rows)}
    print(uvloop.run(_measure(*furnishing[sys.argv[1]])))
