"""What a post sends, and what of the answer counts."""

import asyncio

import pytest

from darkroom.guarded import GuardedClient, Refused, Unreachable

from .server import Answer, ScriptedResolver, Server, answering, hang_up, never_ending, pouring, serving


async def exchange(answer: Answer, *, seconds: float = 15) -> tuple[int, Server]:
    client = GuardedClient(allow_loopback=True)
    async with serving(answer) as server:
        await client.open()
        try:
            url = server.url("/hook?token=1")
            answered = await client.post(url, body=b'{"a":1}', headers={"X-Id": "d1"}, seconds=seconds)
            return answered.status, server
        finally:
            await client.close()


def post(answer: Answer, *, seconds: float = 15) -> tuple[int, Server]:
    return asyncio.run(exchange(answer, seconds=seconds))


def test_body_and_headers_go_out_as_they_are() -> None:
    status, server = post(answering(202, body=b"thanks"))
    assert status == 202
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/hook?token=1", b'{"a":1}')
    assert seen.headers["x-id"] == "d1"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(status: int) -> None:
    answered, server = post(answering(status, Location="/elsewhere"))
    assert answered == status
    assert server.paths == ["/hook?token=1"]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (pouring(b"HTTP/1.1 200 OK\r\n\r\n"), None),
        (never_ending(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun"), 0.1),
        (answering(body=b"begun", Content_Length="9"), None),
    ],
    ids=["far too much", "without end", "broken off"],
)
def test_only_the_status_counts(answer: Answer, seconds: float | None) -> None:
    """Too much of an answer is left unread, long before any time limit."""

    async def in_time() -> int:
        async with asyncio.timeout(5):
            return (await exchange(answer, seconds=seconds or 60))[0]

    assert asyncio.run(in_time()) == 200


def test_no_status_in_time_is_no_answer() -> None:
    with pytest.raises(Unreachable, match=r"took longer than 0\.1 s"):
        post(never_ending(b""), seconds=0.1)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://inner.example/", "ftp://media.example/"])
def test_a_post_goes_where_a_download_may_go(url: str) -> None:
    async def act() -> None:
        client = GuardedClient(allow_loopback=True, resolver=ScriptedResolver(["192.168.0.1"]))
        await client.open()
        try:
            await client.post(url, body=b"", headers={})
        finally:
            await client.close()

    with pytest.raises(Refused):
        asyncio.run(act())


def test_tls_asks_for_the_name_and_not_for_the_address() -> None:
    hello: list[bytes] = []
    done = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.append(await reader.read(4096))
        await hang_up(writer)
        done.set()

    async def act() -> None:
        client = GuardedClient(allow_loopback=True, resolver=ScriptedResolver(["127.0.0.1"]))
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            await client.open()
            with pytest.raises(Unreachable):
                await client.post(f"https://hooks.example:{port}/", body=b"secret", headers={})
            await client.close()
            await done.wait()

    asyncio.run(act())
    assert b"hooks.example" in hello[0]
    assert b"secret" not in hello[0]
