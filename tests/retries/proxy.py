"""Stands between a client and the server, and cuts the first connection where it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum


class Cut(StrEnum):
    BEFORE = "before the answer"
    DURING = "in the middle of the answer"
    AFTER = "after the answer"


@asynccontextmanager
async def cutting(
    url: str, cut: Cut, *, received: Callable[[], Awaitable[object]], noticed: Callable[[], Awaitable[object]]
) -> AsyncIterator[str]:
    """The proxy's own URL. It reads a request whole, hands it on, and cuts both sides; later ones pass. A cut before
    the answer waits until the server has `received` the request, and tells the client once the server has `noticed`."""
    host, port = url.removeprefix("http://").split(":")
    is_cut = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal is_cut
        request = await _message(reader)
        if not request:
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        up_writer.write(request)
        await up_writer.drain()
        if not is_cut and cut is Cut.BEFORE:
            is_cut = True
            await received()
            up_writer.transport.abort()
            await noticed()
        else:
            is_during = not is_cut and cut is Cut.DURING
            is_cut = True
            # As much of it as has come so far, and no more; else all of it.
            answer = await up_reader.read(100_000) if is_during else await _message(up_reader)
            if is_during:
                up_writer.transport.abort()
                await noticed()
            writer.write(answer[: len(answer) - 20] if is_during else answer)
            await writer.drain()
            up_writer.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, to its last byte."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.decode("latin-1").lower().split("\r\n"):
        if line.startswith("content-length:"):
            length = int(line.partition(":")[2])
    return head + (await reader.readexactly(length) if length else b"")
