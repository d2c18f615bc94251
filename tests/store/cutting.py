"""A wire to PostgreSQL that can be cut at the worst moment: after a commit, before its answer."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

READY = b"Z\x00\x00\x00\x05"
"""How PostgreSQL says that a statement is over, and its transaction with it."""


class Wire:
    def __init__(self, dsn: str, folder: Path) -> None:
        parts = urlsplit(dsn)
        (self._server,) = parse_qs(parts.query)["host"]
        self._folder = folder
        self.dsn = f"postgresql://postgres@{parts.path}?host={folder}"
        self._word: bytes | None = None
        self.cuts = 0
        self._streams: set[asyncio.StreamWriter] = set()
        self.is_down = False
        self.refused = 0
        """How often it was tried in vain while it was down."""

    def cut_after(self, word: str) -> None:
        """The next statement that carries this word is carried out, and nobody hears of it."""
        self._word = word.encode()

    def cut_all(self) -> None:
        for stream in self._streams:
            stream.transport.abort()

    async def run(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._join, self._folder / ".s.PGSQL.5432")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            self.refused += 1
            writer.transport.abort()
            return
        above, upward = await asyncio.open_unix_connection(f"{self._server}/.s.PGSQL.5432")
        self._streams |= {writer, upward}
        is_deaf = False

        async def up() -> None:
            nonlocal is_deaf
            while data := await reader.read(1 << 16):
                if self._word is not None and self._word in data:
                    self._word, is_deaf = None, True
                upward.write(data)
            upward.close()

        async def down() -> None:
            while data := await above.read(1 << 16):
                if not is_deaf:
                    writer.write(data)
                elif READY in data:
                    self.cuts += 1
                    break
            writer.transport.abort()
            upward.transport.abort()

        with suppress(OSError):
            await asyncio.gather(up(), down())
        self._streams -= {writer, upward}


@asynccontextmanager
async def wire(dsn: str) -> AsyncIterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="cut-") as folder:
        made = Wire(dsn, Path(folder))
        server = await made.run()
        try:
            yield made
        finally:
            server.close()
            made.cut_all()
