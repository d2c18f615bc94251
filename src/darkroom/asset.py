"""Stored bytes that we can name: a result, its thumbnail, or an input medium."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

MEDIA_TYPES = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "ogv": "video/ogg",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "gif": "image/gif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
}
"""File ending to media type, for every medium that we make or take."""

ENDINGS = {media_type: ending for ending, media_type in reversed(MEDIA_TYPES.items())}

ASSET = "darkroom-asset:"
"""What begins an input that is an asset of ours; its key follows. No caller's own text can begin like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """`key` names the bytes in the store. Pixels, bytes and seconds are read from the finished file. `sha256` is in
    hexadecimal; `origin_url` is where an upstream had it."""

    key: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: str | None = None
    sha256: str | None = None
    origin_url: str | None = None

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Bytes that came with a request: in memory where they are few, else put aside on the disk. `head` is how they
    begin, `sha256` is in hexadecimal; `name` and `media_type` are what their sender says of them."""

    source: Path | bytes
    size_bytes: int
    sha256: str
    head: bytes
    name: str = ""
    media_type: str = ""


class Assets(Protocol):
    """Stored bytes. Keys look like paths; what is stored under a key never changes. What has been put or taken is
    still there after a power cut. Every verb raises `OSError` where the disk or the host says no."""

    async def put(self, key: str, source: Path | bytes) -> int:
        """Store a file's bytes; returns their number."""
        ...

    async def take(self, key: str, source: Path) -> int:
        """Store a file's bytes and leave no file behind: on one disk it is only renamed. May be asked again where it
        failed. Returns the number of bytes."""
        ...

    async def size(self, key: str) -> int:
        """Raises `NotFound`."""
        ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`."""
        ...

    async def fetch(self, key: str, target: Path) -> None:
        """Copy the bytes to a local file; raises `NotFound`."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """What is not there is deleted already."""
        ...

    async def delete_folder(self, prefix: str) -> None:
        """Delete everything whose key begins with `prefix` and a slash."""
        ...

    async def direct_url(self, key: str, *, life: timedelta) -> str | None:
        """A URL of the store's own, good for so long; None where it signs none."""
        ...

    async def check(self) -> None:
        """Raises `OSError` where nothing could be stored or read now."""
        ...
