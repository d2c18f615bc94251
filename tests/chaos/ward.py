"""The processes of an installation: each started, stopped for a while, killed, and started again."""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.chaos import server
from tests.crash.lives import CONTEXT
from tests.harness import free_port

END_LIMIT_S = 30


@dataclass
class Ward:
    """One process after the other at one place. `up` is set while one serves that nobody has stopped or killed."""

    name: str
    folder: Path
    seed: int
    given: dict[str, Any]
    port: int = field(default_factory=free_port)
    lives: int = 0
    up: asyncio.Event = field(default_factory=asyncio.Event)
    process: BaseProcess | None = None

    @property
    def answers_callers(self) -> bool:
        return self.given.get("role") != "worker"

    async def start(self) -> str | None:
        """Returns the first key, where this process has made it."""
        self.lives += 1
        ours, theirs = CONTEXT.Pipe()
        arguments = (self.folder, self.name, self.port, self.seed + self.lives, self.given, theirs)
        self.process = CONTEXT.Process(target=server.live, args=arguments)
        self.process.start()
        theirs.close()
        key: str | None = await asyncio.to_thread(ours.recv)
        ours.close()
        self.up.set()
        return key

    async def kill(self) -> None:
        self.up.clear()
        if self.process is not None:
            self.process.kill()
            await asyncio.to_thread(self.process.join)

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)
        self.up.clear()

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)
        self.up.set()

    async def end(self) -> int | None:
        """Ask it to stop; returns its exit code."""
        self.up.clear()
        self._signal(signal.SIGTERM)
        assert self.process is not None
        await asyncio.to_thread(self.process.join, END_LIMIT_S)
        if self.process.exitcode is None:
            await self.say_where_everything_stands()
        return self.process.exitcode

    async def say_where_everything_stands(self) -> None:
        """To its log, for whoever looks into what a run has found."""
        if self.process is not None and self.process.is_alive():
            self._signal(signal.SIGUSR1)
            await asyncio.to_thread(self.process.join, 1)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, number)
