"""An upstream that outlives the servers that use it, over real HTTP: it counts what it was given to do.

Three ways to find out what came of a lost answer: `finder` can be asked for a reference, `keyed` takes it as an
idempotency key, `blind` has neither.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiohttp import web

from darkroom.catalogue import Catalogue
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.serve import build_application
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine
from tests.crash.server import _until_listening
from tests.harness import free_port
from tests.providers.fakes.media import png

NAMES = ("finder", "keyed", "blind")

MOMENTS = ("asked", "taken", "answered", "polled", "ended", "halfway", "fetched")
"""What a job comes to here: its submit before and after it counts, and when its answer goes out; a poll or a look-up,
and the poll that says that it has ended; its result half sent, and whole: then it is being settled."""

PICTURE = png()
BILLED_MICRO_USD = 10_000
"""For each that is done: 0.01 of a US dollar."""

MANIFEST = """
base_url = "http://127.0.0.1:{port}/{name}"
auth.kind = "none"

[submit]
path = "/jobs"
body = "{{reference: reference}}"
id = "answer.id"
{idempotency}

[poll]
path = "/jobs/{{id}}"
status = "answer.state"
interval_s = 0.05
longest_s = 0.2

[poll.statuses]
running = ["running"]
completed = ["done"]

[outputs]
files = "answer.url"

[cost]
usd = "answer.dollars"

{lookup}

[limits]
slots = 100

[[models]]
slug = "{name}"
name = "Model"
maker = "Nobody"
modality = "image"
tasks = ["text-to-image"]
expected_wait_s = [1, 2]
price = {{ credits = 3 }}
upstream = "model"
inputs.prompt = {{ type = "string", required = true }}
"""

LOOKUP = """
[lookup]
path = "/jobs"
query = "{reference: reference}"
id = "answer.id"
absent = "answer.unknown"
"""


def manifest(name: str, port: int) -> str:
    return MANIFEST.format(
        name=name,
        port=port,
        idempotency='idempotency = "idempotency-key"' if name == "keyed" else "",
        lookup=LOOKUP if name == "finder" else "",
    )


@dataclass
class Counting:
    """`made` has how many jobs there are for each reference, by upstream. `meet` is told of each moment, and
    tells whether it has just killed whoever asked."""

    port: int = field(default_factory=free_port)
    made: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in NAMES})
    chance: random.Random = field(default_factory=random.Random)
    meet: Callable[[str], bool] = lambda moment: False
    _jobs: dict[tuple[str, str], float] = field(default_factory=dict)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/{name}/jobs", self._submit)
        application.router.add_get("/{name}/jobs", self._look_up)
        application.router.add_get("/{name}/jobs/{id}", self._poll)
        application.router.add_get("/{name}/picture.png", self._download)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _submit(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], (await request.json())["reference"]
        if self.meet("asked"):
            return web.Response(status=503)  # killed before its call had wholly left
        key = request.headers.get("idempotency-key")
        assert key in (None, reference)
        id = self._known.get((name, reference)) if key is not None else None
        if id is None:
            id = f"{len(self._jobs)}"
            self.made[name][reference] += 1
            self._jobs[name, id] = time.monotonic() + self.chance.uniform(0.02, 0.2)
            self._known[name, reference] = id
        self.meet("taken")
        await asyncio.sleep(self.chance.uniform(0.0, 0.03))
        asyncio.get_running_loop().call_soon(self.meet, "answered")
        return web.json_response({"id": id}, status=201)

    async def _look_up(self, request: web.Request) -> web.Response:
        self.meet("polled")
        id = self._known.get((request.match_info["name"], request.query["reference"]))
        return web.json_response({"unknown": True} if id is None else {"id": id})

    async def _poll(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.meet("polled")
        await asyncio.sleep(0.005)
        if self._jobs[name, request.match_info["id"]] > time.monotonic():
            return web.json_response({"state": "running"})
        self.meet("ended")
        url = f"http://127.0.0.1:{self.port}/{name}/picture.png"
        return web.json_response({"state": "done", "url": url, "dollars": BILLED_MICRO_USD / 1e6})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "image/png", "content-length": str(len(PICTURE))})
        with suppress(ConnectionResetError):  # whoever fetches it may be dead by now
            await answer.prepare(request)
            await answer.write(PICTURE[:40])
            self.meet("halfway")
            await asyncio.sleep(self.chance.uniform(0.0, 0.03))
            await answer.write(PICTURE[40:])
            self.meet("fetched")
        return answer


def live(folder: Path, port: int, upstream: str, parent: Connection) -> None:
    """One life of a server whose upstreams are at that port: tells its parent the first key once it listens."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    logs.configure(form="json", level="error")
    uvloop.run(_live(folder, port, int(upstream), parent))


async def _live(folder: Path, port: int, upstream: int, parent: Connection) -> None:
    providers = folder / "providers"
    providers.mkdir(exist_ok=True)
    for name in NAMES:
        (providers / f"{name}.toml").write_text(manifest(name, upstream))
    settings = Settings(
        data=str(folder / "data"),
        port=port,
        providers=str(providers),
        when_ambiguous="fail",
        shutdown_limit_s=2.0,
        allow_loopback=True,
        render_processes=1,
        sandbox_credits=10_000_000,
    )
    engine = Engine(settings, models=Catalogue({}, {}))
    engine.providers = {name: engine.providers[name] for name in NAMES}
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
