"""A real Darkroom on a real data folder, whose upstream outlives it, and which can die at a step that is named.

Two providers: `sturdy` takes the reference as an idempotency key, `fragile` makes (and bills) a new job for each start.
"""

import asyncio
import os
import signal
from collections.abc import Collection, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from obstore.store import LocalStore

from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.attempts import SENDING
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.credits import Credits
from darkroom.errors import ProviderUnavailable
from darkroom.generation import Generation
from darkroom.ports import Begun, NewGeneration, Output, Pending, Produced, Report, Settlement, Store, Ticket, Work
from darkroom.serve import build_application
from darkroom.testing import Here
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine
from tests.around import Around

MODELS = """
[[models]]
slug = "fragile"
provider = "fragile"
name = "Fragile"
maker = "Nobody"
modality = "video"
tasks = ["text-to-video"]
expected_wait_s = [1, 2]
price = { credits = 3 }
inputs.prompt = { type = "string", required = true }

[[models]]
slug = "sturdy"
provider = "sturdy"
name = "Sturdy"
maker = "Nobody"
modality = "video"
tasks = ["text-to-video"]
expected_wait_s = [1, 2]
price = { credits = 5 }
inputs.prompt = { type = "string", required = true }
"""

USED = Credits(2_500_000)
"""What an upstream says that it has used, where the prompt says `less`."""


class Fate:
    """Kills this process when a generation that was submitted to it comes to the step; those of earlier lives pass."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.doomed: set[str] = set()

    def meet(self, step: str, generation_id: str | None = None) -> None:
        if step == self._step and (generation_id is None or generation_id in self.doomed):
            os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(Around):
    def __init__(self, store: Store, fate: Fate) -> None:
        super().__init__(store)
        self._fate = fate

    async def submit(self, new: NewGeneration) -> Generation:
        self._fate.doomed.add(new.id)
        self._fate.meet("before submit", new.id)
        accepted = await self._store.submit(new)
        self._fate.meet("after submit", new.id)
        return accepted

    async def begin(self, generation_id: str, *, now: datetime) -> Begun | None:
        self._fate.meet("before begin", generation_id)
        begun = await self._store.begin(generation_id, now=now)
        self._fate.meet("after begin", generation_id)
        return begun

    async def note_ticket(self, generation_id: str, attempt: int, ticket: str, **sent: Any) -> None:
        name = "send" if ticket == SENDING else "ticket"
        self._fate.meet(f"before {name}", generation_id)
        await self._store.note_ticket(generation_id, attempt, ticket, **sent)
        self._fate.meet(f"after {name}", generation_id)

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, *, now: datetime) -> Generation:
        self._fate.meet("before settle", generation_id)
        settled = await self._store.settle(generation_id, attempt, settlement, now=now)
        self._fate.meet("after settle", generation_id)
        return settled

    async def hand_back(self, generation_id: str, attempt: int, outcome: str, **how: Any) -> Generation:
        self._fate.meet("before hand_back", generation_id)
        handed = await self._store.hand_back(generation_id, attempt, outcome, **how)
        self._fate.meet("after hand_back", generation_id)
        return handed

    async def cancel(
        self, account_id: str, generation_id: str, *, now: datetime, billed: Collection[str] = ()
    ) -> Generation:
        self._fate.meet("before cancel", generation_id)
        canceled = await self._store.cancel(account_id, generation_id, now=now, billed=billed)
        self._fate.meet("after cancel", generation_id)
        return canceled

    async def rescue(self, *, now: datetime) -> int:
        self._fate.meet("before rescue")
        count = await self._store.rescue(now=now)
        self._fate.meet("after rescue")
        return count


class MortalAssets(ObstoreAssets):
    """A result's first file is the one that counts here; its key tells whose it is."""

    def __init__(self, folder: Path, fate: Fate) -> None:
        super().__init__(local_store(folder))
        self._fate = fate

    async def take(self, key: str, source: Path) -> int:
        owner = key.split("/")[1]
        self._fate.meet("before take", owner)
        size = await super().take(key, source)
        self._fate.meet("after take", owner)
        return size


def local_store(folder: Path) -> LocalStore:
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder, automatic_cleanup=True)


class Upstream(Here):
    """A provider whose memory is a folder: `starts` has a line for each start it took, a job a byte for each poll."""

    slots = 8

    def __init__(self, name: str, folder: Path, fate: Fate, *, may_restart: bool) -> None:
        self.name = name
        self.may_restart = may_restart
        self._folder = folder / name
        self._fate = fate
        (self._folder / "jobs").mkdir(parents=True, exist_ok=True)

    async def start(self, work: Work) -> Ticket | Output:
        self._fate.meet("before start", work.reference)
        if "flaky" in str(work.brief.prompt) and not (self._folder / f"{work.reference}.flaky").exists():
            (self._folder / f"{work.reference}.flaky").touch()
            raise ProviderUnavailable("connection refused")
        ref = work.reference if self.may_restart else f"{work.reference}.{os.urandom(4).hex()}"
        (self._folder / "jobs" / ref).touch()
        with (self._folder / "starts").open("a") as starts:
            starts.write(f"{work.reference}\n")
        self._fate.meet("inside start", work.reference)
        await asyncio.sleep(0.002)
        self._fate.meet("after start", work.reference)
        return Ticket(ref)

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        self._fate.meet("before poll", work.reference)
        job = self._folder / "jobs" / ticket.ref
        polls = job.stat().st_size + 1
        with job.open("a") as file:
            file.write("p")
        if polls < (60 if "slow" in str(work.brief.prompt) else 3):
            return Pending(after_s=0.01, progress=0.5)
        path = work.folder / "result.mp4"
        path.write_bytes(b"a result of " + work.reference.encode())
        self._fate.meet("after poll", work.reference)
        used = USED if "less" in str(work.brief.prompt) else None
        return Output(files=(Produced(path=path, media_type="video/mp4", duration_s=5.0),), used=used)

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        with (self._folder / "canceled").open("a") as canceled:
            canceled.write(f"{work.reference}\n")


def live(folder: Path, port: int, step: str, parent: Connection) -> None:
    """One life of the server: tells its parent the first key once it listens, then serves until it is ended."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    logs.configure(form="json", level="error")
    uvloop.run(_live(folder, port, Fate(step), parent))


async def _live(folder: Path, port: int, fate: Fate, parent: Connection) -> None:
    models = folder / "models"
    models.mkdir(exist_ok=True)
    (models / "mortal.toml").write_text(MODELS)
    settings = Settings(
        data=str(folder / "data"), port=port, models=str(models), when_ambiguous="fail", shutdown_limit_s=2.0
    )
    upstreams: Sequence[Upstream] = (
        Upstream("fragile", folder / "upstream", fate, may_restart=False),
        Upstream("sturdy", folder / "upstream", fate, may_restart=True),
    )
    engine = Engine(
        settings,
        providers={upstream.name: upstream for upstream in upstreams},
        store=lambda store: MortalStore(store, fate),
        assets=MortalAssets(folder / "assets", fate),
    )
    engine.claim("a crash test")
    await engine.open()
    await engine.work()
    key = await engine.first_key()
    server = HttpServer(build_application(engine), host="127.0.0.1", port=port)
    server.start()
    await _until_listening(port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    parent.send(key)
    await stop.wait()
    await engine.close(after_answers=server.close)


async def _until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.001)
            continue
        writer.close()
        await writer.wait_closed()
        return
