"""From the commit of a settlement to the answer of those who wait for it: one, and a thousand long-polls or streams."""

import asyncio
import contextlib
import selectors
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import uvloop

from bench.processes import DRIVEN, SERVED, Server, darkroom

GENERATIONS = 200
WAITERS = 1000
ROUNDS = 3


def run() -> list[str]:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=50, after_s=0.05) as server:
        lines = [_line("one waiter", asyncio.run(_one_by_one(server)))]
    floor = uvloop.run(_in_process())
    lines.append(_line(f"{WAITERS} tasks, an event", floor))
    for name, path in (("long-polls", "?wait=30"), ("streams", "/events")):
        for cores, where in ((SERVED, "one core"), (f"{SERVED},{DRIVEN}", "both cores")):
            rounds = sorted((_one_round(path, cores) for _ in range(ROUNDS)), key=_late)
            middle, most = rounds[ROUNDS // 2], _late(rounds[-1])
            ratio = _late(middle) / _late(floor)
            lines.append(
                f"{_line(f'{WAITERS} {name}, {where}', middle)}   most p99 {most:.1f}   {ratio:.1f} of the event"
            )
    return lines


def _one_round(path: str, cores: str) -> list[float]:
    """On the core where everything is measured, or on both: the one that answers, and the client's."""
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=50, after_s=4.0, core=cores) as server:
        return _all_at_once(server, path)


def _line(name: str, delays: Sequence[float]) -> str:
    return f"settle  {name:28} p50 {median(delays):.2f} ms   p99 {_late(delays):.2f} ms   last {max(delays):.2f} ms"


def _late(delays: Sequence[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)]


async def _in_process() -> list[float]:
    """The floor: as many tasks of one process that wait for one event."""
    event, started = asyncio.Event(), asyncio.Event()
    waiting = 0

    async def wait() -> int:
        nonlocal waiting
        waiting += 1
        if waiting == WAITERS:
            started.set()
        await event.wait()
        return time.monotonic_ns()

    tasks = [asyncio.create_task(wait()) for _ in range(WAITERS)]
    await started.wait()
    settled = time.monotonic_ns()
    event.set()
    return [(instant - settled) / 1e6 for instant in await asyncio.gather(*tasks)]


async def _one_by_one(server: Server) -> list[float]:
    delays = []
    for _ in range(GENERATIONS):
        submitted = await asyncio.to_thread(_submit, server)
        answered = await _wait(server, submitted)
        delays.append(_since_settled(server, answered))
    return delays


def _all_at_once(server: Server, path: str) -> list[float]:
    """Bare sockets and one selector: a client that did more for each answer would be what is measured."""
    submitted = _submit(server)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(WAITERS):
            waiter = stack.enter_context(socket.create_connection(_address(server)))
            waiter.sendall(_question(server, submitted, path))
            selector.register(waiter, selectors.EVENT_READ)
        answered: list[int] = []
        while len(answered) < WAITERS:
            for key, _ in selector.select():
                instant = time.monotonic_ns()
                assert isinstance(key.fileobj, socket.socket)
                # A stream tells of what comes before the end as well.
                if b'"status":"completed"' in key.fileobj.recv(65_536):
                    answered.append(instant)
                    selector.unregister(key.fileobj)
    settled = _settled_at(server)
    return [(instant - settled) / 1e6 for instant in answered]


def _submit(server: Server) -> str:
    return str(server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})["id"])


async def _wait(server: Server, generation_id: str) -> int:
    """Long-poll over a bare socket; the instant at which the first byte of the answer came."""
    reader, writer = await asyncio.open_connection(*_address(server))
    writer.write(_question(server, generation_id, "?wait=30", "Connection: close\r\n"))
    first = await reader.read(12)
    instant = time.monotonic_ns()
    rest = await reader.read()
    assert first == b"HTTP/1.1 200", first
    assert b'"status":"completed"' in rest, rest
    writer.close()
    return instant


def _address(server: Server) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def _question(server: Server, generation_id: str, path: str, headers: str = "") -> bytes:
    request = f"GET /v1/generations/{generation_id}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f"{request}Authorization: Bearer {server.key}\r\n{headers}\r\n".encode()


def _since_settled(server: Server, answered: int) -> float:
    return (answered - _settled_at(server)) / 1e6


def _settled_at(server: Server) -> int:
    assert server.process.stdout is not None
    return int(server.process.stdout.readline().split()[1])
