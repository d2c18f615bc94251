"""The floor under a submit: one row in the same store, in the same group commits, and nothing else."""

import asyncio
import tempfile
import time
from pathlib import Path

import apsw
import uvloop

from darkroom.store.database import Database

WRITERS = 64
SECONDS = 3.0
TABLE = "CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)"
ROW = 'INSERT INTO bare (text) VALUES (\'{"prompt": "A drone flyover of a city at night", "duration": 5}\')'


def group_commits() -> float:
    """Rows a second, each on the disk before its writer goes on."""
    return uvloop.run(_measure())


async def _measure() -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "bare.db")
        await database.open()
        await database.write(
            lambda connection: connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)")
        )
        end = time.monotonic() + SECONDS

        async def write() -> int:
            count = 0
            while time.monotonic() < end:
                await database.write(_insert)
                count += 1
            return count

        counts = await asyncio.gather(*[write() for _ in range(WRITERS)])
        await database.close()
        return sum(counts) / SECONDS


def _insert(connection: apsw.Connection) -> None:
    connection.execute(ROW)
