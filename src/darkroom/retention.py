"""What ends with time, or because its owner says so: bytes are deleted, records stay for the books.

The order is the promise. First the row says that it is over, and every answer with it; then the bytes go; then the row
forgets what it pointed to. Cut off anywhere between, the next pass goes on: nothing is ever shown whose bytes are gone.
"""

from datetime import timedelta

import structlog

from darkroom.clock import Clock
from darkroom.generation import Generation
from darkroom.ports import Assets, Store
from darkroom.shelf import Shelf
from darkroom.uploads import Uploads

log = structlog.get_logger(__name__)

FOLDERS = ("results", "thumbnails", "inputs")
"""Where a generation's assets are, each in a folder of its id: also those that a cut-off attempt left there."""

LATE = timedelta(hours=1)
"""What a submit or an upload left half done this long ago, it will not finish."""


class Retention:
    def __init__(self, *, store: Store, assets: Assets, shelf: Shelf, uploads: Uploads, clock: Clock) -> None:
        self._store = store
        self._assets = assets
        self._shelf = shelf
        self._uploads = uploads
        self._clock = clock

    async def expire(self) -> None:
        """Delete what is past its retention, and what was cut off while it was stored or deleted."""
        now = self._clock.now()
        await self._store.warn(now=now)
        count = await self._expire_generations()
        count += await self._store.expire_assets(now=now)
        await self._store.tidy(before=now - LATE)
        await self._shelf.delete_doomed()
        await self._uploads.sweep()
        if count:
            log.info("deleted expired assets", generations_and_assets=count)

    async def delete_now(self, generation: Generation) -> None:
        """Of a generation that its row says is over. What does not go now, the next pass deletes."""
        if await self._delete_bytes(generation):
            await self._store.forget_assets([generation.id])
            await self._shelf.delete_doomed()

    async def _expire_generations(self) -> int:
        count, after = 0, None
        while expired := await self._store.expired(now=self._clock.now(), after=after):
            # One that cannot be deleted does not stand before the others: it is passed over, and tried again next time.
            deleted = [generation.id for generation in expired if await self._delete_bytes(generation)]
            await self._store.forget_assets(deleted)
            count += len(deleted)
            after = expired[-1]
        return count

    async def _delete_bytes(self, generation: Generation) -> bool:
        try:
            for folder in FOLDERS:
                await self._assets.delete_folder(f"{folder}/{generation.id}")
        except OSError as error:
            log.error("the assets of a generation were not deleted", generation=generation.id, reason=str(error))
            return False
        return True
