"""Assets over obstore; on a local disk, what is stored is on the disk before anyone is told so."""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from darkroom.errors import NotFound

CHUNK_BYTES = 256 * 1024
PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
"""A large file goes up in parts: so many of them are in memory."""


class ObstoreAssets:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._root = Path(store.prefix) if isinstance(store, LocalStore) and store.prefix is not None else None

    async def put(self, key: str, source: Path | bytes) -> int:
        """Store a file's bytes; returns their number."""
        await obstore.put_async(self._store, key, source, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        if self._root is not None:
            await asyncio.to_thread(_make_durable, self._root, key)
        return len(source) if isinstance(source, bytes) else await self.size(key)

    async def take(self, key: str, source: Path) -> None:
        """Store a file's bytes and leave no file behind: on one disk it is only renamed."""
        if self._root is None or not await asyncio.to_thread(_move, source, self._root, key):
            await self.put(key, source)
            await asyncio.to_thread(source.unlink)

    async def size(self, key: str) -> int:
        """Raises `NotFound`."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            raise NotFound("this asset") from None

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`."""
        position = start
        last = await self.size(key) if end is None else end
        while position < last:
            stop = min(position + CHUNK_BYTES, last)
            yield bytes(await obstore.get_range_async(self._store, key, start=position, end=stop))
            position = stop

    async def fetch(self, key: str, target: Path) -> None:
        """Copy the bytes to a local file; raises `NotFound`."""
        try:
            answer = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise NotFound("this asset") from None
        with target.open("wb") as file:
            async for chunk in answer.stream():
                file.write(chunk)

    async def delete(self, keys: Sequence[str]) -> None:
        # One by one: a missing key ends the deletion of a list, and a stored list may be of what a crash has deleted.
        for key in keys:
            with contextlib.suppress(FileNotFoundError), _as_os_error():
                await obstore.delete_async(self._store, key)

    async def delete_folder(self, prefix: str) -> None:
        with _as_os_error():
            async for page in obstore.list(self._store, prefix=f"{prefix}/"):
                await self.delete([item["path"] for item in page])


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """One kind of error, whichever store it is."""
    try:
        yield
    except obstore.exceptions.BaseError as error:
        raise OSError(str(error)) from error


def _make_durable(root: Path, key: str) -> None:
    """The bytes and every name on the way to them, written through to the disk."""
    path = root / key
    _sync(path)
    for folder in path.parents:
        _sync(folder)
        if folder == root:
            return


def _move(source: Path, root: Path, key: str) -> bool:
    """False where it lies on another disk."""
    target = root / key
    while True:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except FileNotFoundError:
            if not source.exists():
                raise
            continue  # a folder that was empty for a moment has just been cleaned up
        except OSError as error:
            if error.errno == errno.EXDEV:
                return False
            raise
        _make_durable(root, key)
        return True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_assets(location: str) -> ObstoreAssets:
    """From a folder's path, or a URL such as `s3://bucket/prefix`."""
    if "://" in location:
        return ObstoreAssets(from_url(location))
    folder = Path(location)
    folder.mkdir(parents=True, exist_ok=True)
    return ObstoreAssets(LocalStore(folder, automatic_cleanup=True))
