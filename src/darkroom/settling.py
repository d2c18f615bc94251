"""What is written about an attempt, sooner or later: its ticket, its result, its end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from darkroom.asset import Asset
from darkroom.attempts import SENDING, Errand
from darkroom.clock import Clock
from darkroom.credits import ZERO
from darkroom.errors import DarkroomError, Failure, StaleAttempt
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import Assets, Desk, Output, Settlement, Store

Written = TypeVar("Written")

log = structlog.get_logger(__name__)

FINISH_LIMIT_S = 30.0
LAST_FINISH_LIMIT_S = 2.0
"""How long a result that is being stored may take once its attempt is cut off: by its caller, or by a shutdown."""

LONGEST_PAUSE_S = 30.0


class Settler:
    """`retry_s` is the first pause before the store is asked again."""

    def __init__(self, *, store: Store, assets: Assets, desk: Desk, clock: Clock, retry_s: float) -> None:
        self._store = store
        self._assets = assets
        self._desk = desk
        self._clock = clock
        self._retry_s = retry_s
        self.is_closing = False

    async def note(self, errand: Errand) -> None:
        """Where an errand goes and what it was answered; raises `StaleAttempt`."""
        ref = errand.ticket.ref if errand.ticket is not None else SENDING
        generation = errand.generation
        await self.insist(
            lambda: self._store.note_ticket(
                generation.id,
                generation.attempt,
                ref,
                address=errand.work.address,
                sent_at=errand.sent_at,
                reason=errand.reason,
            )
        )

    async def note_outcome(self, generation: Generation, outcome: str, detail: str, *, at: datetime) -> None:
        await self.insist(
            lambda: self._store.note_outcome(generation.id, generation.attempt, outcome, now=at, detail=detail)
        )

    async def finish(self, generation: Generation, output: Output) -> None:
        """Store the result and settle. Once begun it is not cut off halfway, where its assets would be nobody's: a
        caller that takes it back makes the settlement stale, and a stale settlement deletes its assets."""
        finishing = asyncio.create_task(self._keep_and_settle(generation, output))
        try:
            await asyncio.shield(finishing)
        except asyncio.CancelledError:
            try:
                await asyncio.wait({finishing}, timeout=LAST_FINISH_LIMIT_S if self.is_closing else FINISH_LIMIT_S)
            finally:
                finishing.cancel()
            if finishing.done():
                return finishing.result()
            raise

    async def fail(self, generation: Generation, error: Failure) -> None:
        cause = Cause(error.code, str(error))
        await self.settle(
            generation,
            Settlement(status=Status.FAILED, used=ZERO, cause=cause, cost_micro_usd=error.cost_micro_usd),
        )

    async def settle(self, generation: Generation, settlement: Settlement) -> None:
        """Raises `StaleAttempt`."""
        # Of one instant, however often it is said: by it the store knows what it has stored and nobody has heard of.
        now = self._clock.now()
        try:
            settled = await self.insist(
                lambda: self._store.settle(generation.id, generation.attempt, settlement, now=now)
            )
        except StaleAttempt:
            keys = [key for asset in settlement.outputs for key in (asset.key, asset.thumbnail) if key is not None]
            await self._assets.delete(keys)
            raise
        log.info(
            "settled",
            generation=settled.id,
            model=settled.model,
            status=settled.status,
            cause=settled.cause.code if settled.cause else None,
            spent=settled.spent_total,
        )
        self._desk.changed(settled)

    async def hand_back(
        self,
        generation: Generation,
        outcome: str,
        *,
        error: Failure | None = None,
        provider: str | None = None,
        after_s: float = 0.0,
    ) -> Generation | None:
        """Back to queued, at another `provider` where one is given; None where another attempt has taken over.
        `after_s` is when it may be begun again."""
        try:
            return await self.insist(
                lambda: self._store.hand_back(
                    generation.id,
                    generation.attempt,
                    outcome,
                    now=self._clock.now(),
                    provider=provider,
                    detail="" if error is None else str(error),
                    cost_micro_usd=None if error is None else error.cost_micro_usd,
                    after_s=after_s,
                )
            )
        except StaleAttempt as error:
            log.warning("dropped a stale attempt", reason=str(error))
            return None

    async def insist(self, write: Callable[[], Awaitable[Written]]) -> Written:
        """Written down sooner or later: that the disk is full says nothing about the work, and what nobody had written
        down would run for ever. A shutdown leaves it to the next start."""
        misses = 0
        while True:
            try:
                return await write()
            except DarkroomError:
                raise
            except Exception as error:
                if self.is_closing:
                    raise asyncio.CancelledError from error
                log.exception("it was not stored, and is tried again")
            misses += 1
            await asyncio.sleep(min(self._retry_s * 2.0 ** min(misses, 10), LONGEST_PAUSE_S))

    async def _keep_and_settle(self, generation: Generation, output: Output) -> None:
        await self.settle(generation, await self._keep(generation, output))

    async def _keep(self, generation: Generation, output: Output) -> Settlement:
        """Our own copy of every file, before anyone is told that it is there."""
        kept = []
        for index, file in enumerate(output.files, 1):
            name = generation.id if len(output.files) == 1 else f"{generation.id}-{index}"
            key = f"results/{generation.id}/{generation.attempt}/{name}{file.path.suffix}"
            size_bytes = await self._put(key, file.path)
            thumbnail = None
            if file.thumbnail is not None:
                thumbnail = f"thumbnails/{generation.id}/{generation.attempt}/{name}{file.thumbnail.suffix}"
                await self._put(thumbnail, file.thumbnail)
            kept.append(
                Asset(
                    key=key,
                    media_type=file.media_type,
                    size_bytes=size_bytes,
                    width=file.width,
                    height=file.height,
                    duration_s=file.duration_s,
                    thumbnail=thumbnail,
                    sha256=file.sha256,
                    origin_url=file.origin_url,
                )
            )
        used = generation.quote if output.used is None else output.used
        return Settlement(status=Status.COMPLETED, used=used, outputs=tuple(kept), cost_micro_usd=output.cost_micro_usd)

    async def _put(self, key: str, file: Path) -> int:
        """A paid result waits for its place: a full disk, or a bucket out of reach, says nothing about the work."""

        async def take() -> int | None:
            try:
                return await self._assets.take(key, file)
            except FileNotFoundError:
                if await asyncio.to_thread(file.exists):
                    raise
                return None

        size_bytes = await self.insist(take)
        if size_bytes is None:
            raise FileNotFoundError(f"the provider handed over {file.name}, which is not there")
        return size_bytes
