"""The one HTTP client for upstreams: what it raises says whether a paid call may have gone out.

*Not sent*: the connection never stood, so trying again cannot pay twice. *Lost*: something went out and no whole answer
came back; that is neither a yes nor a no. Whatever was answered is an `Answer`, and what it means is the manifest's.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from darkroom.guarded import Refused, save

JSON = "application/json"
CHUNK_BYTES = 256 << 10
REDIRECTS = (301, 302, 303, 307, 308)


class NotSent(Exception):
    """Nothing has reached the upstream."""


class Lost(Exception):
    """It went out, and no whole answer came back."""


class Moved(Exception):
    """What is to be downloaded is elsewhere, at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__("it is elsewhere")
        self.url = url


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file in a form."""

    path: Path
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`body` is sent as JSON, `form` as multipart/form-data. `is_paid` puts it on a connection of its own."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, Any] | None = None
    limit_s: float = 30.0
    is_paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`headers` have lower-case names. `value` is the body read as JSON, or its text, or null for other bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    value: Any

    @property
    def is_fine(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was downloaded whole. `sha256` in hexadecimal, `media_type` as the header said it."""

    size_bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What went out and what came back, for whoever watches; `answer` is None where nothing did, and where a `file` was
    downloaded."""

    request: Request
    answer: Answer | None
    trouble: str = ""
    file: Fetched | None = None


Watch = Callable[[Exchange], None]


class UpstreamClient:
    def __init__(
        self,
        *,
        connect_s: float = 10.0,
        answer_bytes: int = 64 << 20,
        user_agent: str = "Darkroom",
        watch: Watch = lambda exchange: None,
    ) -> None:
        self._connect_s = connect_s
        self._answer_bytes = answer_bytes
        self._user_agent = user_agent
        self._watch = watch
        self._kept: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._kept = self._session(aiohttp.TCPConnector(limit=256))
        # A kept connection that the upstream closes just then takes the request with it, and nobody knows whether it
        # was read. A paid call goes out on a connection of its own.
        self._single = self._session(aiohttp.TCPConnector(limit=256, force_close=True))

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            trust_env=False,
        )

    async def close(self) -> None:
        for session in (self._kept, self._single):
            if session is not None:
                await session.close()
        self._kept = self._single = None

    async def call(self, request: Request) -> Answer:
        """Raises `NotSent` and `Lost`."""
        try:
            async with asyncio.timeout(request.limit_s):
                answer = await self._call(request)
        except TimeoutError:
            raise self._told(request, Lost(f"no answer within {request.limit_s:g} s")) from None
        except (NotSent, Lost) as error:
            raise self._told(request, error) from None
        self.tell(Exchange(request=request, answer=answer))
        return answer

    def _told(self, request: Request, error: Exception) -> Exception:
        self.tell(Exchange(request=request, answer=None, trouble=str(error)))
        return error

    def tell(self, exchange: Exchange) -> None:
        """To whoever watches; also what another client has fetched for an upstream."""
        self._watch(exchange)

    async def _call(self, request: Request) -> Answer:
        try:
            async with self._send(request) as response:
                body = await self._read(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status, headers=headers, body=body, value=value_of(headers, body))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"{type(error).__name__}: the connection did not stand") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(f"{type(error).__name__}: the connection broke") from None

    def _send(self, request: Request) -> Any:
        session = self._single if request.is_paid else self._kept
        assert session is not None, "open() first"
        try:
            url = URL(request.url).update_query(request.query) if request.query else URL(request.url)
        except ValueError:
            raise NotSent("this is no URL") from None
        return session.request(request.method, url, allow_redirects=False, **_payload(request))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        while chunk := await response.content.read(CHUNK_BYTES):
            body += chunk
            if len(body) > self._answer_bytes:
                raise Lost(f"the answer is larger than {self._answer_bytes} bytes")
        return bytes(body)

    async def download(self, request: Request, target: Path, *, limit_bytes: int) -> Fetched:
        """Write the answer to a file. Raises `NotSent`, `Lost` and `Moved`, and `Refused` for one that is too large."""
        try:
            async with asyncio.timeout(request.limit_s):
                whole = await self._download(request, target, limit_bytes=limit_bytes)
        except TimeoutError:
            raise self._told(request, Lost(f"it was not whole within {request.limit_s:g} s")) from None
        except (NotSent, Lost, Moved, Refused) as error:
            raise self._told(request, error) from None
        self.tell(Exchange(request=request, answer=None, file=whole))
        return whole

    async def _download(self, request: Request, target: Path, *, limit_bytes: int) -> Fetched:
        try:
            async with self._send(request) as response:
                if response.status in REDIRECTS and "Location" in response.headers:
                    raise _moved(response)
                if response.status != 200:
                    raise Lost(f"it answered {response.status}")
                await save(response, target, limit_bytes=limit_bytes)
                media_type = response.content_type
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise NotSent("the connection did not stand") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(f"{type(error).__name__}: the connection broke") from None
        return await fetched(target, media_type)


def _moved(response: aiohttp.ClientResponse) -> Exception:
    try:
        return Moved(str(response.url.join(URL(response.headers["Location"]))))
    except ValueError:
        return Lost("it leads to what is no URL")


async def fetched(path: Path, media_type: str) -> Fetched:
    """A file that stands on the disk, measured."""

    def measure() -> Fetched:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Fetched(size_bytes=path.stat().st_size, sha256=digest, media_type=media_type)

    return await asyncio.to_thread(measure)


def _payload(request: Request) -> dict[str, Any]:
    if request.form is not None:
        return {"data": _form(request.form), "headers": request.headers}
    if request.body is not None:
        return {"data": msgspec.json.encode(request.body), "headers": {"Content-Type": JSON, **request.headers}}
    return {"headers": request.headers}


def _form(fields: Mapping[str, Any]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, FilePart):
                form.add_field(name, item.path.open("rb"), filename=item.path.name, content_type=item.media_type)
            else:
                form.add_field(name, item if isinstance(item, str) else msgspec.json.encode(item).decode())
    return form


def value_of(headers: Mapping[str, str], body: bytes) -> Any:
    """A body read as JSON, or its text; null for anything else."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    looks_like_json = body[:1] in (b"{", b"[")
    if media_type.endswith("json") or looks_like_json:
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    if media_type.startswith("text/"):
        return body.decode("utf-8", "replace")
    return None


__all__ = [
    "Answer",
    "Exchange",
    "Fetched",
    "FilePart",
    "Lost",
    "Moved",
    "NotSent",
    "Refused",
    "Request",
    "UpstreamClient",
    "value_of",
]
