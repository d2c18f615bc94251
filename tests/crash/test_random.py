"""SIGKILL at random moments under concurrent load: no accepted generation is lost, and each is paid for once."""

import asyncio
import json
import os
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.crash import books
from tests.crash.lives import Body, Died, Life, Lives

ROUNDS = int(os.environ.get("DARKROOM_CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("DARKROOM_CRASH_SEED", str(random.SystemRandom().randrange(1_000_000))))
CLIENTS = 6
LONGEST_LIFE_S = 0.25


def test_kills_at_random_moments_under_load(tmp_path: Path) -> None:
    print(f"\nseed {SEED}: repeat with DARKROOM_CRASH_SEED={SEED}")
    lives = Lives(tmp_path)
    chance = random.Random(SEED)
    accepted: dict[str, Body] = {}
    canceled: set[str] = set()

    async def run() -> None:
        for _ in range(ROUNDS):
            async with lives.next() as life:
                moment = chance.uniform(0.0, LONGEST_LIFE_S)
                asyncio.get_running_loop().call_later(moment, life.process.kill)
                await asyncio.gather(*(submit_on(life, chance, accepted, canceled) for _ in range(CLIENTS)))
        async with lives.next() as life:
            await life.settle_everything()
            life.process.terminate()
            assert await life.ended() == 0

    asyncio.run(run())
    rows = books.read_rows(tmp_path / "data" / "darkroom.db")
    assert accepted.keys() <= rows.keys()
    for row in rows.values():
        books.check(row)
    assert {rows[id].status for id in canceled} <= {"canceled"}
    assert set(lives.starts("fragile").values()) == {1}
    for row in rows.values():
        if row.status == "completed":
            (output,) = json.loads(row.outputs)
            assert (tmp_path / "assets" / output["key"]).read_bytes() == b"a result of " + row.id.encode()
    assert asyncio.run(books.audit(tmp_path / "data" / "darkroom.db")) == []
    assert lives.log() == ""
    statuses = Counter(row.status for row in rows.values())
    unheard = len(rows.keys() - accepted.keys())
    print(f"{ROUNDS} kills, {len(rows)} generations ({unheard} accepted unheard): {dict(statuses)}")
    assert statuses["completed"] > ROUNDS


async def submit_on(life: Life, chance: random.Random, accepted: dict[str, Body], canceled: set[str]) -> None:
    """One caller: submits, sometimes cancels or waits, until the server is gone."""
    with suppress(Died):
        while True:
            model = chance.choice(("fragile", "sturdy"))
            body = await life.submit(model, chance.choice(("", "less", "flaky", "slow")))
            accepted[body["id"]] = body
            match chance.randrange(5):
                case 0:
                    answer = await life.ask("POST", f"/v1/generations/{body['id']}/cancel")
                    if answer["status"] == "canceled":
                        canceled.add(body["id"])
                case 1 | 2:
                    await life.reach(body["id"])
