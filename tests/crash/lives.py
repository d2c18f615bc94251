"""The lives of one data folder: start a server on it, use it over HTTP, kill it, start the next."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aiohttp

from tests.crash import server
from tests.harness import free_port

# Each life is a process of its own, forked from one that has imported everything: a start costs a tenth of a second.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.crash.server", "tests.crash.upstream"])

Body = dict[str, Any]

SETTLE_LIMIT_S = 60.0


class Died(Exception):
    """The server was gone before it answered."""


@dataclass
class Life:
    process: BaseProcess
    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Body | None = None) -> Body:
        """Raises `Died`."""
        try:
            async with self.client.request(method, path, json=body) as answer:
                decoded: Body = await answer.json()
        except (aiohttp.ClientError, ConnectionError):
            raise Died from None
        assert answer.status < 400, decoded
        return decoded

    async def submit(self, model: str, prompt: str) -> Body:
        """What the 202 said; raises `Died`."""
        return await self.ask("POST", "/v1/generations", {"model": model, "inputs": {"prompt": prompt}})

    async def reach(self, id: str, until: str = "completed") -> Body:
        return await self.ask("GET", f"/v1/generations/{id}?until={until}&wait=20")

    async def settle_everything(self) -> None:
        """Wait until nothing is unfinished, a sweep or two if need be."""
        unfinished: list[Body] = []
        try:
            async with asyncio.timeout(SETTLE_LIMIT_S):
                while unfinished := (await self.ask("GET", "/v1/generations?status=queued,running&limit=100"))["items"]:
                    await asyncio.gather(*(self.reach(generation["id"]) for generation in unfinished))
        except TimeoutError:
            raise AssertionError(f"not settled: {unfinished}") from None

    async def everything(self) -> list[Body]:
        found: list[Body] = []
        cursor = ""
        while True:
            page = await self.ask("GET", f"/v1/generations?limit=100{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def ended(self) -> int | None:
        """Wait for the process; returns its exit code, a signal's as a negative."""
        await asyncio.to_thread(self.process.join, 20)
        return self.process.exitcode


@dataclass
class Lives:
    """`process` is the life that there is now, also while it does not listen yet."""

    folder: Path
    live: Callable[[Path, int, str, Connection], None] = server.live
    port: int = field(default_factory=free_port)
    key: str = ""
    count: int = 0
    process: BaseProcess | None = None

    @asynccontextmanager
    async def next(self, step: str = "") -> AsyncIterator[Life]:
        """The server's next life; raises `Died` where it does not live to listen."""
        self.count += 1
        ours, theirs = CONTEXT.Pipe()
        process = self.process = CONTEXT.Process(target=self.live, args=(self.folder, self.port, step, theirs))
        process.start()
        theirs.close()
        try:
            key = await asyncio.to_thread(ours.recv)
        except EOFError:
            process.join()
            raise Died from None
        finally:
            ours.close()
        self.key = key or self.key
        headers = {"authorization": f"Bearer {self.key}"}
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", headers=headers, timeout=timeout) as client:
            try:
                yield Life(process, client)
            finally:
                process.kill()
                await asyncio.to_thread(process.join)

    def starts(self, provider: str) -> Mapping[str, int]:
        """How many jobs the upstream took for each generation."""
        counts: dict[str, int] = {}
        file = self.folder / "upstream" / provider / "starts"
        for reference in file.read_text().split() if file.exists() else ():
            counts[reference] = counts.get(reference, 0) + 1
        return counts

    def log(self) -> str:
        return (self.folder / "log").read_text()
