"""How an upstream reaches this server: a signed address that tells the worker to look, and links to input media."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from darkroom.assets.link import Links
from darkroom.clock import Clock
from darkroom.generation import Generation
from darkroom.ids import is_id

CALLBACKS = "/callbacks/"


class Outside:
    """Empty where the server has no public address."""

    def __init__(self, *, secret: bytes, links: Links, public_url: str, clock: Clock) -> None:
        self._secret = secret
        self._links = links
        self._url = public_url.rstrip("/")
        self._clock = clock

    def rekey(self, secret: bytes) -> None:
        """Sign with what every process of the installation signs with."""
        self._secret = secret

    def callback_url(self, generation: Generation) -> str | None:
        """Where its upstream may tell us to look, for the attempt that runs now."""
        return f"{self._url}{CALLBACKS}{self.token(generation.id, generation.attempt)}" if self._url else None

    def links(self, keys: Mapping[Path, str]) -> Mapping[Path, str]:
        """URLs of assets, by their local files."""
        if not self._url:
            return {}
        now = self._clock.now()
        return {path: self._url + self._links.path(key, now=now) for path, key in keys.items()}

    def token(self, generation_id: str, attempt: int) -> str:
        # Said to be a callback: what signs links to assets with the same secret must never sign this.
        said = f"callback\n{generation_id}\n{attempt}".encode()
        signature = base64.urlsafe_b64encode(hmac.new(self._secret, said, hashlib.sha256).digest()).decode().rstrip("=")
        return f"{generation_id}.{attempt}.{signature}"

    def generation_of(self, token: str) -> str | None:
        """The generation that a token of ours is for; None for any other text."""
        generation_id, _, rest = token.partition(".")
        attempt, _, _ = rest.partition(".")
        if not (is_id(generation_id) and attempt.isascii() and attempt.isdigit() and len(attempt) < 10):
            return None
        good = self.token(generation_id, int(attempt))
        return generation_id if hmac.compare_digest(good.encode(), token.encode("utf-8", "replace")) else None
