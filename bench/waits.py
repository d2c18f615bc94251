"""From the commit of a settlement to the answer of the long-polls that wait for it."""

import asyncio
import contextlib
import selectors
import socket
import tempfile
import time
from pathlib import Path

from bench.processes import Server, darkroom

GENERATIONS = 200
WAITERS = 1000


def run() -> list[str]:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=50, after_s=0.05) as server:
        delays = sorted(asyncio.run(_one_by_one(server)))
        middle, late = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
        lines = [f"settle  {'one waiter':22} p50 {middle:.2f} ms   p99 {late:.2f} ms   ({GENERATIONS} generations)"]
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=50, after_s=6.0) as server:
        delays = sorted(_all_at_once(server))
        middle = delays[len(delays) // 2]
        lines.append(f"settle  {f'{WAITERS} on one generation':22} p50 {middle:.1f} ms   last {delays[-1]:.1f} ms")
    return lines


async def _one_by_one(server: Server) -> list[float]:
    delays = []
    for _ in range(GENERATIONS):
        submitted = await asyncio.to_thread(_submit, server)
        answered = await _wait(server, submitted)
        delays.append(_since_settled(server, answered))
    return delays


def _all_at_once(server: Server) -> list[float]:
    """Bare sockets and one selector: a client that did more for each answer would be what is measured."""
    submitted = _submit(server)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(WAITERS):
            waiter = stack.enter_context(socket.create_connection(_address(server)))
            waiter.sendall(_question(server, submitted))
            selector.register(waiter, selectors.EVENT_READ)
        answered: list[tuple[int, bytes]] = []
        while len(answered) < WAITERS:
            for key, _ in selector.select():
                instant = time.monotonic_ns()
                assert isinstance(key.fileobj, socket.socket)
                answer = key.fileobj.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 200"), answer
                answered.append((instant, answer))
                selector.unregister(key.fileobj)
    assert all(b'"status":"completed"' in answer for _, answer in answered)
    settled = _settled_at(server)
    return [(instant - settled) / 1e6 for instant, _ in answered]


def _submit(server: Server) -> str:
    return str(server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})["id"])


async def _wait(server: Server, generation_id: str) -> int:
    """Long-poll over a bare socket; the instant at which the first byte of the answer came."""
    reader, writer = await asyncio.open_connection(*_address(server))
    writer.write(_question(server, generation_id, "Connection: close\r\n"))
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


def _question(server: Server, generation_id: str, headers: str = "") -> bytes:
    request = f"GET /v1/generations/{generation_id}?wait=30 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f"{request}Authorization: Bearer {server.key}\r\n{headers}\r\n".encode()


def _since_settled(server: Server, answered: int) -> float:
    return (answered - _settled_at(server)) / 1e6


def _settled_at(server: Server) -> int:
    assert server.process.stdout is not None
    return int(server.process.stdout.readline().split()[1])
