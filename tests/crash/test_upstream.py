"""SIGKILL around each moment of real HTTP work: nothing is lost, nothing is sent twice, and the books are exact.

A life ends at the n-th time that work comes to a certain moment at its upstream, or a little after it, which no machine
is too slow for. `DARKROOM_KILLS` says how often.
"""

import asyncio
import json
import os
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from darkroom.errors import Ambiguous
from tests.crash import books, upstream
from tests.crash.lives import Died, Life, Lives

KILLS = int(os.environ.get("DARKROOM_KILLS", "21"))
SEED = int(os.environ.get("DARKROOM_CRASH_SEED", str(random.SystemRandom().randrange(1_000_000))))
CLIENTS = 4
LATEST = 24
"""The last time that counts: most lives get work done, or what they leave undone would pile up from one to the next."""
A_LITTLE_S = 0.03


@dataclass
class Reaper:
    """Kills one life after another; `reaped` counts them by the moment that they came to."""

    lives: Lives
    chance: random.Random
    reaped: Counter[str] = field(default_factory=Counter)
    left: int = 0
    moment: str = ""
    after_s: float = 0.0

    def aim(self, moment: str) -> None:
        self.moment = moment
        self.left = self.chance.randint(1, LATEST)
        self.after_s = self.chance.choice((0.0, self.chance.uniform(0.0, A_LITTLE_S)))

    def meet(self, moment: str) -> bool:
        self.left -= moment == self.moment
        if self.left or moment != self.moment:
            return False
        self.reaped[moment] += 1
        if self.after_s:
            asyncio.get_running_loop().call_later(self.after_s, self._kill)
        else:
            self._kill()
        return not self.after_s

    def _kill(self) -> None:
        assert self.lives.process is not None
        self.lives.process.kill()


def test_kills_around_submit_poll_download_and_settle(tmp_path: Path) -> None:
    print(f"\nseed {SEED}: repeat with DARKROOM_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    lives = Lives(tmp_path, live=upstream.live)
    reaper = Reaper(lives, chance)
    counting = upstream.Counting(chance=random.Random(SEED), meet=reaper.meet)
    accepted: set[str] = set()

    async def run() -> None:
        async with counting.open():
            for number in range(KILLS):
                reaper.aim(upstream.MOMENTS[number % len(upstream.MOMENTS)])
                with suppress(Died):
                    async with lives.next(str(counting.port)) as life:
                        await asyncio.gather(*(submit_on(life, chance, accepted) for _ in range(CLIENTS)))
            async with lives.next(str(counting.port)) as life:
                await life.settle_everything()
                life.process.terminate()
                assert await life.ended() == 0

    asyncio.run(run())
    assert reaper.reaped.total() == KILLS
    check(tmp_path / "data", counting, accepted)
    assert lives.log() == ""
    print(f"{KILLS} kills: {dict(reaper.reaped)}")


async def submit_on(life: Life, chance: random.Random, accepted: set[str]) -> None:
    """One caller: submits and waits, until the server is gone."""
    with suppress(Died):
        while True:
            id = (await life.submit(chance.choice(upstream.NAMES), "a picture"))["id"]
            accepted.add(id)
            if chance.randrange(3):
                await life.reach(id)


def check(folder: Path, counting: upstream.Counting, accepted: set[str]) -> None:
    rows = books.read_rows(folder / "darkroom.db")
    assert accepted <= rows.keys()
    statuses: dict[str, Counter[str]] = {name: Counter() for name in upstream.NAMES}
    for row in rows.values():
        books.check(row)
        statuses[row.model][row.status] += 1
        made = counting.made[row.model][row.id]
        assert made <= 1, f"{row.model} was given {row.id} {made} times"
        # Whoever can tell what came of a lost answer loses nothing at all.
        if row.model != "blind":
            assert (row.status, made) == ("completed", 1), row
        if row.status == "completed":
            (output,) = json.loads(row.outputs)
            assert (folder / "assets" / output["key"]).stat().st_size == output["size_bytes"] == len(upstream.PICTURE)
        else:
            assert row.cause == Ambiguous.code, row
    assert asyncio.run(books.audit(folder / "darkroom.db")) == []
    completed = sum(counts["completed"] for counts in statuses.values())
    assert books.billed_micro_usd(folder / "darkroom.db") == completed * upstream.BILLED_MICRO_USD
    assert all(counts["completed"] for counts in statuses.values())
    print(f"{len(rows)} generations: { ({name: dict(counts) for name, counts in statuses.items()}) }")
