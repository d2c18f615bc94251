"""Entity tags: a caller that polls and has the answer already is told so in a few bytes."""

from dataclasses import replace
from hashlib import blake2b

from darkroom.web.respond import Content
from darkroom.wire import WireRequest

TAG_BYTES = 12


def tagged(content: Content) -> Content:
    """With an `ETag`: the hash of the body, so that what was seen before a restart is known after it."""
    if content.status != 200:
        return content
    tag = b'"' + blake2b(content.body, digest_size=TAG_BYTES).hexdigest().encode() + b'"'
    return replace(content, headers=[*content.headers, (b"etag", tag)])


def has_tag(request: WireRequest, content: Content) -> bool:
    """Whether the caller says that it has this very answer (`If-None-Match`)."""
    asked = request.headers.get("if-none-match")
    tag = _tag_of(content) if asked is not None else None
    if asked is None or tag is None:
        return False
    known = {part.strip().removeprefix("W/") for part in asked.split(",")}
    return "*" in known or tag in known


def unchanged(content: Content) -> Content:
    """304: every header but those of the body that is not there."""
    kept = [(name, value) for name, value in content.headers if name not in (b"content-type", b"content-length")]
    return Content(304, kept, b"")


def _tag_of(content: Content) -> str | None:
    return next((value.decode() for name, value in content.headers if name == b"etag"), None)
