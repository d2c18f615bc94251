"""An upgrade without a moment off: processes of two versions on one PostgreSQL, as they come and go."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.scene import play
from tests.harness import free_port
from tests.postgres import postgres
from tests.versions import SOURCE, earlier

SPEECH = {"model": "openai-tts", "inputs": {"prompt": "One moment, please."}}
LONG = {"model": "openai-tts", "inputs": {"prompt": "Never [sandbox: wait 600]"}}


@dataclass
class Machine:
    """A real `darkroom serve` of some version, and a caller of it."""

    process: asyncio.subprocess.Process
    client: aiohttp.ClientSession
    said: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, path, json=body) as answer:
            text = await answer.text()
            assert answer.status < 400, text
            return json.loads(text)

    async def submit(self, body: Any) -> str:
        return str((await self.ask("POST", "/v1/generations", body))["id"])

    async def ended(self, id: str) -> str:
        return str((await self.ask("GET", f"/v1/generations/{id}?wait=30"))["status"])

    async def has_settled(self) -> int:
        """How many generations this process has brought to their end."""
        async with self.client.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("darkroom_generations_settled_t"))

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def command(source: Path, dsn: str, folder: Path, *words: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    ours = {"PYTHONPATH": str(source), "DARKROOM_DATABASE": dsn, "DARKROOM_ASSETS": str(folder.parent / "assets")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "darkroom", *words, "--data", str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, **ours, "DARKROOM_SHUTDOWN_LIMIT_S": "1"},
    )


async def run(source: Path, dsn: str, folder: Path, *words: str) -> tuple[int | None, str]:
    process = await command(source, dsn, folder, *words)
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, (out + errors).decode().strip()


@asynccontextmanager
async def serving(source: Path, dsn: str, folder: Path, *, key: str = "") -> AsyncIterator[Machine]:
    """From when it is ready. The first of them makes a key and prints it, indented; the others are given it."""
    port = free_port()
    process = await command(source, dsn, folder, "serve", "--port", str(port))
    said: list[str] = []
    assert process.stderr is not None
    while not key:
        line = (await process.stderr.readline()).decode()
        assert line, "".join(said)
        said.append(line)
        key = line.strip() if line.strip().startswith("dk_") else ""
    draining = asyncio.ensure_future(process.stderr.read())
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
        try:
            while not await is_ready(client):
                assert process.returncode is None, (await draining).decode()
            yield Machine(process, client, said)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await draining


async def is_ready(client: aiohttp.ClientSession) -> bool:
    try:
        async with client.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


def test_processes_of_two_versions_share_the_work_and_the_older_ones_go(tmp_path: Path) -> None:
    source = earlier(tmp_path / "earlier") / "src"

    async def act() -> None:
        dsn = await postgres().empty()
        async with serving(source, dsn, tmp_path / "older") as older:
            key = next(line.strip() for line in older.said if line.strip().startswith("dk_"))
            assert await older.ended(await older.submit(SPEECH)) == "completed"
            # What waits, what runs and what is canceled is told from one version to the other.
            never = await older.submit(LONG)
            await older.ask("GET", f"/v1/generations/{never}?until=running&wait=20")
            async with serving(SOURCE, dsn, tmp_path / "newer", key=key) as newer:
                await share(older, newer)
                canceled = await newer.ask("POST", f"/v1/generations/{never}/cancel")
                assert canceled["status"] == await older.ended(never) == "canceled"
                # What the older one has in hand when it goes is the newer one's to end.
                last = [await older.submit(SPEECH) for _ in range(4)]
                assert await older.end() == 0
                assert [await newer.ended(id) for id in last] == ["completed"] * 4
                code, text = await run(source, dsn, tmp_path / "older", "serve", "--port", str(free_port()))
                assert code != 0
                assert "newer Darkroom" in text
                account = await newer.ask("GET", "/v1/account")
                assert (account["held"], account["in_flight"]) == (0, 0)
                code, text = await run(SOURCE, dsn, tmp_path / "newer", "ledger", "verify")
                assert code == 0, text

    play(act, limit_s=120)


async def share(older: Machine, newer: Machine) -> None:
    """Submitted at either, waited for at the other, until both have carried some out."""
    before = await older.has_settled()
    while await older.has_settled() == before or await newer.has_settled() == 0:
        at_older = [await older.submit(SPEECH) for _ in range(4)]
        at_newer = [await newer.submit(SPEECH) for _ in range(4)]
        waits = [*map(newer.ended, at_older), *map(older.ended, at_newer)]
        assert await asyncio.gather(*waits) == ["completed"] * 8
