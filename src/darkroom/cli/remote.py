"""A generation at a server far away, over its native API; a watch outlives a restart of that server."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from darkroom.cli.files import reading
from darkroom.cli.patience import PATIENCE_S, Patience
from darkroom.dialects import native_bodies as bodies
from darkroom.dialects.native_assets import AssetBody, AssetList
from darkroom.dialects.native_bodies import GenerationBody, ModelBody
from darkroom.dialects.native_waiting import ProgressBody
from darkroom.errors import DarkroomError
from darkroom.generation import TERMINAL
from darkroom.ids import new_id
from darkroom.media_type import sniff

Body = TypeVar("Body")

SUBMIT_TRIES = 3

INLINE_LIMIT_BYTES = 700_000
"""A data URI of more than this is over a server's limit for a body: the file is uploaded by itself."""

INPUT_LIFE_S = 24 * 3600
"""How long what was uploaded for one generation stays an asset; the generation holds it as long as it needs it."""

SILENT_S = 40.0
"""A stream breathes every 15 s: one that has been silent for so long is cut, whatever the network says."""

AWAY = (502, 503, 504)
"""What a proxy, or a server that is stopping, answers in the middle of a restart."""


class Refused(DarkroomError):
    """A server's own words."""


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    id: str
    data: bytes


