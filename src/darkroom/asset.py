"""Stored bytes that we can name: a result, its thumbnail, or an input medium."""

from dataclasses import dataclass

MEDIA_TYPES = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
}
"""File ending to media type, for every medium that we make."""

ASSET = "darkroom-asset:"
"""What begins an input that is an asset of ours; its key follows. No caller's own text can begin like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """`key` names the bytes in the store. Pixels, bytes and seconds are read back from the finished file."""

    key: str
    media_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    thumbnail: str | None = None

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]
