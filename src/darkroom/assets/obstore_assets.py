"""Assets over obstore."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from darkroom.errors import NotFound

CHUNK_BYTES = 256 * 1024


class ObstoreAssets:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, source: Path | bytes) -> int:
        """Store a file's bytes; returns their number."""
        await obstore.put_async(self._store, key, source)
        return len(source) if isinstance(source, bytes) else await self.size(key)

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
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)

    async def delete_folder(self, prefix: str) -> None:
        async for page in obstore.list(self._store, prefix=f"{prefix}/"):
            await self.delete([item["path"] for item in page])


def open_assets(location: str) -> ObstoreAssets:
    """From a folder's path, or a URL such as `s3://bucket/prefix`."""
    if "://" in location:
        return ObstoreAssets(from_url(location))
    folder = Path(location)
    folder.mkdir(parents=True, exist_ok=True)
    return ObstoreAssets(LocalStore(folder, automatic_cleanup=True))
