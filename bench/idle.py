"""What it costs the server that ten thousand callers wait: its memory with them, less its memory without them."""

import contextlib
import resource
import socket
import tempfile
import time
from pathlib import Path

from bench.processes import Server, darkroom

WAITERS = 10_000
SETTLED_S = 1.0
"""After the last answer the memory is let come to rest."""


def run() -> list[str]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return [
        _measure("long-polls on one", is_stream=False, generations=1),
        _measure("long-polls on many", is_stream=False, generations=1_000),
        _measure("streams on one", is_stream=True, generations=1),
        _measure("streams on many", is_stream=True, generations=1_000),
    ]


def _measure(name: str, *, is_stream: bool, generations: int) -> str:
    with (
        tempfile.TemporaryDirectory() as data,
        darkroom(Path(data), slots=0) as server,
        contextlib.ExitStack() as stack,
    ):
        ids = [_submit(server) for _ in range(generations)]
        # What the first one makes that all others share is not what one costs.
        _wait(server, ids[0], stack, is_stream=is_stream)
        _until_waiting(server, 1)
        before = _memory_bytes(server)
        for count in range(WAITERS):
            _wait(server, ids[count % generations], stack, is_stream=is_stream)
        _until_waiting(server, WAITERS + 1)
        time.sleep(SETTLED_S)
        each = (_memory_bytes(server) - before) / WAITERS
        return f"idle    {f'{WAITERS:,} {name}':28} {each / 1024:5.1f} KiB each"


def _submit(server: Server) -> str:
    return str(server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})["id"])


def _wait(server: Server, generation_id: str, stack: contextlib.ExitStack, *, is_stream: bool) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    waiter = stack.enter_context(socket.create_connection((host, int(port))))
    path = f"/v1/generations/{generation_id}" + ("/events" if is_stream else "?wait=60")
    waiter.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode())
    if is_stream:
        # Its first events have come: it is idle now.
        assert b"200 OK" in waiter.recv(65_536)


def _until_waiting(server: Server, count: int) -> None:
    told = f'darkroom_waiters{{lane="all"}} {count}.0'.encode()
    while told not in server.read("/metrics"):
        time.sleep(0.05)


def _memory_bytes(server: Server) -> int:
    """Resident memory of the server's process, with everything that is in it."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("the kernel does not tell the server's memory")
