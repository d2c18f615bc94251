"""Where ambiguous attempts wait: for what a look tells, for an operator's word, or for the end of their hold."""

import asyncio
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from darkroom.attempts import AMBIGUOUS, FOUND, NOTHING, RETRY, Errand, tries
from darkroom.clock import Clock
from darkroom.errors import Ambiguous, DarkroomError, Failure, ProviderUnavailable, StaleAttempt
from darkroom.following import Follower
from darkroom.generation import Generation, Status
from darkroom.pace import Pacer, Watch
from darkroom.ports import Output, Queue, Turn
from darkroom.settling import Settler

log = structlog.get_logger(__name__)

NOT_TAKEN = "the provider has no record of the work: it was not taken"


class Parking:
    """`folder` is where results are put on their way."""

    def __init__(
        self, *, settler: Settler, follower: Follower, pacer: Pacer, queue: Queue, clock: Clock, folder: Path
    ) -> None:
        self._settler = settler
        self._follower = follower
        self._pacer = pacer
        self._queue = queue
        self._clock = clock
        self._folder = folder
        self._parked: dict[str, tuple[Errand, asyncio.Task[None]]] = {}
        self._goodbyes: set[asyncio.Task[bool]] = set()

    async def take(self, errand: Errand, error: Ambiguous) -> None:
        """Nobody knows whether the provider took the work, or what came of it: the operator's policy decides, never a
        guess. A provider that can tell is asked first, for as long as the hold lasts."""
        policy = errand.rules.when_ambiguous
        log.warning("ambiguous", generation=errand.generation.id, policy=policy, reason=str(error))
        if policy != "hold" and not _can_tell(errand):
            await self._conclude(errand, error)
            return
        if errand.left != NOTHING:
            await self._settler.note(errand)
        # An operator is told how long nobody has known, whatever was restarted since.
        since = errand.left.held_since or self._clock.now()
        await self._settler.note_outcome(errand.generation, AMBIGUOUS, str(error), at=since)
        waiting = asyncio.create_task(self._outwait(errand, error))
        self._parked[errand.generation.id] = (errand, waiting)

    async def _conclude(self, errand: Errand, error: Ambiguous) -> None:
        """The policy's word."""
        rules = errand.rules
        if rules.when_ambiguous == "retry" and tries(errand.begun, RETRY) < rules.max_attempts:
            await self._begin_anew(errand, RETRY, error)
        else:
            await self._settler.fail(errand.generation, error)

    async def _outwait(self, errand: Errand, error: Ambiguous) -> None:
        since = errand.left.held_since or self._clock.now()
        left_s = (since + timedelta(seconds=errand.rules.hold_s) - self._clock.now()).total_seconds()
        # Not the attempt's own folder: whoever parked it deletes that one, while the first look here may be under way.
        folder = self._folder / f"{errand.generation.id}-{errand.generation.attempt}-held"
        errand.work = replace(errand.work, scratch=folder)
        try:
            try:
                async with asyncio.timeout(max(left_s, 0.0)):
                    await self._until_known(errand, since)
            except TimeoutError:
                await self._conclude(errand, error)
            except Failure as failure:
                await self._settler.fail(errand.generation, failure)
        except StaleAttempt:
            pass  # an operator decided, or the caller took it back
        finally:
            self._forget(errand.generation.id, asyncio.current_task())
            await clear(folder)

    async def _until_known(self, errand: Errand, since: datetime) -> None:
        if errand.ticket is None and not errand.provider.can_look_up:
            await asyncio.Event().wait()  # only an operator can tell
        with self._pacer.watching_slowly(errand, since) as watch:
            while True:
                await watch.rest()
                try:
                    if await self._look(errand, watch):
                        return
                except DarkroomError:
                    raise
                except Exception:
                    log.exception("a bug ended a look at what is held", generation=errand.generation.id)
                    watch.missed(None)

    async def _look(self, errand: Errand, watch: Watch) -> bool:
        """Tells whether the generation is nobody's here any more: it has ended, or the next attempt's."""
        try:
            if errand.ticket is None:
                return await self._look_up(errand, watch)
            output = await self._follower.look(errand, watch)
        except Ambiguous:
            watch.found_unfinished(None)
            return False
        if output is not None:
            await self._settler.finish(errand.generation, output)
        return output is not None

    async def _look_up(self, errand: Errand, watch: Watch) -> bool:
        watch.ask()
        try:
            found = await errand.provider.lookup(errand.work)
        except ProviderUnavailable as error:
            watch.missed(error.retry_after_s)
            return False
        if isinstance(found, Output):
            await self._settler.finish(errand.generation, found)
        elif found is None:
            await self._begin_anew(errand, ProviderUnavailable.code, ProviderUnavailable(NOT_TAKEN))
        else:
            errand.go_on_with(found)
            await self._settler.note(errand)
            await self._begin_anew(errand, FOUND)
        return True

    async def _begin_anew(self, errand: Errand, outcome: str, error: Failure | None = None) -> None:
        queued = await self._settler.hand_back(errand.generation, outcome, error=error)
        if queued is not None:
            # One that is still in hand here is left alone by the queue; then the next sweep brings it.
            self._queue.enqueue(Turn.of(queued))

    def changed(self, generation: Generation) -> None:
        """Whatever a parked generation has come to, it waits no more. What another process has done before this attempt
        was begun may be heard of only now, and is no news."""
        errand, waiting = self._parked.get(generation.id, (None, None))
        if errand is None or waiting is None or generation.attempt < errand.generation.attempt:
            return
        del self._parked[generation.id]
        waiting.cancel()
        if generation.status is Status.CANCELED and errand.ticket is not None:
            goodbye = asyncio.create_task(self._follower.call_off(errand))
            self._goodbyes.add(goodbye)
            goodbye.add_done_callback(self._goodbyes.discard)

    def _forget(self, generation_id: str, task: "asyncio.Task[None] | None") -> None:
        if self._parked.get(generation_id, (None, None))[1] is task:
            del self._parked[generation_id]

    async def close(self) -> None:
        tasks = [task for _, task in self._parked.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._goodbyes, return_exceptions=True)


async def clear(folder: Path) -> None:
    """Leave nothing of an attempt's files. Many attempts have none: a thread is not asked to find that out."""
    if _is_there(folder):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _is_there(folder: Path) -> bool:
    return folder.exists()


def _can_tell(errand: Errand) -> bool:
    return errand.ticket is None and errand.provider.can_look_up
