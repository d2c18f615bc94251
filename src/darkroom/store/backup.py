"""A copy of the database's file while a server writes to it: SQLite's own backup, whole or not at all."""

from pathlib import Path

import apsw

from darkroom.durable import sync
from darkroom.errors import Misconfigured


def copy_database(source: Path, target: Path) -> None:
    """The newest commit as a file of its own, checked and on the disk; raises `Misconfigured`."""
    if not source.exists():
        raise Misconfigured(f"there is no database at {source}")
    made = target.with_suffix(".part")
    made.unlink(missing_ok=True)
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    writing = apsw.Connection(str(made))
    try:
        reading.set_busy_timeout(10_000)
        with writing.backup("main", reading, "main") as copying:
            # All in one step: a reader of the log holds nobody up, and what is written meanwhile is not begun anew for.
            copying.step(-1)
        # The copy is one file: nothing of it may lie in a log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
        found = writing.execute("PRAGMA integrity_check").fetchall()
        if found != [("ok",)]:
            raise Misconfigured(f"the copy of {source} is damaged: {found[0][0]}")
    except apsw.Error as error:
        raise Misconfigured(f"{source} was not copied: {error}") from None
    finally:
        writing.close()
        reading.close()
    sync(made)
    made.rename(target)
    sync(target.parent)
