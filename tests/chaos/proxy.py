"""Stands between two parties and cuts what goes on between them, whenever it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 65_536

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def over_tcp(host: str, port: int) -> Connect:
    return lambda: asyncio.open_connection(host, port)


def over_a_socket(path: Path) -> Connect:
    return lambda: asyncio.open_unix_connection(path)


class Proxy:
    """Bytes both ways, until either side has enough or everything is cut."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._live: set[asyncio.StreamWriter] = set()
        self.cuts = 0

    def cut(self) -> None:
        """Reset every connection there is, in the middle of whatever is said on it."""
        self.cuts += len(self._live) // 2
        for writer in self._live:
            writer.transport.abort()

    @asynccontextmanager
    async def on_a_port(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield int(server.sockets[0].getsockname()[1])
            self.cut()

    @asynccontextmanager
    async def on_a_socket(self, path: Path) -> AsyncIterator[Path]:
        async with await asyncio.start_unix_server(self._serve, path):
            yield path
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there_writer}
        self._live |= both
        ways = [asyncio.ensure_future(_pass(*way)) for way in ((reader, there_writer), (there_reader, writer))]
        try:
            # What either side is told, the other is told as well: that it is over, or that it was cut off.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live -= both
            for way in ways:
                way.cancel()
            for each in both:
                each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(CHUNK_BYTES):
            writer.write(content)
            await writer.drain()
