"""The commands about an account's own assets: upload, list, delete."""

import sys
from pathlib import Path

import msgspec
from cyclopts import App
from rich.table import Table
from rich.text import Text

from darkroom.cli import show
from darkroom.cli.app import MAKING, Data, Json, app, settings_of, with_session
from darkroom.cli.session import Session
from darkroom.dialects.native_assets import AssetBody
from darkroom.errors import Rejected

assets_app = App(name="assets", help="Assets of your own: list and delete them.", group=MAKING)
app.command(assets_app)


@app.command(group=MAKING)
def upload(
    file: Path,
    *,
    name: str = "",
    expires_after_s: int | None = None,
    account: str = "default",
    json: Json = False,
    data: Data = None,
) -> None:
    """Upload a picture, a video or a sound; prints its id, to be used as an input, and its URL.

    Parameters
    ----------
    file
        The file. It is sent as it is read, however large it is.
    name
        What to call it; the file's name otherwise.
    expires_after_s
        Delete it after so many seconds.
    account
        Whose asset it is, where no server is named.
    """

    async def act(session: Session) -> AssetBody:
        return await session.upload(file, name=name or file.name, expires_after_s=expires_after_s)

    made = with_session(settings_of(data), account, act, works=False)
    if json:
        print(msgspec.json.encode(made).decode())
    else:
        show.console.print(Text(made.id, "bold"), "", made.media_type, f" {made.size_bytes:,} bytes")
        show.console.print(made.url, soft_wrap=True)


@assets_app.command(name="list")
def list_(*, limit: int = 50, account: str = "default", json: Json = False, data: Data = None) -> None:
    """List an account's assets, newest first."""
    found = with_session(settings_of(data), account, lambda session: session.assets(limit=limit), works=False)
    if json:
        print(msgspec.json.encode(found).decode())
        return
    table = Table(box=None, header_style="bold")
    for title in ("id", "type", "bytes", "uploaded", "expires"):
        table.add_column(title, no_wrap=True)
    table.add_column("name", no_wrap=True, overflow="ellipsis")
    for item in found:
        expires = "never" if item.expires_at is None else f"{item.expires_at:%Y-%m-%d %H:%M:%S}"
        uploaded = f"{item.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(item.id, item.media_type, f"{item.size_bytes:,}", uploaded, expires, Text(item.name))
    show.console.print(table)


@assets_app.command
def delete(*ids: str, account: str = "default", data: Data = None) -> None:
    """Delete assets; generations that were given one keep its bytes until they are deleted themselves.

    Parameters
    ----------
    ids
        The assets' ids.
    """

    async def act(session: Session) -> bool:
        is_done = True
        for id in ids:
            try:
                await session.delete_asset(id)
            except Rejected as error:
                is_done = False
                show.errors.print(Text("darkroom:", "red"), error, soft_wrap=True)
        return is_done

    sys.exit(0 if with_session(settings_of(data), account, act, works=False) else 1)
