"""A provider's credentials: where a secret is found, how it signs a call, and how much may be asked of it.

A secret is read when the provider opens, lives in memory alone, and is taken out of whatever is shown.
"""

import asyncio
import base64
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import jwt

from darkroom.errors import Misconfigured
from darkroom.providers.manifest.form import AuthForm, CredentialForm

BLANK = "***"
COMMAND_LIMIT_S = 20.0
LEAST_LETTERS = 4
"""Of a part of a secret that is blanked: to blank each `a` would hide nothing and leave nothing."""

TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]++\.eyJ[\w-]++\.[\w-]+")
"""A signature as `jwt` makes it for each call."""

EARLY_S = 5.0
"""Clocks differ: a signature is valid from a little before now."""


class Credential:
    """`running` are the references that it works for now, `elsewhere` how many it works for at other processes,
    `resting_until` is when the upstream will hear it again, on the loop's clock, and `spent_usd` what it has cost this
    month."""

    def __init__(self, form: CredentialForm, *, slots: int, rate: float | None) -> None:
        self.name = form.name
        self.form = form
        self.slots = form.slots or slots
        self.running: set[str] = set()
        self.elsewhere = 0
        self.resting_until = 0.0
        self.spent_usd = 0.0
        self.pacer = Pacer(form.requests_per_second or rate)
        self._secret: str | None = None

    def read(self, *, environment: Mapping[str, str] = os.environ) -> None:
        """Find the secret; raises `Misconfigured` with where it was looked for, never with what was found."""
        if self.form == CredentialForm(name="none"):
            self._secret = ""
            return
        self._secret = _secret(self.form, environment).strip()
        if not self._secret:
            raise Misconfigured(f"credential '{self.name}': {_where(self.form)} is empty")
        if not (self._secret.isascii() and self._secret.isprintable()):
            # It could not stand in a header; a file with two lines, or one that begins with an invisible mark.
            raise Misconfigured(f"credential '{self.name}': {_where(self.form)} holds more than a key")

    def check(self, auth: AuthForm) -> None:
        """Raises `Misconfigured` for a secret that cannot sign so."""
        id, colon, key = self.secret.partition(":")
        if (auth.kind == "basic" and not colon) or (auth.kind == "jwt" and not (id and key)):
            raise Misconfigured(f"credential '{self.name}': {_where(self.form)} is not of the form ID:SECRET")

    @property
    def secret(self) -> str:
        assert self._secret is not None, "read() first"
        return self._secret

    def blank(self, text: str) -> str:
        """The text without the secret, nor a part of one that has two, in any form that it goes out in."""
        for form in _forms(self._secret or ""):
            text = text.replace(form, BLANK)
        return TOKEN.sub(BLANK, text)

    @property
    def taken(self) -> int:
        """How many of its slots are."""
        return len(self.running) + self.elsewhere

    def has_room(self, now: float) -> bool:
        budget = self.form.budget_usd
        return (
            not self.form.retired
            and self.taken < self.slots
            and now >= self.resting_until
            and (budget is None or self.spent_usd < budget)
        )


@dataclass(slots=True)
class Pacer:
    """Lets so many calls a second go, each in its turn; None is as many as come. It is one of `workers` that share the
    rate, and takes an equal part of it."""

    rate: float | None
    workers: int = 1
    _free_at: float = field(default=0.0)

    async def turn(self) -> None:
        if self.rate is None:
            return
        loop = asyncio.get_running_loop()
        at = max(self._free_at, loop.time())
        self._free_at = at + self.workers / self.rate
        await asyncio.sleep(at - loop.time())


@dataclass(frozen=True, slots=True)
class Signed:
    """What a call carries to be let in."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def sign(auth: AuthForm, credential: Credential, *, now: float) -> Signed:
    """`now` in seconds since the epoch."""
    match auth.kind:
        case "none":
            return Signed()
        case "query":
            return Signed(query={auth.name: credential.secret})
        case "header":
            return Signed(headers={auth.name: auth.prefix + credential.secret})
        case "basic":
            token = base64.b64encode(credential.secret.encode()).decode()
            return Signed(headers={"Authorization": f"Basic {token}"})
        case "jwt":
            return Signed(headers={auth.name: f"Bearer {_token(auth, credential, now)}"})
        case _:
            return Signed(headers={auth.name: f"Bearer {credential.secret}"})


def _token(auth: AuthForm, credential: Credential, now: float) -> str:
    issuer, _, key = credential.secret.partition(":")
    claims = {"iss": issuer, "exp": int(now + auth.lifetime_s), "nbf": int(now - EARLY_S)}
    return jwt.encode(claims, key, algorithm="HS256")


@lru_cache(maxsize=256)
def _forms(secret: str) -> tuple[str, ...]:
    """As it is, in its parts, as basic auth and as a URL write it; the longest first."""
    plain = [part for part in (secret, *secret.split(":")) if len(part) >= LEAST_LETTERS]
    encoded = [base64.b64encode(part.encode()).decode() for part in plain]
    return tuple(sorted({*plain, *encoded, *(quote(part, safe="") for part in plain)}, key=len, reverse=True))


def _secret(form: CredentialForm, environment: Mapping[str, str]) -> str:
    if form.environment:
        return environment.get(form.environment, "")
    if form.file:
        try:
            return Path(form.file).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise Misconfigured(f"credential '{form.name}': {_where(form)} cannot be read") from None
    return _printed(form)


def _printed(form: CredentialForm) -> str:
    try:
        done = subprocess.run(form.command, capture_output=True, timeout=COMMAND_LIMIT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        # Neither what it printed nor its arguments: a secret may stand in both.
        raise Misconfigured(f"credential '{form.name}': its command failed") from None
    return done.stdout.decode("utf-8", "replace")


def _where(form: CredentialForm) -> str:
    if form.environment:
        return f"the environment variable {form.environment}"
    return f"the file {form.file}" if form.file else f"the output of {form.command[0]}"


def freest(credentials: Mapping[str, Credential], now: float) -> Credential | None:
    """Of those that have room, the one with the most of it."""
    open_ones = [credential for credential in credentials.values() if credential.has_room(now)]
    return max(open_ones, key=lambda each: 1 - each.taken / each.slots, default=None)
