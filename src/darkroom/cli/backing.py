"""`darkroom backup` and `darkroom restore`, of an installation in one data folder."""

import contextlib
import shutil
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from darkroom.cli import show
from darkroom.cli.app import OPERATING, Config, Data, app, settings_of, with_engine
from darkroom.config import Settings
from darkroom.errors import Misconfigured
from darkroom.generation import Cause
from darkroom.store.backup import copy_database
from darkroom.wiring import Engine

DATABASE, SECRET, ASSETS = "darkroom.db", "secret", "assets"

RESTORED = Cause("restored", "it was queued when the backup was made; whether it was carried out since is not known")


@app.command(group=OPERATING)
def backup(target: Path, *, data: Data = None, config: Config = None) -> None:
    """Copy the database, the assets and the key of their URLs, also while a server works on them.

    Parameters
    ----------
    target
        A new folder.
    """
    settings = _embedded(settings_of(data, config))
    if target.exists():
        raise Misconfigured(f"{target} is there already; a backup gets a folder of its own")
    if not (settings.folder / DATABASE).exists():
        raise Misconfigured(f"there is no database in {settings.folder}")
    target.mkdir(parents=True)
    # The database first: whatever it names was stored before. What is deleted meanwhile was to be deleted.
    copy_database(settings.folder / DATABASE, target / DATABASE)
    _copy_secret(_secret_of(settings), target / SECRET)
    count = _copy_assets(settings, target)
    where = f"{count} assets" if count is not None else f"no assets: they are in {settings.assets}"
    show.console.print(f"{target} has the database, the key of the URLs and {where}")


@app.command(group=OPERATING)
def restore(
    source: Path,
    *,
    data: Data = None,
    config: Config = None,
    fail_queued: Annotated[
        bool, Parameter(help="End what was queued, and give its credits back.", negative=())
    ] = False,
) -> None:
    """Make a data folder from a backup, and verify its books.

    What was queued in the backup may have been carried out, and paid for, after it was made: `--fail-queued` ends it
    instead of carrying it out again. What was running goes on by asking its provider.

    Parameters
    ----------
    source
        A folder that `darkroom backup` has made.
    """
    settings = _embedded(settings_of(data, config))
    folder = settings.folder
    if (folder / DATABASE).exists():
        raise Misconfigured(f"{folder} has a database already; restore into a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    if settings.assets in ("", str(folder / ASSETS)) and (source / ASSETS).is_dir():
        shutil.copytree(source / ASSETS, folder / ASSETS, dirs_exist_ok=True)
    _copy_secret(source / SECRET, _secret_of(settings))
    # The database last: a folder that was cut off before has none, and can be restored again.
    copy_database(source / DATABASE, folder / DATABASE)
    generations, ended = with_engine(settings, lambda engine: _verify(engine, fail_queued=fail_queued))
    show.console.print(
        f"{folder} has {generations} generations, and its books are exact; {ended} queued ones were ended"
    )


async def _verify(engine: Engine, *, fail_queued: bool) -> tuple[int, int]:
    ended, after = 0, 0
    while fail_queued and (turns := await engine.store.queued(after=after)):
        for turn in turns:
            ended += await engine.store.fail_unstarted(turn.id, RESTORED, now=engine.clock.now()) is not None
        after = turns[-1].number
    audit = await engine.store.audit()
    if audit.discrepancies:
        raise Misconfigured(f"the books of this backup are not exact: {audit.discrepancies[0]}")
    return audit.generations, ended


def _embedded(settings: Settings) -> Settings:
    if settings.database:
        raise Misconfigured("the database is a PostgreSQL: back it up with pg_dump; docs/operating.md says how")
    return settings


def _secret_of(settings: Settings) -> Path:
    return Path(settings.secret) if settings.secret else settings.folder / SECRET


def _copy_secret(source: Path, target: Path) -> None:
    # One that is there already is what other servers sign with: it stays.
    if source.exists() and not target.exists():
        shutil.copy2(source, target)


def _copy_assets(settings: Settings, target: Path) -> int | None:
    """How many; None where they are in a bucket."""
    if "://" in settings.assets:
        return None
    root = Path(settings.assets) if settings.assets else settings.folder / ASSETS
    count = 0
    for path in root.rglob("*"):
        if not path.is_file():
            continue
        copy = target / ASSETS / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(path, copy)
            count += 1
    return count
