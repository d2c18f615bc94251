"""Assets over obstore: a folder, or a bucket of S3, GCS or Azure; what is stored is durable before anyone is told."""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from darkroom.asset import MEDIA_TYPES
from darkroom.assets.fault import as_os_error
from darkroom.durable import sync
from darkroom.errors import NotFound

CHUNK_BYTES = 256 * 1024
"""Of a local file, read at once."""

FAR_CHUNK_BYTES = 1024 * 1024
"""Of a bucket: each is a request of its own, so that a reader that pauses keeps no connection open."""

PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
"""A large file goes up in parts: so many of them are in memory."""

DELETED_AT_ONCE = 1000
"""What one request to S3 may name."""

CACHED = "private, max-age=86400, immutable"
"""What is stored under a key never changes."""

NOBODY = "never-stored"
"""A key that nothing is stored under: asking for it tells whether the bucket answers us."""


class ObstoreAssets:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._root = Path(store.prefix) if isinstance(store, LocalStore) and store.prefix is not None else None

    async def put(self, key: str, source: Path | bytes) -> int:
        """Store a file's bytes; returns their number."""
        size_bytes = len(source) if isinstance(source, bytes) else await asyncio.to_thread(_size_of, source)
        with as_os_error():
            await obstore.put_async(
                self._store,
                key,
                source,
                # A file of a disk has no place for them.
                attributes=None if self._root is not None else _attributes(key),
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        if self._root is not None:
            await asyncio.to_thread(_make_durable, self._root, key)
        return size_bytes

    async def take(self, key: str, source: Path) -> int:
        """Store a file's bytes and leave no file behind: on one disk it is only renamed."""
        size_bytes = None if self._root is None else await asyncio.to_thread(_move, source, self._root, key)
        if size_bytes is None:
            size_bytes = await self.put(key, source)
            await asyncio.to_thread(source.unlink)
        return size_bytes

    async def size(self, key: str) -> int:
        """Raises `NotFound`."""
        try:
            with as_os_error():
                return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            raise NotFound("this asset") from None

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`."""
        position = start
        last = await self.size(key) if end is None else end
        chunk_bytes = FAR_CHUNK_BYTES if self._root is None else CHUNK_BYTES
        while position < last:
            stop = min(position + chunk_bytes, last)
            with as_os_error():
                chunk = await obstore.get_range_async(self._store, key, start=position, end=stop)
            yield bytes(chunk)
            position = stop

    async def fetch(self, key: str, target: Path) -> None:
        """Copy the bytes to a local file; raises `NotFound`."""
        # In pieces, as a bucket's connection is given so many seconds for all that it is asked for.
        chunks = self.read(key)
        first = await anext(chunks, b"")
        with target.open("wb") as file:
            file.write(first)
            async for chunk in chunks:
                file.write(chunk)

    async def direct_url(self, key: str, *, life: timedelta) -> str | None:
        """A URL of the store's own, good for so long; None where it signs none. Asks nobody for most credentials."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        with as_os_error():
            return await obstore.sign_async(self._store, "GET", key, life)

    async def delete(self, keys: Sequence[str]) -> None:
        if self._root is None:
            for at in range(0, len(keys), DELETED_AT_ONCE):
                with contextlib.suppress(FileNotFoundError), as_os_error():
                    await obstore.delete_async(self._store, keys[at : at + DELETED_AT_ONCE])
            return
        # One by one: a missing file ends the deletion of a list, and a stored list may be of what a crash has deleted.
        for key in keys:
            with contextlib.suppress(FileNotFoundError), as_os_error():
                await obstore.delete_async(self._store, key)

    async def delete_folder(self, prefix: str) -> None:
        with as_os_error():
            async for page in obstore.list(self._store, prefix=f"{prefix}/"):
                await self.delete([item["path"] for item in page])

    async def check(self) -> None:
        """Raises `OSError` where nothing could be stored or read now."""
        if self._root is None:
            with contextlib.suppress(NotFound):
                await self.size(NOBODY)
        else:
            await asyncio.to_thread(_write_once, self._root)


def _size_of(path: Path) -> int:
    return path.stat().st_size


def _attributes(key: str) -> dict[str, str]:
    """What a bucket tells those who are sent to it for the bytes."""
    media_type = MEDIA_TYPES.get(key.rsplit(".", 1)[-1], "application/octet-stream")
    return {"Content-Type": media_type, "Cache-Control": CACHED}


def _make_durable(root: Path, key: str) -> None:
    """The bytes and every name on the way to them, written through to the disk."""
    path = root / key
    sync(path)
    for folder in path.parents:
        sync(folder)
        if folder == root:
            return


def _move(source: Path, root: Path, key: str) -> int | None:
    """Its number of bytes; None where it lies on another disk."""
    target = root / key
    while True:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except FileNotFoundError:
            if source.exists():
                continue  # a folder that was empty for a moment has just been cleaned up
            if not target.exists():
                raise  # else an earlier try has moved it, and could not make it durable
        except OSError as error:
            if error.errno == errno.EXDEV:
                return None
            raise
        _make_durable(root, key)
        return _size_of(target)


def _write_once(root: Path) -> None:
    path = root / f".{NOBODY}-{os.getpid()}"
    try:
        path.write_bytes(b"x")
    finally:
        path.unlink(missing_ok=True)
