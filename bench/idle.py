"""What it costs the server that ten thousand callers wait: its memory with them, less its memory without them.

Beside it a bare long-poll in the same HTTP server: an application of one wait for an event, and nothing else.
"""

import contextlib
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.processes import SERVED, Server, darkroom, free_port, started, until_listening

WAITERS = 10_000
SETTLED_S = 1.0
"""After the last answer the memory is let come to rest."""


def run() -> list[str]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    bare, bare_stream = _bare("/"), _bare("/stream")
    return [
        f"idle    {f'{WAITERS:,} bare long-polls':28} {bare / 1024:5.1f} KiB each",
        f"idle    {f'{WAITERS:,} bare streams':28} {bare_stream / 1024:5.1f} KiB each",
        _measure("long-polls on one", bare, is_stream=False, generations=1),
        _measure("long-polls on many", bare, is_stream=False, generations=1_000),
        _measure("streams on one", bare_stream, is_stream=True, generations=1),
        _measure("streams on many", bare_stream, is_stream=True, generations=1_000),
    ]


def _bare(path: str) -> float:
    port = free_port()
    with (
        started(["taskset", "-c", SERVED, sys.executable, "-m", "bench.bare_wait", str(port)]) as process,
        contextlib.ExitStack() as stack,
    ):
        until_listening(port)
        server = Server(process, f"http://127.0.0.1:{port}", "none")

        def wait(_: int) -> None:
            _ask(server, path, stack)

        return _each(server, wait, lambda count: _until(server, "/waiters", b"%d waiters" % count))


def _measure(name: str, bare: float, *, is_stream: bool, generations: int) -> str:
    with (
        tempfile.TemporaryDirectory() as data,
        darkroom(Path(data), slots=0) as server,
        contextlib.ExitStack() as stack,
    ):
        ids = [_submit(server) for _ in range(generations)]

        def wait(count: int) -> None:
            path = f"/v1/generations/{ids[count % generations]}"
            waiter = _ask(server, path + ("/events" if is_stream else "?wait=60"), stack)
            if is_stream:
                # Its first events have come: it is idle now.
                assert b"200 OK" in waiter.recv(65_536)

        def until(count: int) -> None:
            _until(server, "/metrics", f'darkroom_waiters{{lane="all"}} {count}.0'.encode())

        each = _each(server, wait, until)
        return f"idle    {f'{WAITERS:,} {name}':28} {each / 1024:5.1f} KiB each   {each / bare:.2f} of a bare one"


def _each(server: Server, wait: Callable[[int], None], until: Callable[[int], None]) -> float:
    """Bytes for each who waits. What the first one makes that all others share is not what one costs."""
    wait(0)
    until(1)
    before = _memory_bytes(server)
    for count in range(WAITERS):
        wait(count)
    until(WAITERS + 1)
    time.sleep(SETTLED_S)
    return (_memory_bytes(server) - before) / WAITERS


def _submit(server: Server) -> str:
    return str(server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})["id"])


def _ask(server: Server, path: str, stack: contextlib.ExitStack) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    waiter = stack.enter_context(socket.create_connection((host, int(port))))
    waiter.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {server.key}\r\n\r\n".encode())
    return waiter


def _until(server: Server, path: str, told: bytes) -> None:
    while told not in server.read(path):
        time.sleep(0.05)


def _memory_bytes(server: Server) -> int:
    """Resident memory of the server's process, with everything that is in it."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("the kernel does not tell the server's memory")
