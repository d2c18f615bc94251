"""Several engines on one PostgreSQL, as so many machines would be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from darkroom.attempts import Rules
from darkroom.clock import SystemClock
from darkroom.config import Settings
from darkroom.generation import Generation, Status
from darkroom.ports import Provider
from darkroom.serve import build_application
from darkroom.store.postgres.database import connect
from darkroom.verbs import Submit
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine
from tests.harness import free_port, until_listening
from tests.postgres import postgres
from tests.worker.scene import AT_ONCE, clerk, one_model, open_account


class Machines:
    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self._folder = folder
        self.engines: list[Engine] = []

    async def start(self, provider: Provider, *, role: str = "all", rules: Rules = AT_ONCE, **settings: Any) -> Engine:
        """One more machine, with a data folder of its own; assets are where everyone finds them."""
        folder = self._folder / f"machine-{len(self.engines) + 1}"
        given: dict[str, Any] = {"data": str(folder), "assets": str(self._folder / "assets"), "role": role}
        chosen = Settings(**given, database=self.dsn, shutdown_limit_s=0.0, allow_loopback=True, **settings)
        engine = Engine(chosen, providers={provider.name: provider}, clock=SystemClock(), models=one_model())
        engine.worker = clerk(engine, rules)
        await engine.open()
        if not await engine.store.accounts():
            await open_account(engine.store)
        await (engine.follow() if role == "api" else engine.work())
        self.engines.append(engine)
        return engine

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        connection = await connect(self.dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


@asynccontextmanager
async def machines(folder: Path) -> AsyncIterator[Machines]:
    found = Machines(await postgres().fresh(), folder)
    try:
        yield found
    finally:
        for engine in reversed(found.engines):
            await engine.close()


@asynccontextmanager
async def answering(engine: Engine) -> AsyncIterator[str]:
    """The machine answers callers; yields where."""
    port = free_port()
    server = HttpServer(build_application(engine), host="127.0.0.1", port=port)
    server.start()
    await until_listening(port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.close()


async def submit(engine: Engine, account: str = "ann", prompt: str = "a reel", **more: Any) -> str:
    principal = await engine.principal(account)
    wanted = Submit(model="reel", inputs={"prompt": prompt}, dialect="native", **more)
    return (await engine.service.submit(principal, wanted)).id


async def reach(engine: Engine, id: str, until: Status = Status.COMPLETED, *, limit_s: float = 25) -> Generation:
    found = await engine.bell.reach(id, until, limit_s=limit_s, read=engine.store.get)
    assert found.status is until, found.status
    return found


async def books(engine: Engine) -> Sequence[object]:
    return (await engine.store.audit()).discrepancies


def play(act: Callable[[], Awaitable[None]], *, limit_s: float = 45) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(limit_s):
            await act()

    asyncio.run(in_time())