class RemoteSession:
    """A server somewhere, over its native API."""

    def __init__(self, client: aiohttp.ClientSession, url: str, key: str, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._client = client
        self._url = url.rstrip("/")
        # Not the client's own header: a result's URL may lead to another host, which the key is not for.
        self._headers = {"authorization": f"Bearer {key}"}

    async def model(self, slug: str) -> ModelBody:
        return await self._ask("GET", f"/v1/models/{slug}", ModelBody)

    async def submit(self, model: str, inputs: Mapping[str, Any]) -> GenerationBody:
        given = {name: await self._as_input(value) for name, value in inputs.items()}
        # With a key of its own: however often it is sent, it is one generation.
        key = {"idempotency-key": new_id()}
        body = {"model": model, "inputs": given}
        for _ in range(SUBMIT_TRIES - 1):
            with suppress(aiohttp.ClientError, TimeoutError):
                return await self._ask("POST", "/v1/generations", GenerationBody, body, key)
        return await self._ask("POST", "/v1/generations", GenerationBody, body, key)

    async def watch(self, id: str) -> AsyncIterator[GenerationBody | ProgressBody]:
        """Each change until the end, from the server's stream. Where that is cut it is taken up again behind the last
        event that was seen; raises `GaveUp` when the server has been away for too long."""
        last = ""
        patience = Patience(
            self._patience_s,
            f"no server has answered at {self._url} for {self._patience_s:g} s; the generation is kept there: "
            f"`darkroom wait {id}` goes on once the server is back",
        )
        while True:
            with suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                async for event in self._events(last, id):
                    patience.renew()
                    last = event.id or last
                    if not event.data:
                        continue
                    told = _read(event)
                    yield told
                    if isinstance(told, GenerationBody) and told.status in TERMINAL:
                        return
            await patience.rest()

    async def listen(self) -> AsyncIterator[tuple[str, str, bytes]]:
        """Name, id and data of each of the account's events from now on, however often the stream is cut; raises
        `GaveUp`."""
        last = ""
        patience = Patience(self._patience_s, f"no server has answered at {self._url} for {self._patience_s:g} s")
        while True:
            with suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                async for event in self._events(last):
                    patience.renew()
                    last = event.id or last
                    if event.data:
                        yield event.name, event.id, event.data
            await patience.rest()

    async def _events(self, last: str, id: str | None = None) -> AsyncIterator[_Event]:
        """One connection's events, of one generation or of the account; none where the server is on its way out or
        in."""
        headers = {**self._headers, **({"last-event-id": last} if last else {})}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENT_S)
        url = self._url + ("/v1/events" if id is None else f"/v1/generations/{id}/events")
        async with self._client.get(url, headers=headers, timeout=timeout) as answer:
            if answer.status in AWAY:
                return
            if answer.status >= 400:
                raise Refused(_refusal(await answer.read(), answer.status))
            if answer.status == 204 and id is not None:
                # It ended, and we have been told so.
                yield _Event("", "", msgspec.json.encode(await self.get(id)))
                return
            buffer = b""
            # Not by lines: aiohttp refuses those that are longer than its buffer.
            async for chunk in answer.content.iter_any():
                *blocks, buffer = (buffer + chunk).split(b"\n\n")
                for block in blocks:
                    yield _parse(block)

    async def get(self, id: str) -> GenerationBody:
        return await self._ask("GET", f"/v1/generations/{id}", GenerationBody)

    async def cancel(self, id: str) -> GenerationBody:
        return await self._ask("POST", f"/v1/generations/{id}/cancel", GenerationBody)

    async def list(self, *, limit: int, status: str | None) -> "list[GenerationBody]":
        query = f"?limit={limit}" + (f"&status={status}" if status else "")
        return (await self._ask("GET", f"/v1/generations{query}", bodies.GenerationList)).items

    async def save(self, url: str, target: Path) -> None:
        async with self._client.get(url) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    file.write(chunk)

    async def upload(self, path: Path, *, name: str, expires_after_s: int | None) -> AssetBody:
        query = {"name": name} | ({} if expires_after_s is None else {"expires_after_s": str(expires_after_s)})
        with reading(path) as file:
            return await self._ask("POST", f"/v1/assets?{urlencode(query)}", AssetBody, data=file)

    async def assets(self, *, limit: int) -> Sequence[AssetBody]:
        return (await self._ask("GET", f"/v1/assets?limit={limit}", AssetList)).items

    async def delete_asset(self, id: str) -> None:
        await self._send("DELETE", f"/v1/assets/{id}")

    async def _as_input(self, value: Any) -> Any:
        """A file becomes a data URI where it is small, an asset's id otherwise."""
        if isinstance(value, list):
            return [await self._as_input(item) for item in value]
        if not isinstance(value, Path):
            return value
        with reading(value) as file:
            content = file.read(INLINE_LIMIT_BYTES + 1)
        if len(content) > INLINE_LIMIT_BYTES:
            return (await self.upload(value, name=value.name, expires_after_s=INPUT_LIFE_S)).id
        media_type = sniff(content[:64]) or "application/octet-stream"
        return f"data:{media_type};base64,{base64.b64encode(content).decode()}"

    async def available(self) -> int | float:
        return (await self._ask("GET", "/v1/account", bodies.AccountBody)).available

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[Body],
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        data: BinaryIO | None = None,
    ) -> Body:
        return msgspec.json.decode(await self._send(method, path, body, headers, data), type=kind)

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        data: BinaryIO | None = None,
    ) -> bytes:
        # A large file may take as long as its bytes move.
        timeout = self._client.timeout if data is None else aiohttp.ClientTimeout(total=None, sock_read=300)
        sent = {**self._headers, **(headers or {})}
        url = self._url + path
        try:
            async with self._client.request(method, url, json=body, data=data, headers=sent, timeout=timeout) as answer:
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise Refused(f"no server answers at {self._url}: {error.os_error.strerror}") from None
        if answer.status >= 400:
            raise Refused(_refusal(content, answer.status))
        return content


def _refusal(content: bytes, status: int) -> str:
    try:
        return str(msgspec.json.decode(content)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the server answered {status}"


def _parse(block: bytes) -> _Event:
    """A comment is an event without data: it says that the server lives."""
    fields = dict(line.partition(b": ")[::2] for line in block.splitlines() if not line.startswith(b":"))
    return _Event(fields.get(b"event", b"").decode(), fields.get(b"id", b"").decode(), fields.get(b"data", b""))


def _read(event: _Event) -> GenerationBody | ProgressBody:
    if event.name == "generation.progress":
        return msgspec.json.decode(event.data, type=ProgressBody)
    return msgspec.json.decode(event.data, type=GenerationBody)
