"""What the client for upstreams says of a call: not sent, answered, or lost. Real sockets, byte by byte."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.guarded import Refused
from darkroom.providers.client import Answer, Exchange, Lost, NotSent, Request, UpstreamClient
from tests.guarded.server import Seen, never_ending, pouring, serving
from tests.harness import free_port

Answering = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


def saying(*parts: bytes) -> Answering:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


def call(answering: Answering, *, limit_s: float = 60.0, is_paid: bool = True, **request: object) -> Answer:
    async def run() -> Answer:
        client = UpstreamClient(answer_bytes=1000)
        await client.open()
        try:
            async with serving(answering) as server:
                wanted = Request(method="POST", url=server.url(), limit_s=limit_s, is_paid=is_paid, **request)  # type: ignore[arg-type]
                return await client.call(wanted)
        finally:
            await client.close()

    return asyncio.run(run())


def download(answering: Answering, target: Path, *, limit_s: float = 5.0) -> None:
    """At most 50 bytes."""

    async def run() -> None:
        client = UpstreamClient()
        await client.open()
        try:
            async with serving(answering) as server:
                await client.download(Request(method="GET", url=server.url(), limit_s=limit_s), target, limit_bytes=50)
        finally:
            await client.close()

    asyncio.run(run())


def test_an_answer_is_read_as_what_it_is() -> None:
    json = call(saying(b'HTTP/1.1 202 OK\r\nContent-Length: 10\r\nX-Told: Yes\r\n\r\n{"id": 12}'), body={"a": 1})
    assert (json.status, json.value, json.headers["x-told"], json.is_fine) == (202, {"id": 12}, "Yes", True)
    text = call(saying(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nsorry"))
    assert (text.status, text.value, text.is_fine) == (500, "sorry", False)
    media = call(saying(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 3\r\n\r\nID3"))
    assert (media.value, media.body) == (None, b"ID3")


@pytest.mark.parametrize(
    "answering",
    [
        saying(),
        saying(b"HTTP/1.1 200 OK\r\nContent-Le"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", b"x" * 2000),
        saying(b"this is no HTTP at all\r\n\r\n"),
    ],
    ids=["nothing", "half a header", "half a body", "half a chunk", "too large", "not HTTP"],
)
def test_what_came_back_in_part_is_lost(answering: Answering) -> None:
    with pytest.raises(Lost):
        call(answering, body={"a": 1})


def test_an_answer_that_is_late_is_lost() -> None:
    async def never(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await seen.rest.read()

    with pytest.raises(Lost, match="no answer within"):
        call(never, limit_s=0.05, body={"a": 1})


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-A: b\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"],
    ids=["in the status", "in the headers", "in the body"],
)
def test_an_answer_that_stops_is_lost_in_the_end(beginning: bytes, tmp_path: Path) -> None:
    with pytest.raises(Lost, match="no answer within"):
        call(never_ending(beginning), limit_s=0.2, body={"a": 1})
    with pytest.raises(Lost, match="it was not whole within"):
        download(never_ending(beginning), tmp_path / "file", limit_s=0.2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [b"X-A: b\r\n", b"X-A: " + b"b" * 65536, b"HTTP/1.1 103 Early\r\nLink: </>\r\n\r\nHTTP/1.1 200 OK\r\n"],
    ids=["many headers", "one endless header", "many early hints"],
)
def test_headers_without_an_end_are_no_answer(line: bytes) -> None:
    with pytest.raises(Lost):
        call(pouring(b"HTTP/1.1 200 OK\r\n", line), limit_s=2.0, body={"a": 1})


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://nobody.invalid/", "https://127.0.0.1:{port}/"])
def test_where_no_connection_stands_nothing_is_sent(url: str) -> None:
    async def run() -> None:
        client = UpstreamClient()
        await client.open()
        try:
            with pytest.raises(NotSent):
                await client.call(Request(method="POST", url=url.format(port=free_port()), body={}))
        finally:
            await client.close()

    asyncio.run(run())


def test_a_paid_call_goes_out_on_a_connection_of_its_own() -> None:
    """One that is kept may be closed by the upstream just when it is used again, and nobody knows what it read."""
    ports = []

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def run() -> None:
        client = UpstreamClient()
        await client.open()
        try:
            async with serving(answer) as server:
                for _ in range(3):
                    await client.call(Request(method="POST", url=server.url(), body={}, is_paid=True))
        finally:
            await client.close()

    asyncio.run(run())
    assert len(set(ports)) == 3


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    answer = call(saying(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), body={})
    assert (answer.status, answer.is_fine) == (307, False)


def test_whoever_watches_sees_each_exchange() -> None:
    seen: list[Exchange] = []

    async def run() -> None:
        client = UpstreamClient(watch=seen.append)
        await client.open()
        try:
            async with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server:
                await client.call(Request(method="GET", url=server.url("/a"), query={"q": "1"}))
            with pytest.raises(NotSent):
                await client.call(Request(method="GET", url=server.url("/b")))
        finally:
            await client.close()

    asyncio.run(run())
    assert [(each.answer.status if each.answer else None, bool(each.trouble)) for each in seen] == [
        (200, False),
        (None, True),
    ]


@pytest.mark.parametrize(
    ("answering", "error"),
    [
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"), Lost),
        (saying(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), Lost),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), Refused),
        (
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n"),
            Refused,
        ),
    ],
    ids=["cut", "not found", "says that it is too large", "is too large"],
)
def test_a_download_in_vain_leaves_no_part_of_a_file(
    answering: Answering, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        download(answering, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
