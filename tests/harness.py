"""A whole Darkroom in this process, on a real database and a real HTTP socket, with any provider behind it."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from darkroom import catalogue
from darkroom.catalogue import Catalogue
from darkroom.config import Settings
from darkroom.credits import credits
from darkroom.generation import Generation, Status
from darkroom.guarded import GuardedClient
from darkroom.ledger import Purse
from darkroom.ports import Provider, Store
from darkroom.serve import build_application
from darkroom.store.database import Database
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.testing import FrozenClock, ScriptedProvider
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine
from tests.buckets import PLACE
from tests.databases import DATABASES


@dataclass
class Answer:
    """A response: `body` is decoded JSON where it is JSON, else the bytes."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Running:
    engine: Engine
    url: str
    client: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def asset_folder(self) -> Path:
        """Where the bytes of assets lie: on the disk itself, or on that of the bucket's server."""
        return PLACE.get().folder or self.engine.folder / "assets"

    async def key(self, dialect: str = "native", *, account: str = "default") -> str:
        """A key of an account for a dialect, made at its first use."""
        name = f"{account}/{dialect}"
        if name not in self.keys:
            owner = await self.engine.store.find_account(account)
            made = await self.engine.access.create_key(owner, name=dialect, dialect=dialect)
            self.keys[name] = made.secret
        return self.keys[name]

    async def account(self, name: str, *, plan: str = "open", amount: int = 1000, purse: str = "permanent") -> None:
        made = await self.engine.store.create_account(name, plan=plan, now=self.engine.clock.now())
        if amount:
            await self.engine.store.grant(
                made.id, credits(amount), purse=Purse(purse), note="", now=self.engine.clock.now()
            )

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        dialect: str = "native",
        account: str = "default",
        key: str | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request with a good key of that dialect, or with `key` where it is given ("" sends none)."""
        secret = await self.key(dialect, account=account) if key is None else key
        sent = {**({"authorization": f"Bearer {secret}"} if secret else {}), **(headers or {})}
        async with self.client.request(method, self.url + path, json=body, data=data, headers=sent) as answer:
            content = await answer.read()
            if answer.content_type == "application/json" and content:
                return Answer(answer.status, await answer.json(), answer.headers)
            return Answer(answer.status, content, answer.headers)

    async def raw(self, line: str) -> bytes:
        """The whole answer to a request line that no client would send as it is."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.engine.settings.port)
        writer.write(f"{line} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n".encode("latin-1"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def reach(self, id: str | int, until: Status = Status.COMPLETED, *, limit_s: float = 20) -> Generation:
        """The generation once it has come that far: a named event, not a sleep."""
        generation = await self.engine.store.get(id)
        return await self.engine.bell.reach(generation.id, until, limit_s=limit_s, read=self.engine.store.get)


@asynccontextmanager
async def running(
    provider: Provider | Sequence[Any] | None = (),
    *,
    data: Path | None = None,
    clock: FrozenClock | None = None,
    client: GuardedClient | None = None,
    store: Callable[[Store], Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """`provider` is one, the script of one, or None for what the data folder configures; `store` puts a double around
    the store. What is not set otherwise is as `darkroom serve` has it."""
    if isinstance(provider, Sequence):
        provider = ScriptedProvider(provider, may_restart=True)
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        home = data or Path(folder)
        database = settings.pop("database", None) or await DATABASES.get().of(home)
        placed = {"assets": PLACE.get().assets, "assets_direct": False, **settings}
        chosen = Settings(data=str(home), database=database, port=port, shutdown_limit_s=0.2, **placed)
        providers = None if provider is None else {provider.name: provider}
        models = None if chosen.models else shipped_models()
        engine = Engine(chosen, providers=providers, clock=clock, client=client, store=store, models=models)
        if engine.cluster is None:
            engine.claim("a test")
        await engine.open()
        await engine.work()
        key = await engine.first_key()
        server = HttpServer(build_application(engine), host="127.0.0.1", port=port)
        server.start()
        await until_listening(port)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as http:
            started = Running(engine, f"http://127.0.0.1:{port}", http)
            if key is not None:
                started.keys["default/native"] = key
            try:
                yield started
            finally:
                await http.close()
                await engine.close(after_answers=server.close)


@cache
def shipped_models() -> Catalogue:
    """Read once for all servers of the tests: it is most of what a start takes."""
    return catalogue.load()


def file_of(engine: Engine) -> Database:
    """The file beneath an engine's store, for raw hands on its tables."""
    assert isinstance(engine.database, Database)
    return engine.database


async def rows_of(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """What a question finds in the tables beneath an engine's store, on either database."""
    if isinstance(engine.database, PostgresDatabase):
        async with engine.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(query)]
    return await file_of(engine).read(lambda connection: list(connection.execute(query)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0)
            continue
        writer.close()
        await writer.wait_closed()
        return
