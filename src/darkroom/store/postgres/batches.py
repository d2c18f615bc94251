"""What is asked for while a statement is on its way goes into the next one together: one commit for many."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from darkroom.store.postgres.database import LOST, UNDONE, Database

Asked = TypeVar("Asked")
Told = TypeVar("Told")

CarryOut = Callable[[list[Asked], bool], Awaitable[list[Told]]]
"""Takes what was asked and whether it may have been carried out before; an answer for each, in order."""

MOST = 200
"""As many go into one statement: it holds the locks of all their accounts until it is on the disk."""

LANES = 2
"""So many statements of one kind are on their way at once: one that waits for a lock does not stop all others."""


class Batches(Generic[Asked, Told]):
    """Only for what may be asked twice: where the connection is lost, nobody knows whether it has been carried out.
    `patience_s` is how long a database that is away is outlasted; the database's own where none is given."""

    def __init__(
        self, database: Database, carry_out: CarryOut[Asked, Told], *, patience_s: float | None = None
    ) -> None:
        self._database = database
        self._carry_out = carry_out
        self._patience_s = patience_s
        self._waiting: deque[tuple[Asked, asyncio.Future[Told]]] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._open = 0

    async def ask(self, asked: Asked) -> Told:
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._open < LANES:
            self._open += 1
            lane = asyncio.create_task(self._run())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        # Whoever goes away leaves it to be carried out all the same.
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                await self._answer(batch)
        finally:
            # At once: between a task's end and the moment when others hear of it, somebody asks, and waits for nobody.
            self._open -= 1

    async def _answer(self, batch: "list[tuple[Asked, asyncio.Future[Told]]]", *, is_again: bool = False) -> None:
        async def once() -> list[Told]:
            nonlocal is_again
            try:
                return await self._carry_out([asked for asked, _ in batch], is_again)
            except LOST:
                is_again = True
                raise

        try:
            told = await self._database.insist(once, excuses=(*LOST, *UNDONE), patience_s=self._patience_s)
        except Exception as error:  # noqa: BLE001 - the one who asked gets it, whatever it is
            if len(batch) == 1 or isinstance(error, LOST):
                for _, future in batch:
                    _fail(future, error)
                return
            # One of them was refused, and took the others with it: each by itself, then.
            for one in batch:
                await self._answer([one], is_again=is_again)
            return
        for (_, future), answer in zip(batch, told, strict=True):
            if not future.done():
                future.set_result(answer)


def _fail(future: "asyncio.Future[Told]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
