"""One server process after the other on one data folder: started, stopped for a while, killed."""

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


@dataclass
class Ward:
    """`up` is set while a process serves that nobody has stopped or killed."""

    folder: Path
    seed: int
    given: dict[str, Any]
    port: int = field(default_factory=free_port)
    key: str = ""
    lives: int = 0
    up: asyncio.Event = field(default_factory=asyncio.Event)
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.lives += 1
        ours, theirs = CONTEXT.Pipe()
        arguments = (self.folder, self.port, self.seed + self.lives, self.given, theirs)
        self.process = CONTEXT.Process(target=server.live, args=arguments)
        self.process.start()
        theirs.close()
        self.key = await asyncio.to_thread(ours.recv) or self.key
        ours.close()
        self.up.set()

    async def kill(self) -> None:
        self.up.clear()
        assert self.process is not None
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
        self._signal(signal.SIGTERM)
        assert self.process is not None
        await asyncio.to_thread(self.process.join, 20)
        return self.process.exitcode

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, number)
