"""Serves assets to whoever holds a signed URL: whole or in ranges, or by sending them on to the bucket."""

import re
from datetime import UTC, datetime, timedelta

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from darkroom.asset import MEDIA_TYPES
from darkroom.assets import Links
from darkroom.clock import Clock
from darkroom.errors import NotFound
from darkroom.ports import Assets

log = structlog.get_logger(__name__)

DIRECT_LIFE = timedelta(hours=1)
"""How long a bucket's URL is good for: long enough to watch, never longer than the link that led to it."""

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Media:
    def __init__(self, *, assets: Assets, links: Links, clock: Clock, is_direct: bool) -> None:
        self._assets = assets
        self._is_direct = is_direct
        self._links = links
        self._clock = clock

    async def serve(self, request: Request) -> Response:
        key = request.path_params["key"]
        expires = request.query_params.get("expires", "")
        signature = request.query_params.get("signature", "")
        if not self._links.is_good(key, expires=expires, signature=signature, now=self._clock.now()):
            return _refuse(403, "this link has expired or was changed; ask for the generation again for a new one")
        try:
            size = await self._assets.size(key)
        except NotFound:
            # Nobody but us signs links: it was here.
            return _refuse(410, "this asset is gone: it was deleted, or its retention is over")
        except OSError as error:
            log.error("an asset could not be read", key=key, reason=str(error))
            return _refuse(503, "the asset store does not answer; ask again in a while")
        headers = {
            "accept-ranges": "bytes",
            "etag": f'"{key}"',
            "cache-control": "private, max-age=86400, immutable",
            "access-control-allow-origin": "*",
            "x-content-type-options": "nosniff",
            # Whatever a browser makes of the bytes, it is nobody's page: no scripts, no cookies, no forms.
            "content-security-policy": "sandbox",
        }
        media_type = MEDIA_TYPES.get(key.rsplit(".", 1)[-1], "application/octet-stream")
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        if self._is_direct and request.method == "GET":
            direct = await self._direct_url(key, until=datetime.fromtimestamp(int(expires), UTC))
            if direct is not None:
                return _send_on(direct)
        # A part of what it was would not fit to the rest of what it is.
        is_same = request.headers.get("if-range", headers["etag"]) == headers["etag"]
        wanted = request.headers.get("range", "") if is_same else ""
        span = _span(wanted, size)
        if span is None:
            headers["content-range"] = f"bytes */{size}"
            return Response(status_code=416, headers=headers)
        start, end = span
        is_part = wanted != "" and (start, end) != (0, size)
        if is_part:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        headers["content-length"] = str(end - start)
        status = 206 if is_part else 200
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=media_type)
        chunks = self._assets.read(key, start=start, end=end)
        return StreamingResponse(chunks, status_code=status, headers=headers, media_type=media_type)

    async def _direct_url(self, key: str, *, until: datetime) -> str | None:
        life = min(DIRECT_LIFE, until - self._clock.now())
        try:
            return await self._assets.direct_url(key, life=max(life, timedelta(seconds=1)))
        except OSError as error:
            # Some credentials read and sign nothing: the bytes then come through us.
            log.warning("the bucket signs no URLs; set assets_direct = false", reason=str(error))
            return None


def _send_on(url: str) -> Response:
    headers = {
        "location": url,
        # A copy of this answer would lead nowhere once that URL has expired.
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
        "referrer-policy": "no-referrer",
    }
    return Response(status_code=307, headers=headers)


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (without) of what is asked for; None where it lies outside. What is not understood is the whole."""
    match = RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return 0, size
    first, last = match[1], match[2]
    if not first:
        return (max(size - int(last), 0), size) if int(last) > 0 else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size
    return (start, end) if start < end else None


def _refuse(status: int, message: str) -> Response:
    return Response(message + "\n", status_code=status, media_type="text/plain")
