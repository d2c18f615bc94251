"""An installation, those who use it and those whom it uses; what goes wrong with them; what must hold in the end."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.callers import Callers
from tests.chaos.proxy import Proxy, over_tcp
from tests.chaos.receiver import Receiver
from tests.chaos.server import Levers
from tests.chaos.upstream import TROUBLES, Upstream
from tests.chaos.ward import Ward
from tests.crash import books

SEED = int(os.environ.get("DARKROOM_CHAOS_SEED", str(random.SystemRandom().randrange(1_000_000))))
CALLERS = 6
SANDBOX_CREDITS = 300
"""For a hundred pictures: some callers meet an empty purse."""

FARTHEST_S = 6 * 3600.0
"""Neither an idempotency key nor an event is forgotten by then."""

CALM_LIMIT_S = 240.0

Rows = dict[str, books.Row]
Deed = Callable[[], Awaitable[None]]


@dataclass
class Scene:
    """`deeds` are what can go wrong; a round is one of them, and some answers to callers meanwhile."""

    folder: Path
    wards: Sequence[Ward]
    proxies: Sequence[Proxy]
    callers: Callers
    upstream: Upstream
    receiver: Receiver
    levers: Levers
    chance: random.Random
    deeds: list[Deed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deeds += [
            self.kill,
            self.kill,
            self.stall,
            self.cut,
            self.cut,
            self.fill_the_disk,
            self.jump,
            self.trouble_the_upstream,
            self.trouble_the_upstream,
            self.trouble_the_receiver,
        ]

    async def kill(self) -> None:
        ward = self.chance.choice(self.wards)
        if ward.up.is_set():
            await ward.kill()
            await ward.start()

    async def stall(self) -> None:
        """A process that stands still for a moment, as under a full swap or a snapshot, and then goes on as if not."""
        ward = self.chance.choice(self.wards)
        if ward.up.is_set():
            ward.stop()
            await moment(self.chance.uniform(0.05, 0.4))
            ward.go_on()

    async def cut(self) -> None:
        for proxy in self.proxies:
            proxy.cut()

    async def fill_the_disk(self) -> None:
        self.levers.set("full", 1)
        await self.callers.answers(self.chance.randint(2, 10))
        self.levers.set("full", 0)

    async def jump(self) -> None:
        self.levers.set("clock", self.chance.uniform(-FARTHEST_S, FARTHEST_S))

    async def trouble_the_upstream(self) -> None:
        for call, troubles in TROUBLES.items():
            self.upstream.trouble(call, *self.chance.choices(troubles, k=3))

    async def trouble_the_receiver(self) -> None:
        self.receiver.failing += self.chance.randint(1, 6)

    async def wreak_havoc(self, rounds: int) -> None:
        status, said = await self.callers.surely("POST", "/v1/webhooks", {"url": self.receiver.url})
        assert status == 201, said
        self.levers.set("mischief", 1)
        async with asyncio.TaskGroup() as tasks:
            for number in range(CALLERS):
                name = f"caller-{number}"
                tasks.create_task(self.callers.go_on(name, random.Random(f"{SEED} {name}")))
            for deed in self._programme(rounds):
                await deed()
                await self.callers.answers(self.chance.randint(1, 8))
            self.calm()

    def _programme(self, rounds: int) -> list[Deed]:
        """Every deed as often as every other, in an order of its own each time."""
        times = -(-rounds // len(self.deeds))
        return [deed for _ in range(times) for deed in self.chance.sample(self.deeds, len(self.deeds))][:rounds]

    def calm(self) -> None:
        """Nothing goes wrong any more: now all of it has to come right."""
        self.levers.set("mischief", 0)
        self.receiver.failing = 0
        self.upstream.troubles.clear()
        self.callers.is_over = True

    async def settle_everything(self) -> None:
        async with asyncio.timeout(CALM_LIMIT_S):
            while unfinished := await self._list("?status=queued,running&limit=100"):
                for id in unfinished:
                    await self.callers.surely("GET", f"/v1/generations/{id}?until=completed&wait=2")

    async def everything(self) -> dict[str, str]:
        """What the API shows: each generation's status."""
        found = await self._list("?limit=100")
        while self._cursor is not None:
            found |= await self._list(f"?limit=100&cursor={self._cursor}")
        return found

    async def _list(self, query: str) -> dict[str, str]:
        _, page = await self.callers.surely("GET", f"/v1/generations{query}")
        self._cursor = page["next_cursor"]
        return {item["id"]: item["status"] for item in page["items"]}

    async def tell_everything(self, rows: Rows) -> None:
        """What has to be sent again is due by then."""
        self.levers.set("clock", 2 * FARTHEST_S)

        def is_told() -> bool:
            return all(len(self.receiver.told[row.id]) >= len(row.events) for row in rows.values())

        async with asyncio.timeout(CALM_LIMIT_S), self.receiver.arrived:
            await self.receiver.arrived.wait_for(is_told)

    def check(self, rows: Rows, shown: dict[str, str]) -> None:
        accepted, made = self.callers.accepted, self.upstream.made
        assert set(accepted.values()) == set(rows) == set(shown), "accepted, stored, and shown are the same"
        assert len(accepted) == len(rows), "one generation for each key"
        for row in rows.values():
            books.check(row)
            assert shown[row.id] == row.status
            assert tuple(self.receiver.told[row.id]) == row.events, "each event is told, in order"
            if row.status == "completed":
                (output,) = json.loads(row.outputs)
                assert (self.folder / "assets" / output["key"]).read_bytes() == self.upstream.media
        assert {rows[id].status for id in self.callers.canceled} <= {"canceled"}
        assert {id: count for id, count in made.items() if count > 1} == {}, "submitted twice"
        assert {id for id, row in rows.items() if row.status == "completed"} <= set(made) <= set(rows)
        assert sum(row.moved.get("capture", 0) for row in rows.values()) <= SANDBOX_CREDITS * 1_000_000
        statuses = Counter(row.status for row in rows.values())
        print(
            f"{sum(ward.lives for ward in self.wards)} lives, {sum(proxy.cuts for proxy in self.proxies)} cuts,"
            f" {self.callers.unheard} unheard, {len(rows)} generations: {dict(statuses)},"
            f" refused {dict(self.callers.refused)}"
        )
        assert statuses["completed"] > 0


