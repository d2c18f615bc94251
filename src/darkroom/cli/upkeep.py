"""The commands for a database as a whole: bring it up to date, move it to PostgreSQL."""

import sys
from typing import Annotated

import uvloop
from cyclopts import Parameter
from rich.text import Text

from darkroom.cli import show
from darkroom.cli.app import OPERATING, Config, Data, app, settings_of
from darkroom.lock import FolderLock, open_folder
from darkroom.store import upgrading
from darkroom.store.copying import Copied, copy
from darkroom.store.postgres.database import shown


@app.command(group=OPERATING)
def migrate(
    *,
    check: Annotated[bool, Parameter(negative=(), help="Change nothing; exit 1 where something is missing.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Bring the database to this version's tables, and say what was done; a server does the same when it starts."""
    settings = settings_of(data, config)
    done = uvloop.run(upgrading.look(settings) if check else upgrading.upgrade(settings))
    numbers = ", ".join(map(str, done.applied)) or "none"
    if not check:
        show.console.print(f"{done.name} is at version {done.version}; migrations applied: {numbers}")
        return
    if done.is_current:
        show.console.print(f"{done.name} is at version {done.version}, and nothing is missing")
        return
    show.console.print(f"{done.name} is at version {done.version}; migrations missing: {numbers}")
    sys.exit(1)


@app.command(name="copy", group=OPERATING)
def copy_to(*, to: str, data: Data = None, config: Config = None) -> None:
    """Copy everything in the data folder's database to an empty PostgreSQL, and compare the books of both.

    No server may run on the folder meanwhile. All is copied or nothing; what was begun and cut off is begun again.

    Parameters
    ----------
    to
        postgresql://user:password@host/name
    """
    settings = settings_of(data, config)
    lock = FolderLock(open_folder(settings.folder))
    lock.take("copying to PostgreSQL")
    try:
        copied = uvloop.run(copy(settings.folder / "darkroom.db", to, told=show.errors.print))
    finally:
        lock.release()
    _tell(copied, shown(to))


def _tell(copied: Copied, name: str) -> None:
    audit = copied.audit
    about = f"{audit.entries} entries, {audit.accounts} accounts, {audit.generations} generations"
    show.console.print(Text("copied, and the books are exact on both sides:", "green"), about)
    show.console.print(f"Start servers with DARKROOM_DATABASE set to {name} (with its password) from now on.")
