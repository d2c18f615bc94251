"""From the commit of a settlement to its webhook's arrival: alone, and beside 1,000 messages to a dead host."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from darkroom.account import Account
from darkroom.cli import logs
from darkroom.clock import SystemClock
from darkroom.config import Settings
from darkroom.credits import Credits
from darkroom.generation import Status
from darkroom.ids import new_id
from darkroom.ports import NewGeneration, Settlement
from darkroom.webhook import MakeWebhook
from darkroom.wiring import Engine

MESSAGES = 300
DEAD = 1000
CLOCK = SystemClock()


class Live:
    """A receiver that answers at once, and notes when each message came."""

    def __init__(self) -> None:
        self.url = ""
        self.arrivals: asyncio.Queue[float] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.arrivals.put_nowait(time.perf_counter())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def run() -> list[str]:
    logs.configure(form="json", level="critical")
    alone = asyncio.run(_measure(dead=0, has_endpoint=True))
    beside = asyncio.run(_measure(dead=DEAD, has_endpoint=True))
    nobody = asyncio.run(_measure(dead=0, has_endpoint=False))
    return [
        f"webhook {'settle to arrival, alone':38} p50 {median(alone[1]):.2f} ms   p99 {_late(alone[1]):.2f} ms",
        f"webhook {f'the same beside {DEAD} to a dead host':38} p50 {median(beside[1]):.2f} ms   "
        f"p99 {_late(beside[1]):.2f} ms   ratio {median(beside[1]) / median(alone[1]):.2f}",
        f"settle  {'with an endpoint, against without':38} ratio {median(alone[0]) / median(nobody[0]):.2f}   "
        f"beside {DEAD} dead {median(beside[0]) / median(nobody[0]):.2f}",
    ]


def _late(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)]


async def _measure(*, dead: int, has_endpoint: bool) -> tuple[list[float], list[float]]:
    """Milliseconds of each settlement, and from its commit to the message's arrival."""
    settling, arriving = [], []
    async with _engine() as (engine, owner), _live() as live, _silent() as silent_url:
        await asyncio.gather(*(_canceled(engine, owner, silent_url) for _ in range(dead)))
        engine.courier.wake()
        if has_endpoint:
            verb = MakeWebhook(url=live.url, events=("completed",))
            await engine.endpoints.make(await engine.principal(owner.id), verb)
        for _ in range(MESSAGES):
            generation = await engine.store.submit(_new(owner))
            await engine.store.begin(generation.id, now=engine.clock.now())
            done = Settlement(status=Status.COMPLETED, used=Credits(0))
            began = time.perf_counter()
            await engine.store.settle(generation.id, 1, done, now=engine.clock.now())
            settled = time.perf_counter()
            settling.append((settled - began) * 1000)
            if has_endpoint:
                engine.courier.wake()
                arriving.append((await live.arrivals.get() - settled) * 1000)
    return settling, arriving


def _new(owner: Account, callback_url: str | None = None) -> NewGeneration:
    return NewGeneration(
        id=new_id(),
        account_id=owner.id,
        dialect="native",
        model="kling-v2.1",
        modality="video",
        task="text-to-video",
        provider="nobody",
        inputs={"prompt": "x"},
        wire={},
        quote=Credits(0),
        created_at=CLOCK.now(),
        callback_url=callback_url,
    )


async def _canceled(engine: Engine, owner: Account, url: str) -> None:
    generation = await engine.store.submit(_new(owner, url))
    await engine.store.cancel(owner.id, generation.id, now=engine.clock.now())


@asynccontextmanager
async def _engine() -> AsyncIterator[tuple[Engine, Account]]:
    with tempfile.TemporaryDirectory() as data:
        engine = Engine(Settings(data=str(Path(data)), allow_loopback=True), providers={})
        await engine.open()
        await engine.work()
        await engine.welcome()
        try:
            yield engine, await engine.store.find_account("default")
        finally:
            await engine.close()


@asynccontextmanager
async def _live() -> AsyncIterator[Live]:
    live = Live()
    server = await asyncio.start_server(live.serve, "127.0.0.1", 0)
    live.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield live


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """Takes connections and says nothing: every try runs into its limit. Another name, so another host."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://localhost:{listening.getsockname()[1]}/"


if __name__ == "__main__":
    print(*run(), sep="\n")
