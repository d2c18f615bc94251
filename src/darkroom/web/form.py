"""Reads a multipart form as it comes: texts within their limit, files put aside."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from darkroom.errors import InvalidInput
from darkroom.web.spool import Spool

FILES_LIMIT = 16
FIELDS_LIMIT = 200
TEXT_LIMIT_BYTES = 1024 * 1024
HEADERS_LIMIT_BYTES = 16 * 1024


class FormReader:
    """`add_file` makes room for a file. What the parser tells is noted, and acted on after each chunk: it is told in
    callbacks that cannot wait for a disk."""

    def __init__(self, content_type: str, add_file: Callable[[], Spool]) -> None:
        self._add_file = add_file
        self._events: list[tuple[str, bytes]] = []
        self._fields: dict[str, list[Any]] = {}
        self._counts = {"file": 0, "field": 0}
        self._header_bytes = 0
        self._header = (b"", b"")
        self._headers: dict[bytes, bytes] = {}
        self._name = self._file_name = ""
        self._text = bytearray()
        self._spool: Spool | None = None
        self._is_whole = False
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise InvalidInput.of("", "the form cannot be read: its content type names no boundary")
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]

    async def read(self, chunks: AsyncIterator[bytes]) -> dict[str, list[Any]]:
        """Each field's texts and files, in the order they came; raises `InvalidInput`."""
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
                await self._act()
            self._parser.finalize()
        except MultipartParseError as error:
            raise InvalidInput.of("", f"the form cannot be read: {error}") from None
        await self._act()
        if not self._is_whole:
            raise InvalidInput.of("", "the form cannot be read: it ends before its last boundary")
        return self._fields

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        def note(event: str) -> Callable[..., None]:
            return lambda: self._events.append((event, b""))

        def note_data(event: str) -> Callable[..., None]:
            return lambda data, start, end: self._events.append((event, data[start:end]))

        return {
            "on_part_begin": note("begin"),
            "on_header_field": note_data("name"),
            "on_header_value": note_data("value"),
            "on_header_end": note("header"),
            "on_headers_finished": note("headers"),
            "on_part_data": note_data("data"),
            "on_part_end": note("part"),
            "on_end": note("end"),
        }

    async def _act(self) -> None:
        for event, data in self._events:
            if event == "data":
                await self._take(data)
            elif event == "part":
                await self._end_part()
            elif event == "headers":
                self._begin_content()
            elif event == "end":
                self._is_whole = True
            else:
                self._read_header(event, data)
        self._events.clear()

    def _read_header(self, event: str, data: bytes) -> None:
        if event == "begin":
            self._headers, self._header, self._header_bytes = {}, (b"", b""), 0
        elif event == "header":
            name, value = self._header
            self._headers[name.lower()] = value
            self._header = (b"", b"")
        else:
            self._header_bytes += len(data)
            if self._header_bytes > HEADERS_LIMIT_BYTES:
                raise InvalidInput.of("", "the form cannot be read: the headers of a part are too long")
            name, value = self._header
            self._header = (name + data, value) if event == "name" else (name, value + data)

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise InvalidInput.of("", "the form cannot be read: a part has no name")
        self._name = _text(options[b"name"])
        is_file = b"filename" in options
        kind, limit = ("file", FILES_LIMIT) if is_file else ("field", FIELDS_LIMIT)
        self._counts[kind] += 1
        if self._counts[kind] > limit:
            raise InvalidInput.of("", f"the form cannot be read: it has more than {limit} {kind}s")
        self._spool = self._add_file() if is_file else None
        self._file_name = _text(options[b"filename"]) if is_file else ""
        self._text = bytearray()

    async def _take(self, data: bytes) -> None:
        if self._spool is not None:
            await self._spool.write(data)
            return
        self._text += data
        if len(self._text) > TEXT_LIMIT_BYTES:
            raise InvalidInput.of(self._name, f"is longer than {TEXT_LIMIT_BYTES} bytes")

    async def _end_part(self) -> None:
        value: Any
        if self._spool is None:
            value = _text(bytes(self._text))
        else:
            told = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
            value = await self._spool.close(name=self._file_name, media_type=told)
        self._fields.setdefault(self._name, []).append(value)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
