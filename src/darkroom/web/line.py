"""The line to a caller that waits: when it hangs up, nobody waits for it any more. And a wait for a moment."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from darkroom.web.body import Disconnected, Receive


class Line:
    """Listens beside what goes on, and calls `when_dead` when the caller has gone.

    A callback instead of a second task: a thousand waiters that are answered at once have half as many steps to run.
    Close it before the answer is sent, whose end sounds as if the caller had gone.
    """

    __slots__ = ("_message", "_receive", "_when_dead", "is_dead")

    def __init__(self, receive: Receive, when_dead: Callable[[], object]) -> None:
        self.is_dead = False
        self._receive = receive
        self._when_dead = when_dead
        self._listen()

    def close(self) -> None:
        self._message.remove_done_callback(self._hear)
        self._message.cancel()

    def _listen(self) -> None:
        self._message: asyncio.Future[Any] = asyncio.ensure_future(self._receive())
        self._message.add_done_callback(self._hear)

    def _hear(self, message: "asyncio.Future[Any]") -> None:
        if message.cancelled() or message.exception() is not None:
            return
        if message.result()["type"] == "http.disconnect":
            self.is_dead = True
            self._when_dead()
        else:
            self._listen()


class Moments:
    """A moment's wait of `seconds`, up to a quarter longer: those who come close together share a timer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seats: list[asyncio.Future[None]] = []
        self._is_open_until = 0.0

    def wait(self) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        # Not the loop's own time, which stands still while it runs what is ready.
        now = time.monotonic()
        if now > self._is_open_until:
            self._is_open_until = now + self._seconds / 4
            self._seats = []
            loop.call_later(self._seconds * 5 / 4, _free, self._seats)
        # A seat each: one that is canceled while it waits takes nobody else with it.
        seat: asyncio.Future[None] = loop.create_future()
        self._seats.append(seat)
        return seat


def _free(seats: "list[asyncio.Future[None]]") -> None:
    for seat in seats:
        if not seat.done():
            seat.set_result(None)


class UnlessDisconnected(Line):
    """What is awaited inside ends with `Disconnected` where the caller hangs up before it is there.

    Not a coroutine around another: of ten thousand that wait, each is the smaller for it.
    """

    __slots__ = ("_task",)

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        super().__init__(receive, task.cancel)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        if kind is asyncio.CancelledError and self.is_dead and self._task.uncancel() == 0:
            raise Disconnected from None