async def moment(seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


@asynccontextmanager
async def staged(folder: Path, places: dict[str, dict[str, object]]) -> AsyncIterator[Scene]:
    """Processes by their names, with the settings of each; the first makes the first key."""
    test = os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]
    print(f"\nrepeat with: DARKROOM_CHAOS_SEED={SEED} .venv/bin/python -m pytest {test}")
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream().serving())
        assert isinstance(upstream, Upstream)
        upstream.write_manifests(folder / "providers")
        receiver = await stack.enter_async_context(Receiver().serving())
        shared = {"sandbox_credits": SANDBOX_CREDITS, "providers": str(folder / "providers"), "render_processes": 1}
        wards = [Ward(name, folder, SEED, {**shared, **given}) for name, given in places.items()]
        callers = Callers(random.Random(SEED))
        proxies = []
        for ward in wards:
            if ward.answers_callers:
                proxy = Proxy(over_tcp("127.0.0.1", ward.port))
                port = await stack.enter_async_context(proxy.on_a_port())
                callers.doors.append((ward, f"http://127.0.0.1:{port}"))
                proxies.append(proxy)
        scene = Scene(
            folder, wards, proxies, callers, upstream, receiver, Levers(folder / "levers"), random.Random(SEED)
        )
        try:
            for ward in wards:
                callers.key = await ward.start() or callers.key
            yield scene
        except BaseException:
            for ward in wards:
                await ward.say_where_everything_stands()
            raise
        finally:
            for ward in wards:
                await ward.kill()
