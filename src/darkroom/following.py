"""Follows work at its provider until it has ended: looks when a look is due, and says goodbye to what is taken back."""

import asyncio

import structlog

from darkroom.attempts import Errand
from darkroom.errors import Failure, NotFound, ProviderUnavailable
from darkroom.notify import Bell
from darkroom.pace import Pacer, Watch
from darkroom.ports import Output, Pending

log = structlog.get_logger(__name__)

GOODBYE_LIMIT_S = 10.0


class Follower:
    def __init__(self, *, bell: Bell, pacer: Pacer) -> None:
        self._bell = bell
        self._pacer = pacer

    async def follow(self, errand: Errand) -> Output:
        """The output once it is there; raises what the provider says of the work."""
        with self._pacer.watching(errand) as watch:
            while True:
                await watch.rest()
                output = await self.look(errand, watch)
                if output is not None:
                    self._pacer.learn(errand, watch)
                    return output

    async def look(self, errand: Errand, watch: Watch) -> Output | None:
        """Ask the provider once, and note when to ask it again."""
        if errand.is_here:
            return await self._look(errand, watch)
        async with self._pacer.looking(errand.provider.name):
            return await self._look(errand, watch)

    async def _look(self, errand: Errand, watch: Watch) -> Output | None:
        assert errand.ticket is not None
        watch.ask()
        try:
            state = await errand.provider.poll(errand.work, errand.ticket, lambda part: self._report(errand, part))
        except ProviderUnavailable as error:
            # The work is the provider's already: not reaching it to ask says nothing about the work.
            watch.missed(error.retry_after_s)
            return None
        if isinstance(state, Output):
            return state
        if state.progress is not None:
            self._report(errand, state.progress)
        watch.found_unfinished(state.after_s)
        return None

    async def verdict(self, errand: Errand) -> Output | Pending | None:
        """One more look at a limit, whatever is due; None where the provider does not say."""
        assert errand.ticket is not None
        try:
            async with asyncio.timeout(errand.rules.verdict_s):
                return await errand.provider.poll(errand.work, errand.ticket, lambda progress: None)
        except (ProviderUnavailable, TimeoutError):
            return None

    async def call_off(self, errand: Errand) -> bool:
        """Ask the provider to stop; tells whether that has reached it."""
        if errand.ticket is None or not errand.provider.can_cancel:
            return False
        try:
            async with asyncio.timeout(GOODBYE_LIMIT_S):
                await errand.provider.cancel(errand.work, errand.ticket)
        except (Failure, NotFound, TimeoutError) as error:
            log.warning("the provider was not reached to cancel", generation=errand.generation.id, reason=str(error))
            return False
        return True

    def _report(self, errand: Errand, progress: float) -> None:
        self._bell.report(errand.generation, progress)
