"""What a download takes, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.guarded import GuardedClient, Limits, Refused, Resolver, Unreachable

from .server import Answer, ScriptedResolver, Server, answering, by_path, never_ending, pouring, serving

Scene = Callable[[GuardedClient, Server], Awaitable[None]]


def play(answer: Answer, scene: Scene, *, resolver: Resolver | None = None) -> Server:
    async def act() -> Server:
        client = GuardedClient(allow_loopback=True, resolver=resolver, user_agent="Darkroom/test")
        async with serving(answer) as server:
            await client.open()
            try:
                await scene(client, server)
            finally:
                await client.close()
        return server

    return asyncio.run(act())


def refusal(answer: Answer, target: Path, limits: Limits | None = None, *, resolver: Resolver | None = None) -> Refused:
    """How a download from `http://HOST/` is refused; no part of a file may be left of it."""
    caught: list[Refused] = []

    async def scene(client: GuardedClient, server: Server) -> None:
        with pytest.raises(Refused) as info:
            await client.download(server.url(), target, limits or Limits())
        caught.append(info.value)

    play(answer, scene, resolver=resolver)
    assert not target.exists()
    assert "127.0.0.1" not in caught[0].reason
    return caught[0]


def test_the_bytes_arrive_in_the_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096

    async def scene(client: GuardedClient, server: Server) -> None:
        await client.download(server.url("/a.png?x=1"), tmp_path / "a")

    server = play(answering(body=content), scene)
    assert (tmp_path / "a").read_bytes() == content
    assert server.paths == ["/a.png?x=1"]
    assert server.seen[0].headers["user-agent"] == "Darkroom/test"
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_the_system_resolves_names_where_nothing_else_does(tmp_path: Path) -> None:
    async def scene(client: GuardedClient, server: Server) -> None:
        await client.download(server.url(host="localhost"), tmp_path / "a")

    play(answering(body=b"here"), scene)
    assert (tmp_path / "a").read_bytes() == b"here"


def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")

    async def scene(client: GuardedClient, server: Server) -> None:
        await client.download(server.url(), tmp_path / "a")

    play(answering(body=b"direct"), scene)
    assert (tmp_path / "a").read_bytes() == b"direct"


def test_redirects_are_followed_without_cookies(tmp_path: Path) -> None:
    async def scene(client: GuardedClient, server: Server) -> None:
        # aiohttp keeps no cookies of bare addresses, whatever it is told.
        await client.download(server.url("/old/a", host="media.example"), tmp_path / "a")

    twice = ScriptedResolver(["127.0.0.1"], ["127.0.0.1"])
    moved = answering(302, Location="../new/a?x=1", Set_Cookie="session=1; Path=/")
    server = play(by_path({"/old/a": moved, "/new/a?x=1": answering(body=b"moved")}), scene, resolver=twice)
    assert (tmp_path / "a").read_bytes() == b"moved"
    assert server.paths == ["/old/a", "/new/a?x=1"]
    assert "cookie" not in server.seen[1].headers


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.1/",
        "//192.168.0.1/a",
        "file:///etc/passwd",
        "http://user:word@127.0.0.1/",
        "http://[::1",
    ],
)
def test_a_redirect_to_where_we_do_not_go_is_refused(location: str, tmp_path: Path) -> None:
    assert type(refusal(answering(302, Location=location), tmp_path / "a")) is Refused


def test_a_redirect_to_a_name_with_a_private_address_is_refused(tmp_path: Path) -> None:
    resolver = ScriptedResolver(["10.0.0.1"])
    refused = refusal(answering(307, Location="http://inner.example/"), tmp_path / "a", resolver=resolver)
    assert refused.reason == "must be reachable from the public internet"
    assert resolver.asked == ["inner.example"]


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_five_redirects_are_enough(hops: int, arrives: bool, tmp_path: Path) -> None:
    answers = {f"/{hop}": answering(301, Location=f"/{hop - 1}") for hop in range(1, hops + 1)}

    async def scene(client: GuardedClient, server: Server) -> None:
        if arrives:
            await client.download(server.url(f"/{hops}"), tmp_path / "a")
        else:
            with pytest.raises(Refused, match="redirects more than 5 times"):
                await client.download(server.url(f"/{hops}"), tmp_path / "a")

    server = play(by_path({**answers, "/0": answering(body=b"end")}), scene)
    assert (tmp_path / "a").exists() is arrives
    assert len(server.seen) == 6


def test_a_name_is_looked_up_once_for_each_connection_and_checked_each_time(tmp_path: Path) -> None:
    """DNS rebinding: the second answer must neither be used for the first connection nor pass unchecked."""
    resolver = ScriptedResolver(["127.0.0.1"], ["10.0.0.1"])

    async def scene(client: GuardedClient, server: Server) -> None:
        url = server.url(host="rebinding.example")
        await client.download(url, tmp_path / "first")
        assert resolver.asked == ["rebinding.example"]
        with pytest.raises(Refused, match="public internet"):
            await client.download(url, tmp_path / "second")

    server = play(answering(body=b"first"), scene, resolver=resolver)
    assert (tmp_path / "first").read_bytes() == b"first"
    assert [seen.headers["host"] for seen in server.seen] == [f"rebinding.example:{server.port}"]


@pytest.mark.parametrize(("size_bytes", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("is_told", [True, False], ids=["by the header", "by counting"])
def test_a_file_may_be_as_large_as_the_limit(size_bytes: int, fits: bool, is_told: bool, tmp_path: Path) -> None:
    chunked = f"{size_bytes:x}\r\n".encode() + bytes(size_bytes) + b"\r\n0\r\n\r\n"
    told = answering(body=bytes(size_bytes))
    answer = told if is_told else answering(body=chunked, Transfer_Encoding="chunked")
    if not fits:
        assert refusal(answer, tmp_path / "a", Limits(size_bytes=1000)).reason == "is larger than 1000 bytes"
        return

    async def scene(client: GuardedClient, server: Server) -> None:
        await client.download(server.url(), tmp_path / "a", Limits(size_bytes=1000))

    play(answer, scene)
    assert (tmp_path / "a").stat().st_size == size_bytes


def test_a_told_size_above_the_limit_is_believed_at_once(tmp_path: Path) -> None:
    silent = never_ending(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
    assert refusal(silent, tmp_path / "a", Limits(size_bytes=1000)).reason == "is larger than 1000 bytes"


def test_a_stream_without_end_stops_at_the_limit(tmp_path: Path) -> None:
    flood = pouring(b"HTTP/1.1 200 OK\r\n\r\n")
    assert refusal(flood, tmp_path / "a", Limits(size_bytes=1 << 20)).reason == "is larger than 1048576 bytes"


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\nX-Begun: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun"],
    ids=["no answer", "half a header", "half a body"],
)
def test_an_answer_without_end_runs_into_the_time_limit(beginning: bytes, tmp_path: Path) -> None:
    refused = refusal(never_ending(beginning), tmp_path / "a", Limits(seconds=0.1))
    assert isinstance(refused, Unreachable)
    assert refused.reason == "took longer than 0.1 s"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering(404), "answered 404"),
        (answering(302), "answered 302"),
        (answering(204), "answered 204"),
        (answering(body=b"\x1f\x8b", Content_Encoding="gzip"), "answered with compressed bytes"),
        (answering(body=b"begun", Content_Length="9"), "broke off the connection"),
        (pouring(b"no HTTP at all\r\n\r\n"), "broke off the connection"),
    ],
)
def test_any_other_answer_is_refused_with_a_reason(answer: Answer, reason: str, tmp_path: Path) -> None:
    assert refusal(answer, tmp_path / "a").reason == reason


def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    async def scene(client: GuardedClient, server: Server) -> None:
        for resolver_answer in ("unknown", "empty"):
            with pytest.raises(Unreachable, match="names a host that was not found"):
                await client.download(f"http://{resolver_answer}.example/", tmp_path / "a")

    play(answering(), scene, resolver=ScriptedResolver([]))


def test_a_closed_door_is_told(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(answering()) as server:
            url = server.url()
        client = GuardedClient(allow_loopback=True)
        await client.open()
        with pytest.raises(Unreachable, match="did not accept the connection"):
            await client.download(url, tmp_path / "a")
        await client.close()

    asyncio.run(act())
