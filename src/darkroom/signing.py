"""Standard Webhooks: secrets, and the headers that sign a message."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from darkroom.webhook import Parcel


def new_secret() -> str:
    """A `whsec_` secret, in standard base64: some verifiers split it at its one underscore."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def headers(parcel: Parcel, body: bytes, *, now: datetime) -> dict[str, str]:
    """HMAC-SHA256 over `id.timestamp.body` with each secret that is good, the newest first; without one, unsigned."""
    timestamp = str(int(now.timestamp()))
    signed = f"{parcel.id}.{timestamp}.".encode() + body
    made = {"content-type": "application/json", "webhook-id": parcel.id, "webhook-timestamp": timestamp}
    if parcel.secret:
        made["webhook-signature"] = " ".join(_signature(each, signed) for each in (parcel.secret, *parcel.old_secrets))
    return made


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
