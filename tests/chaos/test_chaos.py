"""All goes wrong at once, by a seed: nothing accepted is lost, paid twice, submitted twice, or told out of order."""

import asyncio
import json
import os
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.callers import Callers
from tests.chaos.proxy import Proxy
from tests.chaos.receiver import Receiver
from tests.chaos.server import Levers
from tests.chaos.upstream import TROUBLES, Upstream
from tests.chaos.ward import Ward
from tests.crash import books

ROUNDS = int(os.environ.get("DARKROOM_CHAOS_ROUNDS", "40"))
SEED = int(os.environ.get("DARKROOM_CHAOS_SEED", str(random.SystemRandom().randrange(1_000_000))))
CALLERS = 6
SANDBOX_CREDITS = 200
"""For 66 pictures: some callers meet an empty purse."""

FARTHEST_S = 6 * 3600.0
"""Neither an idempotency key nor an event is forgotten by then."""

CALM_LIMIT_S = 60.0


@dataclass
class Scene:
    ward: Ward
    callers: Callers
    upstream: Upstream
    receiver: Receiver
    proxy: Proxy
    levers: Levers
    chance: random.Random

    async def kill(self) -> None:
        await self.ward.kill()
        await self.ward.start()

    async def stall(self) -> None:
        """A process that stands still for a moment, as under a full swap or a snapshot, and then goes on as if not."""
        self.ward.stop()
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(self.chance.uniform(0.05, 0.4), over.set)
        await over.wait()
        self.ward.go_on()

    async def cut(self) -> None:
        self.proxy.cut()

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

    async def round(self) -> None:
        deeds = (
            self.kill,
            self.stall,
            self.cut,
            self.cut,
            self.fill_the_disk,
            self.jump,
            self.trouble_the_upstream,
            self.trouble_the_upstream,
            self.trouble_the_receiver,
        )
        await self.chance.choice(deeds)()
        await self.callers.answers(self.chance.randint(1, 8))

    async def calm(self) -> None:
        """Nothing goes wrong any more: now all of it has to come right."""
        self.levers.set("mischief", 0)
        self.receiver.failing = 0
        self.upstream.troubles.clear()
        self.callers.is_over = True

    async def settle_everything(self) -> None:
        async with asyncio.timeout(CALM_LIMIT_S):
            while unfinished := await self._page("?status=queued,running&limit=100"):
                for found in unfinished:
                    await self.callers.surely("GET", f"/v1/generations/{found['id']}?until=completed&wait=2")

    async def everything(self) -> dict[str, dict[str, str]]:
        found = await self._page("?limit=100")
        cursor = self.cursor
        while cursor is not None:
            found += await self._page(f"?limit=100&cursor={cursor}")
            cursor = self.cursor
        return {each["id"]: each for each in found}

    async def _page(self, query: str) -> list[dict[str, str]]:
        _, page = await self.callers.surely("GET", f"/v1/generations{query}")
        self.cursor = page["next_cursor"]
        items: list[dict[str, str]] = page["items"]
        return items

    async def tell_everything(self, events: dict[str, tuple[str, ...]]) -> None:
        """What has to be sent again is due by then; the endpoint's test wakes who sleeps until then."""
        self.levers.set("clock", 2 * FARTHEST_S)
        _, page = await self.callers.surely("GET", "/v1/webhooks")
        await self.callers.surely("POST", f"/v1/webhooks/{page['items'][0]['id']}/test")

        def is_told() -> bool:
            return all(len(self.receiver.told[id]) >= len(told) for id, told in events.items())

        async with asyncio.timeout(CALM_LIMIT_S), self.receiver.arrived:
            await self.receiver.arrived.wait_for(is_told)


def test_chaos(tmp_path: Path) -> None:
    print(f"\nseed {SEED}: repeat with DARKROOM_CHAOS_SEED={SEED}")
    asyncio.run(play(tmp_path))


async def play(folder: Path) -> None:
    database = folder / "data" / "darkroom.db"
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream().serving())
        assert isinstance(upstream, Upstream)
        upstream.write_manifests(folder / "data" / "providers")
        receiver = await stack.enter_async_context(Receiver().serving())
        ward = Ward(folder, SEED, {"sandbox_credits": SANDBOX_CREDITS})
        proxy = await stack.enter_async_context(Proxy("127.0.0.1", ward.port).serving())
        callers = Callers(ward, f"http://127.0.0.1:{proxy.port}")
        scene = Scene(ward, callers, upstream, receiver, proxy, Levers(folder / "levers"), random.Random(SEED))
        await ward.start()
        try:
            await wreak_havoc(scene)
            await scene.settle_everything()
            rows = books.read_rows(database)
            await scene.tell_everything({row.id: row.events for row in rows.values()})
            listed = await scene.everything()
            assert await ward.end() == 0
        finally:
            await ward.kill()
    check(scene, folder, books.read_rows(database), listed)
    assert await books.audit(database) == []


async def wreak_havoc(scene: Scene) -> None:
    status, said = await scene.callers.surely("POST", "/v1/webhooks", {"url": scene.receiver.url})
    assert status == 201, said
    scene.levers.set("mischief", 1)
    async with asyncio.TaskGroup() as tasks:
        for number in range(CALLERS):
            name = f"caller-{number}"
            tasks.create_task(scene.callers.go_on(name, random.Random(f"{SEED} {name}")))
        for _ in range(ROUNDS):
            await scene.round()
        await scene.calm()


def check(scene: Scene, folder: Path, rows: dict[str, books.Row], listed: dict[str, dict[str, str]]) -> None:
    callers, upstream = scene.callers, scene.upstream
    assert set(callers.accepted.values()) == set(rows) == set(listed), "accepted, stored, and shown are the same"
    assert len(callers.accepted) == len(rows), "one generation for each key"
    for row in rows.values():
        books.check(row)
        assert listed[row.id]["status"] == row.status
        assert tuple(scene.receiver.told[row.id]) == row.events, "each event is told, in order"
        if row.status == "completed":
            (output,) = json.loads(row.outputs)
            assert (folder / "assets" / output["key"]).read_bytes() == upstream.media
    assert {rows[id].status for id in callers.canceled} <= {"canceled"}
    twice = [
        (job.body["ours"], job.id, job.key) for job in upstream.jobs.values() if upstream.made[job.body["ours"]] > 1
    ]
    assert twice == [], "submitted twice"
    assert set(upstream.made) <= set(rows)
    completed = {id for id, row in rows.items() if row.status == "completed"}
    assert completed <= set(upstream.made)
    assert sum(row.moved.get("capture", 0) for row in rows.values()) <= SANDBOX_CREDITS * 1_000_000
    statuses = Counter(row.status for row in rows.values())
    print(
        f"{ROUNDS} rounds, {scene.ward.lives} lives, {scene.proxy.cuts} cuts, {callers.unheard} unheard,"
        f" {len(rows)} generations: {dict(statuses)}, refused {dict(callers.refused)}"
    )
    assert statuses["completed"] > 0
