"""Signed, expiring URLs for assets: whoever holds the URL may read the bytes until it expires, and nobody else."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

PATH = "/assets/"
LIFE = timedelta(days=7)
STEP_S = 24 * 3600


class Links:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def rekey(self, secret: bytes) -> None:
        """Sign with what every process of the installation signs with."""
        self._secret = secret

    def path(self, key: str, *, now: datetime) -> str:
        """The URL's path and query, good for 7 to 8 days.

        The expiry is rounded up to a whole day, so that the URL is the same each time it is asked for on one day.
        """
        expires = (int((now + LIFE).timestamp()) // STEP_S + 1) * STEP_S
        return f"{PATH}{quote(key)}?expires={expires}&signature={self._sign(key, expires)}"

    def is_good(self, key: str, *, expires: str, signature: str, now: datetime) -> bool:
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        if int(expires) < now.timestamp():
            return False
        return hmac.compare_digest(self._sign(key, int(expires)).encode(), signature.encode("utf-8", "replace"))

    def key_of(self, url: str, *, now: datetime) -> str | None:
        """The key behind one of our own URLs that is still good, whatever host it was given with."""
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query)
        except ValueError:
            return None
        marker = parts.path.find(PATH)
        if marker < 0 or "expires" not in query or "signature" not in query:
            return None
        key = unquote(parts.path[marker + len(PATH) :])
        is_good = self.is_good(key, expires=query["expires"][0], signature=query["signature"][0], now=now)
        return key if is_good else None

    def _sign(self, key: str, expires: int) -> str:
        digest = hmac.new(self._secret, f"{key}\n{expires}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
