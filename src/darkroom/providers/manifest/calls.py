"""From a call of a manifest to a request on the wire, signed; and what can be said of its answer to a caller."""

import asyncio
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

import structlog
from yarl import URL

from darkroom.clock import Clock
from darkroom.errors import ProviderRejected, ProviderUnavailable
from darkroom.patience import rest_s_of
from darkroom.providers.client import Answer, FilePart, Request, UpstreamClient
from darkroom.providers.credentials import Credential, Signed, sign
from darkroom.providers.manifest.compiled import Call, Manifest
from darkroom.providers.manifest.language import LanguageError, Part, without_nulls
from darkroom.providers.manifest.words import Words

log = structlog.get_logger(__name__)

LONGEST_MESSAGE = 300

LONGEST_READ = 4000
"""Of a message: what is looked through for what a caller may not see."""

PRIVATE = re.compile(
    # What would tell a caller where we buy: links, addresses, keys, and ids as long as keys. None may begin within what
    # it would have begun with before, or a long message is looked through once for each of its letters.
    r"https?://\S+|(?<![\w.+-])[\w.+-]++@[\w-]+\.[\w.]+\b"
    r"|\b(?:sk|key|r8|xi|pk|org|proj)[-_][\w-]{6,}|\b[\w-]{24,}\b"
)


class Caller:
    """Makes one manifest's calls, at the address and with the credential that an attempt was sent with."""

    def __init__(self, manifest: Manifest, client: UpstreamClient, clock: Clock) -> None:
        self._manifest = manifest
        self._client = client
        self._clock = clock

    async def call(
        self,
        call: Call,
        words: Words,
        *,
        base_url: str,
        credential: Credential,
        limit_s: float,
        headers: Mapping[str, str] | None = None,
        is_paid: bool = False,
    ) -> Answer:
        """Raises `NotSent` and `Lost`, and a `Failure` for what cannot be asked at all."""
        request = await self.request(
            call, words, base_url=base_url, credential=credential, limit_s=limit_s, headers=headers, is_paid=is_paid
        )
        await credential.pacer.turn()
        return await self._client.call(request)

    async def request(
        self,
        call: Call,
        words: Words,
        *,
        base_url: str,
        credential: Credential,
        limit_s: float,
        headers: Mapping[str, str] | None = None,
        is_paid: bool = False,
    ) -> Request:
        try:
            # Media are read from the disk and written as base64: not on the loop.
            url, query, body, form, own = await asyncio.to_thread(_evaluated, call, words, self._manifest)
        except (LanguageError, UnicodeError) as error:
            # The operator is told where; a caller has no business with a manifest's expressions.
            log.warning("a call could not be written", provider=self._manifest.name, reason=str(error))
            raise ProviderRejected("this cannot be asked of the provider") from None
        url = url if url.startswith(("http://", "https://")) else base_url + url
        # A secret goes to the upstream that it is for, and to nobody that an answer names.
        manifest = self._manifest.form
        others = manifest.api_hosts if call.signed else tuple(host for host in manifest.hosts if host != "*")
        if not same_origin(url, base_url) and not is_among(url, others, base_url=base_url):
            raise ProviderUnavailable("the provider's answer points away from it")
        signed = sign(manifest.auth, credential, now=self._clock.now().timestamp()) if call.signed else Signed()
        return Request(
            method=call.method,
            url=url,
            query={**query, **signed.query},
            headers={**own, **(headers or {}), **signed.headers},
            body=body,
            form=form,
            limit_s=limit_s,
            is_paid=is_paid,
        )


def same_origin(url: str, other: str) -> bool:
    return _origin(url) == _origin(other)


def is_among(url: str, hosts: tuple[str, ...], *, base_url: str) -> bool:
    """Whether it is at one of these hosts, and as well protected on its way as the base URL is."""
    try:
        # The parser that the client itself uses: what is compared is where the request goes.
        parsed = URL(url)
    except ValueError:
        return False
    if parsed.scheme != URL(base_url).scheme or parsed.user is not None:
        return False
    return any(fnmatch((parsed.host or "").lower(), pattern) for pattern in hosts)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3]).lower()


def _evaluated(
    call: Call, words: Words, manifest: Manifest
) -> tuple[str, dict[str, str], Any, dict[str, Any] | None, dict[str, str]]:
    headers = {name: _line(template(words)) for name, template in {**manifest.headers, **call.headers}.items()}
    query = _object(call.query(words), "query") if call.query else {}
    fields = call.form(words) if call.form else None
    form = _object(fields, "form") if call.form and (fields is not None or not call.body) else None
    body = without_nulls(call.body(words)) if call.body and form is None else None
    return (
        call.path(words),
        {name: _text(value) for name, value in query.items()},
        body,
        None if form is None else {name: _part(value) for name, value in form.items()},
        headers,
    )


def _line(text: str) -> str:
    """A header's value is one line: what a caller wrote could otherwise begin another header."""
    if not text.isprintable():
        raise LanguageError("a header cannot hold a line break or a control character")
    return text


def _object(value: Any, what: str) -> dict[str, Any]:
    value = without_nulls(value)
    if not isinstance(value, dict):
        raise LanguageError(f"a {what} must be an object, and this is {type(value).__name__}")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _part(value: Any) -> Any:
    if isinstance(value, Part):
        return FilePart(value.medium.path, value.medium.media_type)
    if isinstance(value, list):
        return [_part(item) for item in value]
    return value if isinstance(value, dict) else _text(value)


def sanitized(message: Any, credential: Credential) -> str:
    """An upstream's own words as far as a caller may see them: without links, addresses, keys and long ids."""
    if not isinstance(message, str) or not message.strip():
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in credential.blank(message)[:LONGEST_READ])
    text = PRIVATE.sub("...", " ".join(printable.split()))
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 3] + "..."


def retry_after_s(answer: Answer, clock: Clock) -> float | None:
    text = answer.headers.get("retry-after", "")
    return rest_s_of(text, clock.now()) or None
