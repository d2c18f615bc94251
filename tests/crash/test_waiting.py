"""Real processes: whoever waits from the command line outlives a restart of the server, and gives up in plain words."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from darkroom.cli.patience import GaveUp
from darkroom.cli.remote import RemoteSession
from darkroom.cli.session import LocalSession
from darkroom.config import Settings
from darkroom.generation import Status
from darkroom.wiring import Engine
from tests.crash.test_serve import ENVIRONMENT, LONG, command, play, until_ready
from tests.harness import free_port

SHORT_S = 0.3


@dataclass
class Restarted:
    """A server that may be stopped and started again, at one address and on one folder."""

    folder: Path
    client: aiohttp.ClientSession
    port: int
    key: str = ""
    process: asyncio.subprocess.Process | None = None
    _draining: list[asyncio.Task[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.process = await command("serve", "--data", str(self.folder), "--port", str(self.port))
        assert self.process.stderr is not None
        while not self.key:
            line = (await self.process.stderr.readline()).decode().strip()
            self.key = line if line.startswith("dk_") else ""
        self._draining.append(asyncio.create_task(self.process.stderr.read()))
        await until_ready(self.client)

    async def stop(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        await self.process.wait()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.key}"}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return await (answer.json() if answer.content_type == "application/json" else answer.text())

    async def until_waiting(self, count: int) -> None:
        while f'darkroom_waiters{{lane="all"}} {count}.0' not in await self.ask("GET", "/metrics"):
            pass

    async def waiter(self, id: str) -> asyncio.subprocess.Process:
        """`darkroom wait` of one generation, at this server."""
        return await self.command("wait", id, "--json")

    async def command(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "darkroom", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**ENVIRONMENT, "DARKROOM_URL": self.url, "DARKROOM_KEY": self.key},
        )


@asynccontextmanager
async def restartable(folder: Path) -> AsyncIterator[Restarted]:
    port = free_port()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        server = Restarted(folder, client, port)
        await server.start()
        try:
            yield server
        finally:
            if server.process is not None and server.process.returncode is None:
                server.process.kill()
                await server.process.wait()
            await asyncio.gather(*server._draining)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_wait_far_away_outlives_a_restart(tmp_path: Path, how: signal.Signals) -> None:
    async def act() -> None:
        async with restartable(tmp_path) as server:
            id = (await server.ask("POST", "/v1/generations", LONG))["id"]
            waiting = await server.waiter(id)
            await server.until_waiting(1)
            await server.stop(how)
            await server.start()
            await server.until_waiting(1)
            await server.ask("POST", f"/v1/generations/{id}/cancel")
            said, errors = await waiting.communicate()
            assert errors == b""
            assert (waiting.returncode, json.loads(said)["status"]) == (1, "canceled")

    play(act)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_generate_far_away_outlives_a_restart_and_submits_once(tmp_path: Path, how: signal.Signals) -> None:
    async def act() -> None:
        async with restartable(tmp_path / "data") as server:
            words = ("kling-v2.1", "a tree [sandbox: wait 120]", "-o", str(tmp_path / "out.mp4"), "--json")
            making = await server.command("generate", *words)
            await server.until_waiting(1)
            await server.stop(how)
            await server.start()
            await server.until_waiting(1)
            (made,) = (await server.ask("GET", "/v1/generations"))["items"]
            await server.ask("POST", f"/v1/generations/{made['id']}/cancel")
            said, _ = await making.communicate()
            assert (making.returncode, json.loads(said)["id"]) == (1, made["id"])
            assert (await server.ask("GET", "/v1/account"))["held"] == 0

    play(act)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_wait_beside_a_server_outlives_a_restart(tmp_path: Path, how: signal.Signals) -> None:
    async def act() -> None:
        async with restartable(tmp_path) as server:
            id = (await server.ask("POST", "/v1/generations", LONG))["id"]
            async with following(tmp_path) as session:
                changes = session.watch(id)
                first = await anext(changes)
                assert first.id == id
                await server.stop(how)
                await server.start()
                await server.ask("POST", f"/v1/generations/{id}/cancel")
                told = [change async for change in changes]
            assert told[-1].status is Status.CANCELED

    play(act)


@asynccontextmanager
async def following(folder: Path, *, patience_s: float = 60.0) -> AsyncIterator[LocalSession]:
    """What `darkroom wait` does beside a server, in this process."""
    engine = Engine(Settings(data=str(folder)))
    await engine.open()
    try:
        await engine.follow()
        yield LocalSession(engine, await engine.principal("default"), is_worker=False, patience_s=patience_s)
    finally:
        await engine.close()


def test_who_waits_beside_a_server_that_does_not_come_back_gives_up(tmp_path: Path) -> None:
    async def act() -> None:
        async with restartable(tmp_path) as server:
            id = (await server.ask("POST", "/v1/generations", LONG))["id"]
            async with following(tmp_path, patience_s=SHORT_S) as session:
                changes = session.watch(id)
                await anext(changes)
                await server.stop(signal.SIGKILL)
                with pytest.raises(GaveUp, match=f"no server has worked on {tmp_path} for 0.3 s.*darkroom wait {id}"):
                    async for _ in changes:
                        pass

    play(act)


def test_who_waits_at_a_server_that_does_not_come_back_gives_up(tmp_path: Path) -> None:
    async def act() -> None:
        async with restartable(tmp_path) as server, aiohttp.ClientSession() as client:
            id = (await server.ask("POST", "/v1/generations", LONG))["id"]
            session = RemoteSession(client, server.url, server.key, patience_s=SHORT_S)
            changes = session.watch(id)
            await anext(changes)
            await server.stop(signal.SIGKILL)
            with pytest.raises(GaveUp, match=f"no server has answered at {server.url} for 0.3 s.*darkroom wait {id}"):
                async for _ in changes:
                    pass

    play(act)


def test_two_processes_on_one_folder_wake_each_others_waiters(tmp_path: Path) -> None:
    """The test's process and the server's: each waits for what the other one does."""

    async def act() -> None:
        async with restartable(tmp_path) as server, following(tmp_path) as session:
            engine = session._engine
            long = (await server.ask("POST", "/v1/generations", LONG))["id"]
            theirs = asyncio.create_task(server.ask("GET", f"/v1/generations/{long}?wait=60"))
            ours = asyncio.create_task(engine.bell.reach(long, Status.COMPLETED, limit_s=60, read=engine.store.get))
            await server.until_waiting(1)
            await session.cancel(long)
            assert (await theirs)["status"] == "canceled"
            assert (await ours).status is Status.CANCELED
            second = (await server.ask("POST", "/v1/generations", LONG))["id"]
            ours = asyncio.create_task(engine.bell.reach(second, Status.COMPLETED, limit_s=60, read=engine.store.get))
            await server.ask("POST", f"/v1/generations/{second}/cancel")
            assert (await ours).status is Status.CANCELED
            assert len(engine._tasks) == 1, "one task follows, however much there was to hear of"

    play(act)


def test_a_stream_hears_of_what_another_process_submits(tmp_path: Path) -> None:
    async def act() -> None:
        async with restartable(tmp_path) as server, following(tmp_path) as session:
            headers = {"authorization": f"Bearer {server.key}"}
            async with server.client.get("/v1/events", headers=headers) as answer:
                await answer.content.readuntil(b"\n\n")
                made = await session.submit("openai-tts", {"prompt": "Hello [sandbox: wait 600]"})
                await session.cancel(made.id)
                told = b""
                while b"event: generation.canceled" not in told:
                    told += await answer.content.readuntil(b"\n\n")
                assert b"event: generation.queued" in told
                assert told.count(made.id.encode()) >= 2

    play(act)
