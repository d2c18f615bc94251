"""`darkroom demo`: the main job as a newcomer's code would do it, over HTTP against a real server process."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from rich.text import Text

from darkroom.cli import show
from darkroom.cli.generate import generate
from darkroom.cli.remote import RemoteSession
from darkroom.config import Settings
from darkroom.errors import Misconfigured
from darkroom.wiring import Engine

MODEL = "kling-v2.1"
PROMPT = "A time-lapse of a blooming flower, macro photography, soft natural light"
START_LIMIT_S = 60


async def run(settings: Settings) -> bool:
    """Returns whether there is a video now."""
    folder = settings.folder
    target = (folder / "flower.mp4").resolve()
    key = await _prepare(settings)
    async with _server(folder) as url, aiohttp.ClientSession() as client:
        show.console.print(f"A server is running at {url}; its data is in {folder}/")
        show.console.print(f'Asking {MODEL} for 5 seconds of: "{PROMPT}"')
        session = RemoteSession(client, url, key)
        inputs = {"prompt": PROMPT, "duration": 5, "aspect_ratio": "16:9"}
        is_done = await generate(session, model=MODEL, inputs=inputs, image=None, output=target, is_json=False)
    if is_done:
        show.console.print("\nA real video, made here:", Text(str(target), "bold"), soft_wrap=True)
        show.console.print("Next: make serve, then read README.md for your first request.")
    return is_done


async def _prepare(settings: Settings) -> str:
    """An account with a fresh key, as an operator would make them."""
    engine = Engine(settings)
    await engine.open()
    try:
        await engine.welcome()
        account = await engine.store.find_account("default")
        return (await engine.access.create_key(account, name="demo", dialect="native")).secret
    finally:
        await engine.close()


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[str]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "darkroom", "serve", "--data", str(folder), "--port", str(port))
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await _until_ready(url, process, folder)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_ready(url: str, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with aiohttp.ClientSession() as client:
        for _ in range(START_LIMIT_S * 10):
            if process.returncode is not None:
                break
            try:
                async with client.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise Misconfigured(f"the server did not start; {folder / 'server.log'} says why")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
