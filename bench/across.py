"""From a settlement in one process to the answers of those who wait at another: 500 long-polls and 500 streams."""

import asyncio
import contextlib
import selectors
import socket
import tempfile
import time
from pathlib import Path

import uvloop

from bench.postgres import Server as Postgres
from bench.postgres import a_database
from bench.processes import DRIVEN, Server, darkroom

ROUNDS = 5
WAITERS = 1000
TAKES_S = 4.0
ENDED = b'"status":"completed"'


def run() -> list[str]:
    with a_database(DRIVEN) as server:
        rounds = _rounds(server)
    floors = sorted(uvloop.run(_floor()))
    ours = sorted(delay for delays in rounds for delay in delays)
    lasts = [max(delays) for delays in rounds]
    return [
        f"across  {f'{WAITERS} on one generation':22} p50 {_at(ours, 0.5):.1f} ms   p99 {_at(ours, 0.99):.1f} ms   "
        f"last {min(lasts):.1f} to {max(lasts):.1f} ms ({ROUNDS} rounds)   "
        f"an event in one process: p50 {_at(floors, 0.5):.1f} ms   p99 {_at(floors, 0.99):.1f} ms"
    ]


def _at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


def _rounds(server: Postgres) -> list[list[float]]:
    """Milliseconds of each answer. The database, the worker and the callers have the other core."""
    with tempfile.TemporaryDirectory() as data:
        address, here, there = server.fresh(), Path(data) / "api", Path(data) / "worker"
        with (
            darkroom(here, database=address, role="api") as api,
            darkroom(there, database=address, role="worker", slots=50, after_s=TAKES_S, core=DRIVEN) as worker,
        ):
            return [_once(api, worker) for _ in range(ROUNDS)]


def _once(api: Server, worker: Server) -> list[float]:
    body = {"model": "kling-v2.1", "inputs": {"prompt": "x"}}
    generation_id = str(api.ask("POST", "/v1/generations", body)["id"])
    answered: list[int] = []
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number in range(WAITERS):
            waiter = stack.enter_context(socket.create_connection(_address(api)))
            waiter.sendall(_question(api, generation_id, is_stream=number % 2 == 0))
            selector.register(waiter, selectors.EVENT_READ)
        while len(answered) < WAITERS:
            for key, _ in selector.select():
                instant = time.monotonic_ns()
                assert isinstance(key.fileobj, socket.socket)
                # A stream tells first what it is now.
                if ENDED in key.fileobj.recv(65_536):
                    answered.append(instant)
                    selector.unregister(key.fileobj)
    return [(instant - _settled_at(worker, generation_id)) / 1e6 for instant in answered]


_settled: dict[str, int] = {}


def _settled_at(worker: Server, generation_id: str) -> int:
    assert worker.process.stdout is not None
    while generation_id not in _settled:
        id, instant = worker.process.stdout.readline().split()
        _settled[id] = int(instant)
    return _settled[generation_id]


def _address(server: Server) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def _question(server: Server, generation_id: str, *, is_stream: bool) -> bytes:
    path = f"/v1/generations/{generation_id}" + ("/events" if is_stream else "?wait=30")
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode()


async def _floor() -> list[float]:
    """As many tasks that wait for one event, in one process and with no answer to send."""
    event, delays = asyncio.Event(), []

    async def wait() -> None:
        await event.wait()
        delays.append((time.monotonic_ns() - began) / 1e6)

    waiting = [asyncio.ensure_future(wait()) for _ in range(WAITERS)]
    await asyncio.sleep(0.1)
    began = time.monotonic_ns()
    event.set()
    await asyncio.gather(*waiting)
    return delays


if __name__ == "__main__":
    print(*run(), sep="\n")
