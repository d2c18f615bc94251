"""The real command: how it ends, that it shares its folder with no other, and what the command line does beside it."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness import free_port

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
LONG = {"model": "kling-v2.1", "inputs": {"prompt": "a tree [sandbox: wait 120]"}}


@dataclass
class Served:
    process: asyncio.subprocess.Process
    client: aiohttp.ClientSession
    folder: Path
    port: int

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, path, json=body) as answer:
            assert answer.status < 400, await answer.text()
            return await (answer.json() if answer.content_type == "application/json" else answer.text())

    async def say(self, *words: str) -> tuple[int | None, str]:
        """A command beside the server: its exit code, and what it printed."""
        process = await command(*words, "--data", str(self.folder))
        out, errors = await process.communicate()
        return process.returncode, (out + errors).decode().strip()

    async def until_waited_for(self) -> None:
        while 'darkroom_waiters{lane="all"} 1.0' not in await self.ask("GET", "/metrics"):
            pass


async def command(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "darkroom", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    port = free_port()
    process = await command("serve", "--data", str(folder), "--port", str(port))
    assert process.stderr is not None
    key = ""
    while not key.startswith("dk_"):
        line = await process.stderr.readline()
        assert line, "it ended before it had a key"
        key = line.decode().strip()
    draining = asyncio.ensure_future(process.stderr.read())
    headers = {"authorization": f"Bearer {key}"}
    timeout = aiohttp.ClientTimeout(total=70)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, timeout=timeout) as client:
        await until_ready(client)
        try:
            yield Served(process, client, folder, port)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await draining


async def until_ready(client: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with client.get("/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0)


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(180):
            await act()

    asyncio.run(in_time())


def test_sigterm_answers_who_waits_and_hands_back_what_runs(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as server:
            id = (await server.ask("POST", "/v1/generations", LONG))["id"]
            await server.ask("GET", f"/v1/generations/{id}?until=running&wait=20")
            waiting = asyncio.ensure_future(server.ask("GET", f"/v1/generations/{id}?wait=60"))
            await server.until_waited_for()
            asked = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert (await waiting)["status"] == "running"
            answered = time.monotonic()
            assert await server.process.wait() == 0
            ended = time.monotonic()
            print(f"\nanswered {answered - asked:.2f} s after SIGTERM, ended after {ended - asked:.2f} s")
            assert answered - asked < 1
            assert ended - asked < 10
            code, text = await server.say("get", id, "--json")
            assert (code, json.loads(text)["status"]) == (0, "queued")
            assert (await server.say("ledger", "verify"))[0] == 0

    play(act)


def test_two_servers_on_one_folder_are_refused(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as server:
            second = await command("serve", "--data", str(tmp_path), "--port", str(free_port()))
            _, errors = await second.communicate()
            assert second.returncode == 2
            text = errors.decode()
            assert f"the data folder {tmp_path} is in use by another Darkroom" in text
            assert f"process {server.process.pid}, serving http://127.0.0.1:{server.port}" in text
            assert "--data" in text
            assert "Traceback" not in text
            taken = await command("serve", "--data", str(tmp_path / "other"), "--port", str(server.port))
            _, errors = await taken.communicate()
            assert (taken.returncode, "--port" in errors.decode()) == (2, True)
            assert (await server.ask("GET", "/v1/account"))["name"] == "default"

    play(act)


def test_the_command_line_beside_a_running_server(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as server:
            assert (await server.say("account", "create", "ann"))[0] == 0
            code, key = await server.say("key", "create", "ann")
            assert (code, key[:3], len(key.splitlines())) == (0, "dk_", 1)
            server.client.headers["authorization"] = f"Bearer {key}"
            assert (await server.ask("GET", "/v1/account"))["available"] == 0
            assert (await server.say("credit", "grant", "ann", "1000"))[0] == 0
            assert (await server.ask("GET", "/v1/account"))["available"] == 1000

            generation = await server.ask("POST", "/v1/generations", LONG)
            id = generation["id"]
            assert (await server.ask("GET", "/v1/account"))["held"] == generation["quote"] > 0
            code, text = await server.say("list", "--account", "ann", "--json")
            assert [item["id"] for item in json.loads(text)] == [id]
            waiting = asyncio.ensure_future(server.ask("GET", f"/v1/generations/{id}?wait=60"))
            await server.until_waited_for()
            code, text = await server.say("cancel", id, "--json")
            assert (code, json.loads(text)["status"]) == (0, "canceled")
            assert (await waiting)["status"] == "canceled"
            account = await server.ask("GET", "/v1/account")
            assert (account["available"], account["held"], account["in_flight"]) == (1000, 0, 0)
            code, text = await server.say("ledger", "verify")
            assert code == 0, text
            assert (await server.say("account", "create", "ann"))[0] == 2

    play(act)
