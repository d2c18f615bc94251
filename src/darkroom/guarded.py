"""The one HTTP client for URLs that callers give: it goes to public addresses only, takes little, and not for long."""

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

MEBIBYTE = 1 << 20
ANSWER_LIMIT_BYTES = 64 << 10
CHUNK_BYTES = 256 << 10
REDIRECT_LIMIT = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

SPECIAL = (
    # This machine, its neighbours, and carrier-grade NAT, where some clouds answer for their metadata.
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 "
    # It looks public, and is Azure's inner wire server.
    "168.63.129.16/32 "
    # Protocol assignments, documentation, benchmarking, multicast, reserved.
    "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    # Teredo and its siblings, documentation twice, and 6to4: any IPv4 address hides in it.
    "2001::/23 2001:db8::/32 3fff::/20 2002::/16"
)
NOT_PUBLIC = tuple(ip_network(network) for network in SPECIAL.split())
# Written by hand: what `ipaddress` calls global changes with Python's patch releases.
GLOBAL_UNICAST = ip_network("2000::/3")
# Outside it lie loopback, ULA, link-local, multicast, and NAT64, IPv4-mapped and IPv4-compatible addresses.
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
LOOKS_NUMERIC = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")
"""How 127.1, 0x7f000001 and 017700000001 look, which some resolvers take for addresses."""


class Refused(Exception):
    """A URL that we do not follow. `reason` goes on from the name of its field, and may be shown to the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(Refused):
    """A URL that we followed in vain: no answer, too late, or not the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Limits:
    size_bytes: int = 100 * MEBIBYTE
    seconds: float = 30


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answered:
    """How a post was answered; `retry_after` as the header said it, empty where it did not."""

    status: int
    retry_after: str = ""


class Resolver(Protocol):
    async def resolve(self, host: str, port: int) -> list[str]:
        """The IP addresses of a host name; raises `OSError`."""
        ...


class SystemResolver:
    """Each look-up in a thread of its own that nobody waits for: the loop's are few and joined at the end, so that one
    silent name server would hold up every other name, and the process when it is told to stop."""

    async def resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def tell(act: Callable[[Any], None], value: object) -> None:
            # The loop may be gone by now, and whoever asked as well.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: None if answer.done() else act(value))

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                tell(answer.set_exception, error if isinstance(error, OSError) else OSError("not a host name"))
            else:
                tell(answer.set_result, [str(address[0]) for *_, address in found])

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        return await answer


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    return not any(address in network for network in NOT_PUBLIC)


