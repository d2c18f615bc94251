"""A worker at work on a real data folder, behind it any provider; what it left is read from the tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from darkroom.attempts import Rules
from darkroom.catalogue import Catalogue, load
from darkroom.clock import Clock
from darkroom.config import Settings
from darkroom.credits import credits
from darkroom.generation import Generation, Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import Assets, NewGeneration, Provider
from darkroom.store.database import Database
from darkroom.store.postgres.database import Database as PostgresDatabase
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.sqlite import SqliteStore
from darkroom.testing import FrozenClock, ScriptedProvider, Step
from darkroom.verbs import Cancel, Submit
from darkroom.wiring import Engine
from darkroom.worker import Worker
from tests.databases import DATABASES
from tests.harness import rows_of

REEL = """
slug = "reel"
name = "Reel"
maker = "Nobody"
modality = "video"
tasks = ["text-to-video"]
expected_wait_s = [1, 2]
price = { credits = 40 }
inputs.prompt = { type = "string", required = true }
"""

REACH_S = 60.0
"""The longest that anything here is waited for: far longer than it takes on the slowest machine."""

AT_ONCE = Rules(max_attempts=3, limit_s=20.0, when_ambiguous="hold", hold_s=3600.0, retry_s=0.0)
"""Nothing waits between two tries."""


@dataclass
class Scene:
    engine: Engine
    folder: Path

    async def submit(self, prompt: str = "a reel") -> str:
        principal = await self.engine.principal("ann")
        wanted = Submit(model="reel", inputs={"prompt": prompt}, dialect="native")
        return (await self.engine.service.submit(principal, wanted)).id

    async def cancel(self, id: str) -> Generation:
        return await self.engine.service.cancel(await self.engine.principal("ann"), Cancel(id=id))

    async def reach(self, id: str, until: Status = Status.COMPLETED) -> Generation:
        return await self.engine.bell.reach(id, until, limit_s=REACH_S, read=self.engine.store.get)

    async def idle(self) -> None:
        """Wait until no attempt is in hand and none waits."""
        while True:
            if self.engine.queue.in_hand == 0 and await self._waiting() == 0:
                return
            await asyncio.sleep(0)

    async def _waiting(self) -> int:
        if self.engine.cluster is None:
            return sum(self.engine.queue.depths.values())
        # Entries that are picked are not begun yet, or are those of attempts that have just ended.
        ((count,),) = await self.rows("SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked')")
        return int(count)

    async def books(self) -> tuple[int, int, int]:
        """Available, held, spent, in credits; the audit must agree."""
        ann = await self.engine.store.find_account("ann")
        balance = (await self.engine.store.balances(ann.id))[Purse.PERMANENT]
        assert (await self.engine.store.audit()).discrepancies == ()
        return balance.available // 1_000_000, balance.held // 1_000_000, balance.spent // 1_000_000

    async def held(self) -> None:
        """Wait until an attempt is held as ambiguous, and nothing else goes on."""
        while not await self.engine.store.ambiguous():
            pass
        await self.idle()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        return await rows_of(self.engine, query)

    async def outcomes(self) -> list[tuple[Any, ...]]:
        """Each attempt's number, ticket and outcome."""
        return await self.rows("SELECT number, ticket, outcome FROM attempt ORDER BY number")

    def stored(self) -> list[str]:
        """Every asset on the disk."""
        return sorted(str(file.relative_to(self.folder / "assets")) for file in files_in(self.folder / "assets"))


@cache
def one_model(more: str = "") -> Catalogue:
    """With `more` in its file."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "reel.toml").write_text(REEL + more)
        return load(Path(folder), shipped=False)


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def clerk(engine: Engine, rules: Rules, rules_for: Mapping[str, Rules] | None = None) -> Worker:
    """The engine's worker with other rules."""
    return Worker(
        store=engine.store,
        assets=engine.assets,
        catalogue=engine.catalogue,
        providers=engine.providers,
        queue=engine.queue,
        desk=engine.desk,
        bell=engine.bell,
        intake=engine.intake,
        outside=engine.outside,
        pacer=engine.pacer,
        routing=engine.routing,
        clock=engine.clock,
        rules=rules,
        rules_for=rules_for,
        folder=engine.folder / "work",
    )


@asynccontextmanager
async def working(
    folder: Path,
    provider: Provider | Sequence[Step],
    *others: Provider,
    models: Catalogue | None = None,
    rules: Rules = AT_ONCE,
    rules_for: Mapping[str, Rules] | None = None,
    public_url: str = "",
    clock: Clock | None = None,
    assets: Assets | None = None,
    plan: str = "open",
    credits_given: int = 100,
    shutdown_limit_s: float = 0.0,
) -> AsyncIterator[Scene]:
    if isinstance(provider, Sequence):
        provider = ScriptedProvider(provider)
    settings = Settings(
        data=str(folder),
        database=await DATABASES.get().of(folder),
        shutdown_limit_s=shutdown_limit_s,
        allow_loopback=True,
        public_url=public_url,
    )
    engine = Engine(
        settings,
        providers={each.name: each for each in (provider, *others)},
        clock=clock or FrozenClock(),
        assets=assets,
        models=models or one_model(),
    )
    engine.worker = clerk(engine, rules, rules_for)
    if engine.cluster is None:
        engine.claim("a test")
    await engine.open()
    if not await engine.store.accounts():
        await open_account(engine.store, plan=plan, amount=credits_given)
    await engine.work()
    try:
        yield Scene(engine, folder)
    finally:
        await engine.close()


async def open_account(store: "SqliteStore | Any", *, plan: str = "open", amount: int = 100) -> None:
    now = FrozenClock().now()
    ann = await store.create_account("ann", plan=plan, now=now)
    await store.grant(ann.id, credits(amount), purse=Purse.PERMANENT, note="", now=now)


@asynccontextmanager
async def interrupted(folder: Path) -> AsyncIterator[tuple[SqliteStore | PostgresStore, str]]:
    """A store alone with one submitted generation: what is done to it is what a server left when it was killed."""
    now = FrozenClock().now()
    dsn = await DATABASES.get().of(folder)
    database = PostgresDatabase(dsn) if dsn else Database(folder / "darkroom.db")
    await database.open()
    store = SqliteStore(database) if isinstance(database, Database) else PostgresStore(database)
    await open_account(store)
    ann = await store.find_account("ann")
    new = NewGeneration(
        id=new_id(),
        account_id=ann.id,
        dialect="native",
        model="reel",
        modality="video",
        task="text-to-video",
        provider="sketch",
        inputs={"prompt": "a reel"},
        wire={},
        quote=credits(40),
        created_at=now,
    )
    await store.submit(new)
    try:
        yield store, new.id
    finally:
        await database.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Let everything else go on until it is so."""
    while True:
        if is_so():
            return
        await asyncio.sleep(0)


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward: a limit is reached when a test says so, on any machine."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


def put_forward(seconds: float) -> None:
    """What is due by then is due now. Nobody's `reach` or `play` ends by it, as long as it is less than theirs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Clockwork)
    assert seconds < REACH_S
    loop.ahead_s += seconds


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(2 * REACH_S):
            await act()

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        runner.run(in_time())
