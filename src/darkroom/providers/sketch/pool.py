"""Renders in processes of their own, so that the server's loop never stalls and a canceled render really stops."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from darkroom.brief import Brief, Produced
from darkroom.errors import ProviderUnavailable
from darkroom.providers.sketch import wire

# The child looks for modules exactly where its parent does, and never runs the parent's own main module.
BOOT = "import sys; sys.path[:] = sys.argv[1:]; from darkroom.providers.sketch.worker import main; main()"
LINE_AT_MOST = 1 << 20


class WorkerDied(Exception):
    """The process ended before it answered."""


class Worker:
    """One process, one brief at a time. `is_busy` from an order to its answer, also when nobody waits any more."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._orders = process.stdin
        self._lines = process.stdout
        self._answers: asyncio.Queue[wire.Answer | None] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())
        self.is_busy = False

    @classmethod
    async def begin(cls) -> "Worker":
        """Start a process. It is warm a moment later; an order may come before that."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            BOOT,
            *sys.path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_AT_MOST,
            # Its own session: a Ctrl-C in the terminal is for the server alone.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None and not self._listening.done()

    async def render(self, brief: Brief, folder: Path, on_progress: Callable[[float], None]) -> list[Produced]:
        self.is_busy = True
        with contextlib.suppress(ConnectionError):
            # A broken pipe shows itself again, and more clearly, as the missing answer.
            self._orders.write(wire.line(wire.Order.of(brief, folder)))
            await self._orders.drain()
        while True:
            match await self._answers.get():
                case wire.Ready():
                    pass
                case wire.Progress(share):
                    on_progress(share)
                case wire.Finished(results):
                    self.is_busy = False
                    return results
                case wire.Failed() as failed:
                    self.is_busy = False
                    raise wire.error_of(failed)
                case None:
                    raise WorkerDied

    async def end(self) -> None:
        """Kill the process; returns when it and its pipes are gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._orders.close()
        await self._listening
        await self._process.wait()
        with contextlib.suppress(ConnectionError):
            await self._orders.wait_closed()

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (text := await self._lines.readline()).endswith(b"\n"):
                self._answers.put_nowait(wire.answer_of(text))
        self._answers.put_nowait(None)


class RenderPool:
    """At most `size` renders at once; further ones wait for their turn, first come, first served."""

    def __init__(self, size: int) -> None:
        assert size > 0
        self._size = size
        self._turns = asyncio.Semaphore(size)
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(worker.pid for worker in self._workers)

    async def start(self) -> None:
        """Start every worker, so that decoders and numpy are imported when the first brief comes."""
        self._is_closed = False
        while len(self._workers) < self._size:
            self._idle.append(await self._begin())

    async def render(self, brief: Brief, folder: Path, on_progress: Callable[[float], None]) -> list[Produced]:
        """Raises what the renderer raised; `ProviderUnavailable` when its process died. A cancel stops the render."""
        async with self._turns:
            worker = await self._take()
            try:
                return await worker.render(brief, folder, on_progress)
            except WorkerDied:
                raise ProviderUnavailable("the render process ended before it was done") from None
            finally:
                if worker.is_alive and not worker.is_busy:
                    self._idle.append(worker)
                else:
                    # Canceled, dead, or not listened to any more. Shielded: a second cancel must not leave it running.
                    await asyncio.shield(self._drop(worker))

    async def close(self) -> None:
        """Kill every worker, also those at work: their renders end with `ProviderUnavailable`."""
        self._is_closed = True
        for worker in list(self._workers):
            self._drop(worker)
        while self._ending:
            await asyncio.gather(*self._ending)

    async def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            await self._drop(worker)
        return await self._begin()

    async def _begin(self) -> Worker:
        if self._is_closed:
            raise ProviderUnavailable("the renderer is closed")
        worker = await Worker.begin()
        self._workers.add(worker)
        return worker

    def _drop(self, worker: Worker) -> asyncio.Task[None]:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        # The loop itself holds tasks only weakly.
        ending = asyncio.create_task(worker.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending
