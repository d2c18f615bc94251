"""What a medium's first bytes say it is, and the bytes in a data URI."""

import base64
import binascii
from typing import Literal, cast, get_args
from urllib.parse import unquote_to_bytes

Kind = Literal["image", "video", "audio"]

PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"ADIF", "audio/aac"),
)
RIFF_FORMS = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
}
HEIF_BRANDS = frozenset({b"mif1", b"msf1", b"miaf"})
"""These say 'some HEIF picture'; the compatible brands say which."""

RAW_BRANDS = frozenset({b"crx "})
"""A camera's raw picture in a video's box."""


def sniff(head: bytes) -> str | None:
    """The media type of a file by its first 64 bytes; None for one that we do not know."""
    for prefix, media_type in PREFIXES:
        if head.startswith(prefix):
            return media_type
    if head.startswith(b"RIFF"):
        return RIFF_FORMS.get(head[8:12])
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head else "audio/ogg"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    # Two letters are little to go by; the four bytes that a bitmap leaves zero make it sure.
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "image/bmp"
    return _by_box(head) or _by_frame(head)


def _by_box(head: bytes) -> str | None:
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        # QuickTime from before there were brands.
        return "video/quicktime"
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brand = head[8:12]
    if brand in HEIF_BRANDS:
        compatible = [head[start : start + 4] for start in range(16, end, 4)]
        return next((BRANDS[name] for name in compatible if name in BRANDS), None)
    return None if brand in RAW_BRANDS else BRANDS.get(brand, "video/mp4")


def _by_frame(head: bytes) -> str | None:
    """MPEG audio has no header, only frames; eleven or twelve set bits begin each."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    is_layer_3 = head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    has_rates = head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return "audio/mpeg" if is_layer_3 and has_rates else None


def kind_of(media_type: str) -> Kind:
    """Raises `ValueError` for what is neither image, video nor audio."""
    kind = media_type.partition("/")[0].lower()
    if kind not in get_args(Kind):
        raise ValueError(f"'{media_type}' is neither image, video nor audio")
    return cast(Kind, kind)


def parse_data_uri(text: str, limit_bytes: int) -> bytes:
    """The bytes in `data:[type][;base64],...`; raises `ValueError` with a message that follows its field's name."""
    head, comma, data = text.partition(",")
    if head[:5].lower() != "data:" or not comma:
        raise ValueError("must be a data URI: 'data:TYPE;base64,DATA'")
    is_base64 = head.lower().endswith(";base64")
    # At most four letters tell a byte: percent-encoded base64. More is refused before it is copied.
    if len(data) > limit_bytes * 4 + 4:
        raise _too_large(limit_bytes)
    content = unquote_to_bytes(data)
    if is_base64:
        content = _from_base64(content)
    if not content:
        raise ValueError("is a data URI without data")
    if len(content) > limit_bytes:
        raise _too_large(limit_bytes)
    return content


def _from_base64(letters: bytes) -> bytes:
    # Many a library leaves the padding off.
    padded = letters.rstrip(b"=") + b"=" * (-len(letters.rstrip(b"=")) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except binascii.Error as error:
        raise ValueError("is a data URI whose data is not base64") from error


def _too_large(limit_bytes: int) -> ValueError:
    return ValueError(f"is larger than {limit_bytes} bytes")
