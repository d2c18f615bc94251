"""A place at an upstream is free again when its generation has ended, also where the upstream never said so."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.chaos.upstream import Upstream
from tests.harness import Running, running
from tests.providers.fakes.fake import Trouble

SLOTS = 4
"""As the manifest says."""


def play(folder: Path, story: Callable[[Running, Upstream], Awaitable[None]]) -> None:
    async def run() -> None:
        fake = Upstream()
        async with asyncio.timeout(120), fake.serving():
            fake.write_manifests(folder / "providers")
            async with running(None, data=folder, render_processes=1) as server:
                await story(server, fake)

    asyncio.run(run())


async def submit(server: Running) -> str:
    wanted = {"model": "fragile", "inputs": {"prompt": "a fox"}}
    submitted = await server.ask("POST", "/v1/generations", wanted)
    assert submitted.status == 202, submitted.body
    return str(submitted.body["id"])


async def reach(server: Running, id: str, until: str = "completed") -> str:
    return str((await server.ask("GET", f"/v1/generations/{id}?until={until}&wait=20")).body["status"])


def test_after_as_many_lost_answers_as_it_has_places_it_still_takes_work(tmp_path: Path) -> None:
    async def story(server: Running, fake: Upstream) -> None:
        fake.trouble("submit", *[Trouble("after", 502)] * SLOTS)
        ids = [await submit(server) for _ in range(SLOTS)]
        assert [await reach(server, id) for id in ids] == ["failed"] * SLOTS
        assert await reach(server, await submit(server)) == "completed"

    play(tmp_path, story)


def test_what_is_canceled_and_cannot_be_called_off_takes_no_place(tmp_path: Path) -> None:
    async def story(server: Running, fake: Upstream) -> None:
        fake.states = ("running",)
        ids = [await submit(server) for _ in range(SLOTS)]
        for id in ids:
            await reach(server, id, "running")
            canceled = await server.ask("POST", f"/v1/generations/{id}/cancel")
            assert canceled.body["status"] == "canceled"
        fake.states = ("queued", "running", "completed")
        assert await reach(server, await submit(server)) == "completed"

    play(tmp_path, story)
