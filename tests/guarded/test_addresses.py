"""Which URLs and which addresses are let through."""

import asyncio
from pathlib import Path

import pytest

from darkroom.guarded import GuardedClient, Refused

from .server import ScriptedResolver

SPECIAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]


def literal(address: str) -> str:
    return f"http://[{address}]/a.png" if ":" in address else f"http://{address}/a.png"


def download(client: GuardedClient, url: str, target: Path) -> None:
    async def act() -> None:
        await client.open()
        try:
            await client.download(url, target)
        finally:
            await client.close()

    asyncio.run(act())


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_in_the_url_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="public internet"):
        GuardedClient().check(literal(address))


@pytest.mark.parametrize("address", SPECIAL)
def test_a_name_that_resolves_to_a_special_address_is_refused(address: str, tmp_path: Path) -> None:
    client = GuardedClient(resolver=ScriptedResolver([address]))
    with pytest.raises(Refused, match="public internet"):
        download(client, "http://media.example/a.png", tmp_path / "a")


def test_one_special_address_among_public_ones_is_refused(tmp_path: Path) -> None:
    client = GuardedClient(resolver=ScriptedResolver(["8.8.8.8", "192.168.0.1"]))
    with pytest.raises(Refused, match="public internet"):
        download(client, "http://media.example/a.png", tmp_path / "a")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    GuardedClient().check(literal(address))


@pytest.mark.parametrize("address", [a for a in SPECIAL if a != "::1" and not a.startswith("127.")])
def test_allowing_loopback_allows_nothing_else(address: str) -> None:
    with pytest.raises(Refused):
        GuardedClient(allow_loopback=True).check(literal(address))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://127.9.9.9/", "http://[::1]:8000/", "http://localhost/"]
)
def test_loopback_passes_where_it_is_allowed(url: str) -> None:
    GuardedClient(allow_loopback=True).check(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "0x7f.1",
        "127.0.0.1.",
        "127.1.",
        "1.2.3.4.5",
        "256.256.256.256",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "127.0.0.1%00.example",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "api.localhost",
        "[::ffff:7f00:1]",
        "[fe80::1%25eth0]",
        "[2606:4700:4700::1111%25eth0]",
        "[0:0:0:0:0:0:0:1]",
        ".",
        "..",
        "a..example",
        "a b.example",
    ],
)
def test_a_disguised_address_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        GuardedClient().check(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "media.example/a.png",
        "//media.example/a.png",
        "ftp://media.example/a.png",
        "file:///etc/passwd",
        "gopher://media.example/",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "http://",
        "http:///a.png",
        "http:media.example",
        "http://[::1",
        "http://user@media.example/",
        "http://user:word@media.example/",
        "http://:word@media.example/",
        "http://8.8.8.8\\@127.0.0.1/",
        "http://media.example:0/",
        "http://media.example:22/",
        "http://media.example:25/",
        "http://media.example:65536/",
        "http://media.example:-1/",
        "http://media.example:http/",
    ],
)
def test_what_is_no_plain_http_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        GuardedClient().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://media.example",
        "HTTPS://Media.Example/a.png?signature=a%2Fb#top",
        "https://media.example:8443/",
        "https://media.example:443/",
        "https://media.example./",
        "https://bücher.example/",
        "https://my_bucket.s3.example/my file.png",
        "https://1and1.example/",
    ],
)
def test_a_plain_http_url_passes(url: str) -> None:
    GuardedClient().check(url)