class Gate:
    """What may be connected to. With `allow_loopback` the machine's own loopback addresses too, and nothing else."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback

    def check_url(self, url: URL) -> None:
        if url.scheme not in ("http", "https"):
            raise Refused("must start with http:// or https://")
        # A percent sign is a disguised letter, or an IPv6 zone, which means something on this machine only.
        if url.raw_host is None or "%" in url.raw_host:
            raise Refused("must name a host")
        if url.raw_user is not None or url.raw_password is not None:
            raise Refused("must not carry a user name or password")
        # Below 1024 live mail, shells and databases, which can be talked to in HTTP by mistake.
        if url.port is None or url.port == 0 or (url.port < 1024 and url.port not in (80, 443)):
            raise Refused("must use port 80, port 443, or one from 1024 up")
        try:
            address = ip_address(url.raw_host)
        except ValueError:
            self._check_name(url.raw_host)
        else:
            self.check_address(address)

    def _check_name(self, name: str) -> None:
        if LOOKS_NUMERIC.fullmatch(name):
            raise Refused("must write its address as four decimal numbers")
        if HOST_NAME.fullmatch(name) is None:
            raise Refused("must name a host")
        # Its address would be refused as well; this way the caller hears of it at submit.
        if not self._allow_loopback and re.fullmatch(r"(.*\.)?localhost\.?", name):
            raise Refused("must be reachable from the public internet")

    def check_address(self, address: IPv4Address | IPv6Address) -> None:
        if self._allow_loopback and any(address in network for network in LOOPBACK):
            return
        if not is_public(address):
            raise Refused("must be reachable from the public internet")


class GatedResolver(AbstractResolver):
    """Hands aiohttp addresses that were checked, to connect to as they are: a second look-up could answer otherwise."""

    def __init__(self, resolver: Resolver, gate: Gate) -> None:
        self._resolver = resolver
        self._gate = gate

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = [ip_address(text) for text in await self._resolver.resolve(host, port)]
        if not addresses:
            raise OSError("no address")
        for address in addresses:
            self._gate.check_address(address)
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        pass


class GuardedClient:
    def __init__(
        self, *, allow_loopback: bool = False, resolver: Resolver | None = None, user_agent: str = "Darkroom"
    ) -> None:
        self._gate = Gate(allow_loopback=allow_loopback)
        self._resolver = GatedResolver(resolver or SystemResolver(), self._gate)
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            # Every request looks up its host anew and is checked anew: nothing is reused.
            connector=aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False, force_close=True, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def check(self, url: str) -> None:
        """Refuse what can be refused without the network; raises `Refused`."""
        self._gate.check_url(_parse(url))

    async def download(self, url: str, target: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        """Write what the URL answers to a file; raises `Refused`, and leaves no part of a file then."""
        async with _within(limits.seconds), self._follow(_parse(url)) as response:
            if response.status != 200:
                raise Unreachable(f"answered {response.status}")
            # A few compressed bytes can become gigabytes. We asked for none.
            if response.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
                raise Refused("answered with compressed bytes")
            await save(response, target, limit_bytes=limits.size_bytes)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], seconds: float = 15) -> Answered:
        """How the answer began, redirects included; raises `Refused`."""
        answered = None
        try:
            async with _within(seconds), self._request("POST", _parse(url), body, headers) as response:
                answered = Answered(response.status, response.headers.get("Retry-After", ""))
                await _drain(response)
        except Unreachable:
            # The status is the verdict; what broke off after it does not change it.
            if answered is None:
                raise
        assert answered is not None
        return answered

    @asynccontextmanager
    async def _follow(self, url: URL) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(1 + REDIRECT_LIMIT):
            async with self._request("GET", url) as response:
                if response.status not in REDIRECTS or "Location" not in response.headers:
                    yield response
                    return
                url = response.url.join(_parse(response.headers["Location"]))
        raise Refused(f"redirects more than {REDIRECT_LIMIT} times")

    def _request(
        self, method: str, url: URL, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None, "open() first"
        # aiohttp asks no resolver about a literal address, so every hop comes by here.
        self._gate.check_url(url)
        return self._session.request(method, url, data=body, headers=headers, allow_redirects=False)


def host_of(url: str) -> str:
    try:
        return URL(url).host or ""
    except ValueError:
        return ""


def _parse(url: str) -> URL:
    """By the parser that aiohttp connects with: two parsers could read two hosts."""
    try:
        return URL(url)
    except ValueError as error:
        raise Refused("must be a URL") from error


def _result(host: str, port: int, address: IPv4Address | IPv6Address) -> ResolveResult:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=str(address), port=port, family=family, proto=0, flags=flags)


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """A limit of time, and what can go wrong on the network in words that tell nothing of ours."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unreachable(f"took longer than {seconds:g} s") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise Unreachable("names a host that was not found") from error
    except aiohttp.ClientSSLError as error:
        raise Unreachable("has no TLS certificate that we can verify") from error
    except aiohttp.ClientConnectorError as error:
        raise Unreachable("did not accept the connection") from error
    except aiohttp.ClientError as error:
        raise Unreachable("broke off the connection") from error


async def save(response: aiohttp.ClientResponse, target: Path, *, limit_bytes: int) -> None:
    """Write a body to a file as it comes; raises `Refused`, and leaves no part of a file then."""
    # What the header says spares us the rest; what comes is counted all the same.
    size_bytes = response.content_length or 0
    with _whole(target) as file:
        received_bytes = 0
        while max(size_bytes, received_bytes) <= limit_bytes:
            chunk = await response.content.read(CHUNK_BYTES)
            if not chunk:
                return
            received_bytes += len(chunk)
            await asyncio.to_thread(file.write, chunk)
        raise Refused(f"is larger than {limit_bytes} bytes")


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A file that is gone again unless it was written to its end: nobody shall take a part for the whole."""
    try:
        with target.open("wb") as file:
            yield file
    except BaseException:
        target.unlink(missing_ok=True)
        raise


async def _drain(response: aiohttp.ClientResponse) -> None:
    left = ANSWER_LIMIT_BYTES
    while left > 0 and (chunk := await response.content.read(left)):
        left -= len(chunk)
