"""From what an upstream says its results are to files of ours, whole and measured."""

import asyncio
import base64
import binascii
import codecs
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from darkroom.asset import ENDINGS
from darkroom.brief import Modality, Produced
from darkroom.errors import ProviderRejected, ProviderUnavailable
from darkroom.guarded import GuardedClient, Limits, Refused, Unreachable, host_of
from darkroom.media_type import parse_data_uri, sniff
from darkroom.providers.client import Exchange, Fetched, Lost, Moved, NotSent, Request, UpstreamClient, fetched
from darkroom.providers.credentials import Signed
from darkroom.providers.manifest.calls import same_origin
from darkroom.providers.manifest.form import LimitsForm
from darkroom.providers.probe import probe

KINDS = {
    Modality.VIDEO: ("video/", "image/gif", "image/webp"),
    Modality.IMAGE: ("image/",),
    Modality.MUSIC: ("audio/", "video/"),
    Modality.SPEECH: ("audio/",),
    Modality.SOUND: ("audio/",),
}
"""What the results of a modality may be: an error page with status 200 is none of them."""


REDIRECT_LIMIT = 5

LONGEST_URL = 8192

MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9]([a-z0-9.+-]{0,60}[a-z0-9])?")
"""A type that may be told to callers, and end a file's name."""

BEGINNING_BYTES = 64


class Results:
    """Fetches from the upstream itself over its own client, and from its `hosts` over the guarded one."""

    def __init__(
        self, *, client: UpstreamClient, guarded: GuardedClient, hosts: tuple[str, ...], limits: LimitsForm
    ) -> None:
        self._client = client
        self._guarded = guarded
        self._hosts = hosts
        self._limits = limits

    async def fetch(
        self, url: str, target: Path, *, base_url: str, signed: Signed, redirects: int = REDIRECT_LIMIT
    ) -> Fetched:
        """What is `signed` goes to the upstream itself and to nobody else. Raises `Failure`."""
        request = Request(
            method="GET", url=url, query=signed.query, headers=signed.headers, limit_s=self._limits.result_s
        )
        if same_origin(url, base_url):
            return await self.download(request, target, redirects=redirects)
        # By the parser that the client connects with.
        if not any(fnmatch(host_of(url).lower(), pattern) for pattern in self._hosts):
            raise ProviderRejected("the provider's result is at a place that this server does not fetch from")
        limits = Limits(size_bytes=self._limits.result_bytes, seconds=self._limits.result_s)
        try:
            await self._guarded.download(url, target, limits)
        except Refused as error:
            self._client.tell(Exchange(request=request, answer=None, trouble=f"it {error.reason}"))
            if isinstance(error, Unreachable):
                raise ProviderUnavailable(f"the result was not fetched: it {error.reason}") from None
            raise ProviderRejected(f"the result cannot be fetched: it {error.reason}") from None
        whole = await fetched(target, "")
        self._client.tell(Exchange(request=request, answer=None, file=whole))
        return whole

    async def download(self, request: Request, target: Path, *, redirects: int = REDIRECT_LIMIT) -> Fetched:
        """As `fetch`, for a request that is ready."""
        try:
            return await self._client.download(request, target, limit_bytes=self._limits.result_bytes)
        except Moved as moved:
            if redirects == 0:
                raise ProviderUnavailable("the result was not fetched: it redirects too often") from None
            signed = Signed(request.headers)
            return await self.fetch(moved.url, target, base_url=request.url, signed=signed, redirects=redirects - 1)
        except (NotSent, Lost) as error:
            raise ProviderUnavailable(f"the result was not fetched: {error}") from None
        except Refused as error:
            raise ProviderRejected(f"the result cannot be fetched: it {error.reason}") from None


def listed(found: Any) -> list[Any]:
    """What `outputs.files` has found, as a list; nothing is an empty one."""
    if found is None or found == "":
        return []
    return [item for item in found if item] if isinstance(found, list) else [found]


def url_of(item: Any) -> str | None:
    if isinstance(item, dict):
        item = item.get("url")
    if not isinstance(item, str) or not item.startswith(("http://", "https://")):
        return None
    return item if len(item) <= LONGEST_URL and item.isprintable() else None


def bytes_of(item: Any, limit_bytes: int) -> bytes:
    """What is in the answer itself; raises `ProviderRejected`."""
    content = _decoded(item, limit_bytes)
    if content is None:
        raise ProviderRejected("the provider's result is neither a link nor a file")
    if len(content) > limit_bytes:
        raise ProviderRejected(f"the result is too large: it has more than {limit_bytes} bytes")
    return content


def _decoded(item: Any, limit_bytes: int) -> bytes | None:
    try:
        if isinstance(item, dict) and isinstance(item.get("hex"), str):
            return bytes.fromhex(item["hex"])
        text = item.get("base64") or item.get("url") if isinstance(item, dict) else item
        if isinstance(text, str) and text.startswith("data:"):
            return parse_data_uri(text, limit_bytes)
        if isinstance(text, str):
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        pass
    return None


def is_text(head: bytes) -> bool:
    """What says of itself that it is a video and begins as a text is a page, an upstream's error with status 200, or a
    playlist that would have our decoder open other files."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def plain_type(media_type: str) -> str:
    """Without parameters; empty for what is no type at all."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain if MEDIA_TYPE.fullmatch(plain) else ""


async def produced(path: Path, modality: Modality, declared: str, whole: Fetched, origin: str | None) -> Produced:
    """A file with the right ending, measured; raises `ProviderUnavailable` for what is no medium of that kind."""
    with path.open("rb") as file:
        head = file.read(BEGINNING_BYTES)
    media_type = sniff(head) or ("" if is_text(head) else plain_type(declared or whole.media_type))
    if not media_type.startswith(KINDS[modality]):
        await asyncio.to_thread(path.unlink)
        raise ProviderUnavailable(f"the result is no {modality.value}: it is {media_type or 'of no known kind'}")
    named = path.with_suffix(f".{ENDINGS.get(media_type, media_type.rpartition('/')[2])}")
    await asyncio.to_thread(path.rename, named)
    measures = await asyncio.to_thread(probe, named, media_type)
    return Produced(
        path=named,
        media_type=media_type,
        width=measures.width,
        height=measures.height,
        duration_s=measures.duration_s,
        thumbnail=measures.thumbnail,
        sha256=whole.sha256,
        origin_url=origin,
    )
