"""A full disk: what is refused is told, and nothing is broken once there is room again."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from darkroom.ids import new_id
from darkroom.store.database import CHECKPOINT_PAGES, Database
from tests.store.conftest import play

ROOM_BYTES = (CHECKPOINT_PAGES + 200) * 4096
"""Enough for the log to come to a checkpoint, too little for the file to take in a second one."""


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def row() -> dict[str, str]:
    return {"id": new_id(), "blank": " " * 400_000}


def test_after_a_full_disk_the_log_is_moved_into_the_file_again(tmp_path: Path) -> None:
    def fill(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO account (id, name, plan, created_at) VALUES (:id, :id, :blank, 0)", row())

    async def act() -> None:
        database = Database(tmp_path / "darkroom.db")
        await database.open()
        refused = 0
        with full_disk():
            for _ in range(60):
                try:
                    await database.write(fill)
                except apsw.Error:
                    refused += 1
        assert refused > 0
        while (tmp_path / "darkroom.db").stat().st_size <= ROOM_BYTES:
            await database.write(fill)
            await asyncio.sleep(0)
        await database.close()

    play(act)
