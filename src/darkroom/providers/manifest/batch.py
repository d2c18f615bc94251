"""Many polls in one call, for upstreams that answer for many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from darkroom.errors import DarkroomError
from darkroom.providers.client import Answer
from darkroom.providers.manifest.verdicts import LostThere

GATHER_S = 0.02
"""How long the first poll waits for company: what is due together goes out together."""

Items = dict[str, Any]
Ask = Callable[[Sequence[str]], Awaitable[tuple[Answer, Items]]]


class Batch:
    """The polls of one address. `ask` gets their ids and answers with what was told of each."""

    def __init__(self, ask: Ask, *, most: int) -> None:
        self._ask = ask
        self._most = most
        self._waiting: dict[str, asyncio.Future[tuple[Answer, Any]]] = {}
        self._gathering: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def poll(self, id: str) -> tuple[Answer, Any]:
        """The answer, and what it tells of this id; None where it tells nothing. Raises what the call raised."""
        future = self._waiting.get(id)
        if future is None:
            future = self._waiting[id] = asyncio.get_running_loop().create_future()
            if len(self._waiting) >= self._most:
                self._send()
            elif self._gathering is None:
                self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._send)
        return await asyncio.shield(future)

    def _send(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        waiting, self._waiting = self._waiting, {}
        if waiting:
            task = asyncio.ensure_future(self._answer(waiting))
            self._calls.add(task)
            task.add_done_callback(lambda task: self._ended(task, waiting))

    def _ended(self, task: asyncio.Task[None], waiting: dict[str, asyncio.Future[tuple[Answer, Any]]]) -> None:
        self._calls.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A bug: those who wait must hear of it, or they would wait for ever.
            _fail({id: future for id, future in waiting.items() if not future.done()}, error)

    async def _answer(self, waiting: dict[str, asyncio.Future[tuple[Answer, Any]]]) -> None:
        try:
            answer, items = await self._ask(list(waiting))
        except LostThere as error:
            if len(waiting) == 1:
                _fail(waiting, error)
                return
            # One id that is not known there may refuse them all: each is asked after by itself.
            await asyncio.gather(*(self._answer({id: future}) for id, future in waiting.items()))
            return
        except (DarkroomError, asyncio.CancelledError) as error:
            _fail(waiting, error)
            return
        for id, future in waiting.items():
            future.set_result((answer, items.get(id)))

    async def close(self) -> None:
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)


def _fail(waiting: dict[str, asyncio.Future[tuple[Answer, Any]]], error: BaseException) -> None:
    for future in waiting.values():
        future.set_exception(error)
        future.exception()  # looked at: its waiter may have gone
