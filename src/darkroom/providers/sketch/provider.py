"""The embedded renderer as a provider: takes the work at once, renders it when polled, and obeys sandbox directives."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from darkroom.clock import Clock, from_micros, to_micros
from darkroom.errors import (
    Ambiguous,
    ContentRefused,
    DarkroomError,
    Failure,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)
from darkroom.ports import NOWHERE, Address, Output, Pace, Pending, Report, Ticket, Work
from darkroom.providers.sketch import directives
from darkroom.providers.sketch.pool import RenderPool

FAILURES: dict[str, Failure] = {
    "content": ContentRefused("the prompt was refused by the content rules (asked for by a sandbox directive)"),
    "provider": ProviderRejected("the provider could not render this (asked for by a sandbox directive)"),
    "timeout": ProviderTimedOut("the provider did not finish in time (asked for by a sandbox directive)"),
}


class Sketch:
    """Rendering is free and the same brief gives the same bytes, so an attempt may start again at any time."""

    name = "sketch"
    may_restart = True
    bills_canceled = False
    can_look_up = False
    can_cancel = True
    pace = Pace()

    def __init__(self, pool: RenderPool, *, clock: Clock, slots: int, is_paced: bool) -> None:
        self._pool = pool
        self._clock = clock
        self._is_paced = is_paced
        self.slots = slots

    def address(self) -> Address:
        return NOWHERE

    async def open(self) -> None:
        await self._pool.start()

    async def close(self) -> None:
        await self._pool.close()

    async def start(self, work: Work) -> Ticket | Output:
        orders, _ = directives.read(work.brief.prompt)
        if orders.is_lost:
            raise Ambiguous("the answer to the submit was lost (asked for by a sandbox directive)")
        if work.attempt <= orders.unavailable:
            raise ProviderUnavailable("the provider is not available (asked for by a sandbox directive)")
        wait_s = orders.wait_s
        if wait_s is None:
            wait_s = sum(work.expected_wait_s) / 2 if self._is_paced else 0.0
        # The ticket says when the work is due, so that a restart goes on waiting instead of waiting anew.
        return Ticket(str(to_micros(self._clock.now() + timedelta(seconds=wait_s))))

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        orders, prompt = directives.read(work.brief.prompt)
        wait_s = (from_micros(int(ticket.ref)) - self._clock.now()).total_seconds()
        if orders.fail is not None:
            await asyncio.sleep(max(wait_s, 0.0))
            raise FAILURES[orders.fail]
        # Rendered first: the wait then ends when it is due, not a render later.
        try:
            rendered = await self._pool.render(replace(work.brief, prompt=prompt), work.folder, report)
        except (Failure, asyncio.CancelledError):
            raise
        except DarkroomError as error:
            raise ProviderRejected(str(error)) from error
        wait_s = (from_micros(int(ticket.ref)) - self._clock.now()).total_seconds()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        return Output(files=tuple(rendered))

    async def lookup(self, work: Work) -> Ticket | Output | None:
        """Never asked: what is lost here is started anew."""
        raise ProviderUnavailable("the embedded renderer keeps nothing to look up")

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        """Nothing to do: the render ends with the poll that awaits it."""
