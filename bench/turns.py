"""How long an account's first generation waits while another account has ten thousand queued before it."""

import asyncio
import tempfile
import time

from bench.server import Quick
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.credits import credits
from darkroom.generation import Status
from darkroom.ledger import Purse
from darkroom.ports import Output, Ticket, Work
from darkroom.verbs import Submit
from darkroom.wiring import Engine

QUEUED = 10_000
SLOTS = 4
ROUNDS = 20
TAKES_S = 0.02


class Noting(Quick):
    """Keeps the order in which generations were started, and when."""

    def __init__(self) -> None:
        super().__init__(slots=SLOTS, after_s=TAKES_S)
        self.started: dict[str, float] = {}

    async def start(self, work: Work) -> Ticket | Output:
        self.started[work.reference] = time.monotonic()
        return await super().start(work)


def run() -> list[str]:
    logs.configure(form="json", level="error")
    with tempfile.TemporaryDirectory() as data:
        starts, waits = asyncio.run(_measure(data))
    before, late = sorted(starts)[len(starts) // 2], max(starts)
    name = f"{QUEUED:,} of another's queued"
    return [
        f"turns   {name:22} starts before an account's first: median {before}, most {late} ({ROUNDS} rounds, {SLOTS} "
        f"slots; in the order of submits: {QUEUED:,})   its wait p50 {sorted(waits)[len(waits) // 2]:.0f} ms, of "
        f"{TAKES_S * 1000:.0f} ms a generation"
    ]


async def _measure(data: str) -> tuple[list[int], list[float]]:
    provider = Noting()
    engine = Engine(Settings(data=data), providers={"sketch": provider})
    engine.claim("a benchmark")
    await engine.open()
    for name in ("large", *(f"small {number}" for number in range(ROUNDS))):
        account = await engine.store.create_account(name, plan="open", now=engine.clock.now())
        await engine.store.grant(account.id, credits(1_000_000), purse=Purse.PERMANENT, note="", now=engine.clock.now())
    large = await engine.principal("large")
    wanted = Submit(model="kling-v2.1", inputs={"prompt": "x"}, dialect="native")
    for _ in range(0, QUEUED, 500):
        await asyncio.gather(*(engine.service.submit(large, wanted) for _ in range(500)))
    await engine.work()
    starts, waits = [], []
    for number in range(ROUNDS):
        small = await engine.principal(f"small {number}")
        count, since = len(provider.started), time.monotonic()
        id = (await engine.service.submit(small, wanted)).id
        await engine.bell.reach(id, Status.COMPLETED, limit_s=60, read=engine.store.get)
        order = list(provider.started)
        starts.append(order.index(id) - count)
        waits.append((provider.started[id] - since) * 1000)
    await engine.close()
    return starts, waits
