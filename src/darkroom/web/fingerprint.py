"""What makes two submits the same request: the caller's key, or method, path and body."""

import hashlib
from typing import Any

import msgspec

from darkroom.account import Principal
from darkroom.asset import Arrival
from darkroom.errors import InvalidInput
from darkroom.verbs import Asking
from darkroom.wire import WireRequest

LONGEST_KEY = 255

_encoder = msgspec.json.Encoder(order="sorted")


def asking_of(request: WireRequest, principal: Principal, dialect: str, *, keyless: bool) -> Asking | None:
    """What is needed to know the request again; None for one that is never looked for. Raises `InvalidInput`."""
    key = request.headers.get("idempotency-key", request.headers.get("x-idempotency-key"))
    if key is None and not keyless:
        return None
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InvalidInput.of("Idempotency-Key", f"must be 1 to {LONGEST_KEY} visible ASCII characters")
    return Asking(
        account_id=principal.account.id,
        dialect=dialect,
        fingerprint=fingerprint(request),
        key=key,
        # The client libraries that Stainless generates (OpenAI's, Luma's, Runway's) count their own retries.
        is_retry=request.headers.get("x-stainless-retry-count", "0") not in ("", "0"),
    )


def fingerprint(request: WireRequest) -> bytes:
    """SHA-256 over method, path and canonical body: the order of names in an object and blanks mean nothing."""
    body = _plain(request.body) if request.is_form else request.body
    return hashlib.sha256(f"{request.method} {request.url}\0".encode() + _encoder.encode(body)).digest()


def _plain(fields: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A form without its files' bytes, which may be many: their hashes stand for them."""
    return {name: [_hashed(value) for value in values] for name, values in fields.items()}


def _hashed(value: Any) -> Any:
    if not isinstance(value, Arrival):
        return value
    return {"name": value.name, "type": value.media_type, "sha256": value.sha256}
