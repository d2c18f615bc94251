"""SIGKILL at each step between submit and settle: what becomes of the generation after the restart."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from tests.crash import books
from tests.crash.lives import Died, Life, Lives

# The step, the prompt, then for a provider that bills each start anew and for one that takes the reference as an
# idempotency key: how the generation ends, and how many starts the upstream saw.
STEPS = (
    ("before submit", "", None, 0, None, 0),
    ("after submit", "", "completed", 1, "completed", 1),
    ("before begin", "", "completed", 1, "completed", 1),
    ("after begin", "", "completed", 1, "completed", 1),
    ("before send", "", "completed", 1, "never there", 0),
    ("after send", "", "failed", 0, "never there", 0),
    ("before start", "", "failed", 0, "completed", 1),
    ("inside start", "", "failed", 1, "completed", 2),
    ("after start", "", "failed", 1, "completed", 2),
    ("before ticket", "", "failed", 1, "completed", 2),
    ("after ticket", "", "completed", 1, "completed", 1),
    ("before poll", "less", "completed", 1, "completed", 1),
    ("after poll", "", "completed", 1, "completed", 1),
    ("before take", "less", "completed", 1, "completed", 1),
    ("after take", "", "completed", 1, "completed", 1),
    ("before settle", "less", "completed", 1, "completed", 1),
    ("after settle", "less", "completed", 1, "completed", 1),
    ("before hand_back", "flaky", "failed", 0, "completed", 1),
    ("after hand_back", "flaky", "completed", 1, "completed", 1),
    ("before cancel", "slow", "completed", 1, "completed", 1),
    ("after cancel", "slow", "canceled", 1, "canceled", 1),
    # The generation of the step before is running when these two end: the next start finds it again.
    ("after begin", "again", "completed", 1, "completed", 1),
    ("before rescue", "", None, 0, None, 0),
    ("after rescue", "", None, 0, None, 0),
)
PRICE = {"fragile": 3, "sturdy": 5}


def test_a_kill_at_any_step_loses_nothing_and_pays_once(tmp_path: Path) -> None:
    lives = Lives(tmp_path)

    async def run() -> None:
        for model, status_at, starts_at in (("fragile", 2, 3), ("sturdy", 4, 5)):
            expected = {}
            for step in STEPS:
                if step[status_at] != "never there":
                    await die_at(lives, step[0], model, f"{model} {step[0]} {step[1]}")
                    if step[status_at] is not None:
                        expected[f"{model} {step[0]} {step[1]}"] = (step[status_at], step[starts_at])
            async with lives.next() as life:
                await life.settle_everything()
                found = [body for body in await life.everything() if body["model"] == model]
            starts = lives.starts(model)
            actual = {body["inputs"]["prompt"]: (body["status"], starts.get(body["id"], 0)) for body in found}
            assert actual == expected
            for body in found:
                assert body["spent"] == spent(body["inputs"]["prompt"], model, body["status"])

    asyncio.run(run())
    rows = books.read_rows(tmp_path / "data" / "darkroom.db")
    for row in rows.values():
        books.check(row)
    assert asyncio.run(books.audit(tmp_path / "data" / "darkroom.db")) == []
    assert lives.log() == ""
    print(f"{lives.count} lives, {len(rows)} generations")


def spent(prompt: str, model: str, status: str) -> float:
    if status != "completed":
        return 0
    return 2.5 if "less" in prompt else PRICE[model]


async def die_at(lives: Lives, step: str, model: str, prompt: str) -> None:
    try:
        async with lives.next(step) as life:
            await life.settle_everything()
            with suppress(Died):
                await use(life, step, model, prompt)
            assert await life.ended() == -signal.SIGKILL, step
    except Died:
        assert step.endswith("rescue"), step


async def use(life: Life, step: str, model: str, prompt: str) -> None:
    body = await life.submit(model, prompt)
    if step.endswith("cancel"):
        while (await life.ask("GET", f"/v1/generations/{body['id']}"))["progress"] is None:
            pass  # the upstream's ticket is stored once it tells of progress
        await life.ask("POST", f"/v1/generations/{body['id']}/cancel")
    await life.reach(body["id"])
