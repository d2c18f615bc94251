"""`darkroom migrate` and `darkroom copy`, as an operator runs them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.store.database import connect as connect_file
from darkroom.store.postgres.database import connect
from darkroom.store.postgres.migrate import migrate, newest
from darkroom.store.queries import migrations
from tests.postgres import postgres


def darkroom(*words: str, database: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DARKROOM_DATABASE": database, "COLUMNS": "400"}
    command = [sys.executable, "-m", "darkroom", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)


def test_a_file_is_brought_up_to_date_and_it_says_so(tmp_path: Path) -> None:
    missing = darkroom("migrate", "--check", "--data", str(tmp_path))
    assert (missing.returncode, (tmp_path / "darkroom.db").exists()) == (1, False)
    assert "migrations missing: 1, 2, 3" in missing.stdout
    done = darkroom("migrate", "--data", str(tmp_path))
    assert done.returncode == 0
    assert f"is at version {migrations()[-1][0]}; migrations applied: 1, 2, 3" in done.stdout
    assert darkroom("migrate", "--check", "--data", str(tmp_path)).returncode == 0
    assert "migrations applied: none" in darkroom("migrate", "--data", str(tmp_path)).stdout


def test_postgresql_is_brought_up_to_date_and_it_says_so(tmp_path: Path) -> None:
    dsn = asyncio.run(postgres().empty())

    async def older() -> None:
        connection = await connect(dsn)
        await migrate(connection, to=newest() - 1)
        await connection.close()

    asyncio.run(older())
    missing = darkroom("migrate", "--check", "--data", str(tmp_path), database=dsn)
    assert missing.returncode == 1
    assert f"is at version {newest() - 1}; migrations missing: {newest()}" in missing.stdout
    done = darkroom("migrate", "--data", str(tmp_path), database=dsn)
    assert f"is at version {newest()}; migrations applied: {newest()}" in done.stdout
    assert darkroom("migrate", "--check", "--data", str(tmp_path), database=dsn).returncode == 0


@pytest.mark.parametrize("words", [("migrate",), ("ledger", "verify")])
def test_a_newer_database_is_left_alone_by_every_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    dsn = asyncio.run(postgres().fresh())

    async def newer() -> None:
        connection = await connect(dsn)
        await connection.execute("UPDATE installed SET version = version + 1")
        await connection.close()

    asyncio.run(newer())
    on_file = tmp_path / "darkroom.db"
    connection = connect_file(on_file)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for database in (dsn, ""):
        refused = darkroom(*words, "--data", str(tmp_path), database=database)
        assert refused.returncode == 2
        assert "newer Darkroom" in refused.stderr


def test_an_installation_moves_and_goes_on(tmp_path: Path) -> None:
    dsn = asyncio.run(postgres().empty())
    data = ("--data", str(tmp_path))
    assert darkroom("account", "create", "ann", *data).returncode == 0
    assert darkroom("credit", "grant", "ann", "12.5", *data).returncode == 0
    copied = darkroom("copy", "--to", dsn, *data)
    assert copied.returncode == 0, copied.stderr
    assert "the books are exact on both sides: 1 entries, 1 accounts, 0 generations" in copied.stdout
    assert "12.5" in darkroom("account", "list", *data, database=dsn).stdout
    again = darkroom("copy", "--to", dsn, *data)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
