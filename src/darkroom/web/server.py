"""Serves the application over HTTP in this process, until it is told to stop."""

import asyncio
import gc
import resource
from collections.abc import Awaitable, Callable

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

SPARE_FILES = 256
"""File descriptors that are not for callers: the database, assets, renderers, upstreams."""


def spare_the_collector() -> None:
    """What is there by now, the catalogue and the code, stays for good: it need not be walked again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def raise_file_limit() -> int:
    """Take as many file descriptors as the system gives; returns their number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 1_048_576)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted


class HttpServer:
    def __init__(self, application: Callable[..., Awaitable[None]], *, host: str, port: int) -> None:
        files = raise_file_limit()
        self._server = Server(
            application,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=4096,
            # It counts idle keep-alive connections too: at the default of 1024 the next request would hang.
            backpressure=max(files - SPARE_FILES, 128),
            log_enabled=False,
        )
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Raises `OSError` where the address is taken."""
        spare_the_collector()
        self._serving = asyncio.create_task(self._server.serve())

    async def wait(self) -> None:
        """Returns when the server has stopped by itself."""
        assert self._serving is not None
        await asyncio.shield(self._serving)

    async def close(self) -> None:
        """Let open requests end; they must: a long-poll that nobody ends would hold this up."""
        if self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call]
            await self._serving
