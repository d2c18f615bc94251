"""Puts a request's bytes aside as they come: a few stay in memory, many go to the disk, hashed on the way."""

import asyncio
import hashlib
from pathlib import Path
from typing import BinaryIO

from darkroom.asset import Arrival
from darkroom.ids import new_id

IN_MEMORY_BYTES = 1024 * 1024
"""A file of no more than this touches no disk before it is stored; a larger one is written in pieces of this."""

HEAD_BYTES = 64

INCOMING = "incoming-"


class Spool:
    """One file on its way in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._hash = hashlib.sha256()
        self._head = b""
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        self.size_bytes += len(chunk)
        if self._waiting_bytes > IN_MEMORY_BYTES:
            await asyncio.to_thread(self._write_through)

    async def close(self, *, name: str = "", media_type: str = "") -> Arrival:
        source: Path | bytes
        if self._path is None:
            source = b"".join(self._waiting)
            self._hash.update(source)
        else:
            await asyncio.to_thread(self._write_through)
            source = self._path
        self._close_file()
        return Arrival(
            source=source,
            size_bytes=self.size_bytes,
            sha256=self._hash.hexdigest(),
            head=self._head,
            name=name,
            media_type=media_type,
        )

    def discard(self) -> None:
        """Forget the bytes, unless they have been stored."""
        self._close_file()
        self._waiting.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write_through(self) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path = self._folder / f"{INCOMING}{new_id()}"
            self._file = self._path.open("wb", buffering=0)
        for chunk in self._waiting:
            self._hash.update(chunk)
            self._file.write(chunk)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class Tray:
    """Everything that one request has brought, until it is answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spools: list[Spool] = []

    def add(self) -> Spool:
        spool = Spool(self._folder)
        self._spools.append(spool)
        return spool

    def clear(self) -> None:
        for spool in self._spools:
            spool.discard()
        self._spools.clear()
