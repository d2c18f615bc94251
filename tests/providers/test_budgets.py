"""A credential's budget is of the month, whatever was restarted in it: what it has spent is in the store."""

import asyncio
from pathlib import Path

from tests.harness import Running, running
from tests.providers.test_drop_in import DOCUMENTED, Paintbox

TWO = """
[[credentials]]
name = "small"
file = "{folder}/paint-key"
slots = 2
budget_usd = 0.03

[[credentials]]
name = "large"
file = "{folder}/paint-key"
slots = 1
"""
"""The freer one is taken first, until it has nothing left to spend; a painting costs 0.035 dollars."""


async def paint(server: Running) -> str:
    """The credential that a painting was made with."""
    wanted = {"model": "paintbox/moving", "inputs": {"prompt": "a red fox", "duration": 10}}
    submitted = await server.ask("POST", "/v1/generations", wanted)
    assert submitted.status == 202, submitted.body
    await server.reach(submitted.body["id"])
    (attempt,) = await server.engine.store.attempts(submitted.body["id"])
    assert attempt.cost_micro_usd == 35_000
    return attempt.credential


def test_what_is_spent_is_spent_after_a_restart_too(tmp_path: Path) -> None:
    async def run() -> None:
        fake = Paintbox()
        async with asyncio.timeout(120), fake.serving():
            (tmp_path / "providers").mkdir()
            (tmp_path / "paint-key").write_text(fake.secret)
            manifest = DOCUMENTED.replace("https://paintbox.example.com", fake.url)
            manifest = manifest.replace("interval_s = 2", "interval_s = 0.02") + TWO.format(folder=tmp_path)
            (tmp_path / "providers" / "paintbox.toml").write_text(manifest)
            async with running(None, data=tmp_path, render_processes=1) as server:
                assert [await paint(server), await paint(server)] == ["small", "large"]
            async with running(None, data=tmp_path, render_processes=1) as server:
                assert await paint(server) == "large"

    asyncio.run(run())
