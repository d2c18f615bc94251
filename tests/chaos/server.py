"""A Darkroom that chaos reaches into: its clock jumps, its disk fills up, its queue delivers twice or not at all."""

import asyncio
import errno
import os
import random
import signal
import sys
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop

from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.generation import Generation, Status
from darkroom.serve import build_application
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine
from tests.crash.server import local_store


class Levers:
    """What the test sets and a server looks at, over all of its lives: files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def set(self, name: str, value: float) -> None:
        new = self._folder / f"{name}.new"
        new.write_text(str(value))
        new.replace(self._folder / name)

    def get(self, name: str) -> float:
        try:
            return float((self._folder / name).read_text())
        except FileNotFoundError:
            return 0.0


class JumpingClock:
    def __init__(self, levers: Levers) -> None:
        self._levers = levers

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._levers.get("clock"))


class FillingAssets(ObstoreAssets):
    def __init__(self, folder: Path, levers: Levers) -> None:
        super().__init__(local_store(folder))
        self._levers = levers

    async def put(self, key: str, source: Path | bytes) -> int:
        if self._levers.get("full"):
            raise OSError(errno.ENOSPC, "no space left on device")
        return await super().put(key, source)

    async def take(self, key: str, source: Path) -> int:
        if self._levers.get("full"):
            raise OSError(errno.ENOSPC, "no space left on device")
        return await super().take(key, source)


class Mischief:
    """Makes the queue lie: some entries are delivered three times at once, some are lost."""

    def __init__(self, engine: Engine, levers: Levers, seed: int) -> None:
        self._engine = engine
        self._levers = levers
        self._chance = random.Random(seed)
        self._extra: set[asyncio.Future[None]] = set()

    def changed(self, generation: Generation) -> None:
        if generation.status is Status.QUEUED and self._levers.get("mischief"):
            # After the caller of this has put it into its lane.
            asyncio.get_running_loop().call_soon(self._meddle, generation.id)

    def _meddle(self, id: str) -> None:
        match self._chance.randrange(4):
            case 0:
                for _ in range(2):
                    delivered = asyncio.ensure_future(self._engine.worker.handle(id))
                    self._extra.add(delivered)
                    delivered.add_done_callback(self._extra.discard)
            case 1 if self._engine.queue.position(id) is not None:
                self._engine.queue.interrupt(id)


def live(folder: Path, name: str, port: int, seed: int, given: dict[str, Any], parent: Connection) -> None:
    """One life: tells its parent the first key once it listens, then serves until it is ended."""
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    logs.configure(form="json", level="warning")
    uvloop.run(_live(folder, name, port, seed, given, parent))


async def _live(folder: Path, name: str, port: int, seed: int, given: dict[str, Any], parent: Connection) -> None:
    levers = Levers(folder / "levers")
    engine = Engine(
        Settings(data=str(folder / name), port=port, allow_loopback=True, shutdown_limit_s=2.0, **given),
        clock=JumpingClock(levers),
        assets=FillingAssets(folder / "assets", levers),
    )
    if engine.cluster is None:
        engine.claim("a chaos test")
        engine.desk.listen(Mischief(engine, levers, seed).changed)
    await engine.open()
    await (engine.follow() if engine.settings.role == "api" else engine.work())
    key = await engine.first_key()
    server = HttpServer(build_application(engine), host="127.0.0.1", port=port)
    server.start()
    await _until_listening(port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _say_where_everything_stands)
    parent.send(key)
    await stop.wait()
    await engine.close(after_answers=server.close)


def _say_where_everything_stands() -> None:
    """To the log: of a process that does not end, what every task of it waits for."""
    for task in asyncio.all_tasks():
        frames: list[str] = []
        awaited: Any = task.get_coro()
        while frame := getattr(awaited, "cr_frame", None):
            frames.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            awaited = getattr(awaited, "cr_await", None)
        print(" > ".join(frames), "waits for", awaited, file=sys.stderr, flush=True)


async def _until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0)
            continue
        writer.close()
        await writer.wait_closed()
        return
