"""Callers' files on their way into an input."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from darkroom.asset import Arrival
from darkroom.errors import InvalidInput
from darkroom.web.spool import Tray

PIECE_BYTES = 1024 * 1024


async def as_file(value: Any, tray: Tray) -> Any:
    """A path becomes the file's bytes; everything else is the value itself."""
    if isinstance(value, list):
        return [await as_file(item, tray) for item in value]
    return await put_aside(value, tray) if isinstance(value, Path) else value


async def put_aside(path: Path, tray: Tray) -> Arrival:
    """A copy, as what is stored is moved to where it stays."""
    spool = tray.add()
    with reading(path) as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            await spool.write(piece)
    return await spool.close(name=path.name)


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput.of(str(path), f"cannot be read: {error.strerror}") from None
    with file:
        yield file
