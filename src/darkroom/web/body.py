"""Reads a request's body inside its limits: JSON, a form with files, or a file by itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.formparsers import FormParser

from darkroom.account import Plan
from darkroom.asset import Arrival
from darkroom.errors import AssetTooLarge, BodyTooLarge, InvalidInput
from darkroom.web.form import FormReader
from darkroom.web.spool import Tray

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

JSON_LIMIT_BYTES = 1024 * 1024
FORM_LIMIT_BYTES = 128 * 1024 * 1024
FRAME_BYTES = 64 * 1024
"""What a form may have around its file."""

DISCARD_LIMIT_S = 5.0

_decoder = msgspec.json.Decoder()


class Disconnected(Exception):
    """The caller went away before its request was whole."""


class Inbox:
    """A request's body on its way in. It knows whether all of it has come, and where its files are put aside."""

    def __init__(self, receive: Receive, folder: Path) -> None:
        self._receive = receive
        self._folder = folder
        self._tray: Tray | None = None
        self.is_whole = False

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self.is_whole = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    @property
    def tray(self) -> Tray:
        if self._tray is None:
            self._tray = Tray(self._folder)
        return self._tray

    def clear(self) -> None:
        """Forget what was put aside and has not been stored."""
        if self._tray is not None:
            self._tray.clear()

    async def discard(self, headers: Mapping[str, str]) -> None:
        """Take what is still on its way, within reason: a caller that is writing does not read its refusal."""
        if "expect" in headers:
            return  # it asked first, and sends nothing after a no
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_LIMIT_S):
                while not self.is_whole and size <= FORM_LIMIT_BYTES:
                    message = await self()
                    if message["type"] == "http.disconnect":
                        return
                    size += len(message.get("body", b""))


async def read_body(inbox: Inbox, headers: Mapping[str, str]) -> tuple[Any, bool]:
    """The decoded body (None where there is none), and whether it was a form; raises `InvalidInput`."""
    content_type = headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        chunks = _chunks(inbox, headers, FORM_LIMIT_BYTES)
        return await FormReader(content_type, inbox.tray.add).read(chunks), True
    content = await _whole(inbox, headers)
    if not content.strip():
        return None, False
    if content_type.startswith("application/x-www-form-urlencoded") and not content.lstrip().startswith(b"{"):
        return await _read_urlencoded(content, content_type), True
    return decode_json(content), False


async def read_file(inbox: Inbox, headers: Mapping[str, str], plan: Plan) -> tuple[Any, bool]:
    """As `read_body`, of a route that takes a file: any body but a form is one; raises `AssetTooLarge`."""
    content_type = headers.get("content-type", "")
    is_form = content_type.startswith("multipart/form-data")
    limit_bytes = None if plan.asset_bytes is None else plan.asset_bytes + (FRAME_BYTES if is_form else 0)
    chunks = _chunks(inbox, headers, limit_bytes)
    try:
        if is_form:
            return await FormReader(content_type, inbox.tray.add).read(chunks), True
        return await _spooled(inbox, chunks, content_type), False
    except BodyTooLarge:
        assert plan.asset_bytes is not None
        raise AssetTooLarge(limit_bytes=plan.asset_bytes, plan=plan.name) from None


async def _spooled(inbox: Inbox, chunks: AsyncGenerator[bytes, None], media_type: str) -> Arrival:
    spool = inbox.tray.add()
    async for chunk in chunks:
        await spool.write(chunk)
    return await spool.close(media_type=media_type)


def decode_json(content: bytes) -> Any:
    """Raises `InvalidInput`."""
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput.of("", f"the body is not JSON: {error}") from None


async def _whole(inbox: Inbox, headers: Mapping[str, str]) -> bytes:
    """A small body, which nearly always comes in one piece: without a generator's price for each."""
    _check_declared(headers, JSON_LIMIT_BYTES)
    chunk, more = _piece(await inbox())
    if more and headers.get("content-length") == str(len(chunk)):
        # The server would say in another message that this was all.
        inbox.is_whole = True
        return chunk
    chunks, size = [chunk], len(chunk)
    while more and size <= JSON_LIMIT_BYTES:
        chunk, more = _piece(await inbox())
        chunks.append(chunk)
        size += len(chunk)
    if size > JSON_LIMIT_BYTES:
        raise BodyTooLarge(limit_bytes=JSON_LIMIT_BYTES)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _chunks(receive: Receive, headers: Mapping[str, str], limit_bytes: int | None) -> AsyncGenerator[bytes, None]:
    _check_declared(headers, limit_bytes)
    size, more = 0, True
    while more:
        chunk, more = _piece(await receive())
        size += len(chunk)
        if limit_bytes is not None and size > limit_bytes:
            raise BodyTooLarge(limit_bytes=limit_bytes)
        if chunk:
            yield chunk


def _check_declared(headers: Mapping[str, str], limit_bytes: int | None) -> None:
    declared = headers.get("content-length", "")
    if limit_bytes is not None and declared.isascii() and declared.isdigit() and int(declared) > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes)


def _piece(message: Mapping[str, Any]) -> tuple[bytes, bool]:
    """What has come, and whether there is more; raises `Disconnected`."""
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


async def _read_urlencoded(content: bytes, content_type: str) -> dict[str, list[Any]]:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield content
        yield b""

    form = await FormParser(Headers({"content-type": content_type}), chunks()).parse()
    fields: dict[str, list[Any]] = {}
    for name, value in form.multi_items():
        fields.setdefault(name, []).append(value)
    return fields
