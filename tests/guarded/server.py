"""Real HTTP servers on this machine that answer byte by byte as a test says, and a resolver with a script."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    """A request as it came in. Header names are lower case. `rest` ends when the client hangs up."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    rest: asyncio.StreamReader


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    port: int
    seen: list[Seen] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            seen = await _read(reader)
            server.seen.append(seen)
            await answer(seen, writer)
        await hang_up(writer)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    server = Server(port=listener.sockets[0].getsockname()[1])
    async with listener:
        try:
            yield server
        finally:
            await asyncio.gather(*handlers)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, path, headers, body, reader)


def answering(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """Underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Status"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    content = "\r\n".join([*lines, "", ""]).encode() + body

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return answer


def by_path(answers: dict[str, Answer]) -> Answer:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await answers[seen.path](seen, writer)

    return answer


def never_ending(beginning: bytes) -> Answer:
    """Says how it begins, then says nothing until the client has hung up."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        await writer.drain()
        await seen.rest.read()

    return answer


def pouring(beginning: bytes, more: bytes = b"x" * 65536) -> Answer:
    """Never stops sending, as fast as the client takes it, until the client has hung up."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()

    return answer


class ScriptedResolver:
    """Gives one answer after the other, and knows what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if not self._answers:
            raise OSError("no such name")
        return list(self._answers.pop(0))
