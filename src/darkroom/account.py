"""Who pays and what they may do: accounts, their plans, and the keys that prove who is calling."""

import hashlib
import hmac
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from darkroom.ids import new_secret
from darkroom.ledger import Balance, Purse

ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an account may do. `None` is no limit. `level` orders plans of one system, for models that ask for one.
    `asset_bytes` is the most that one uploaded asset may have, `stored_bytes` all of an account's inputs together.
    `free_status_reads` leaves reads of a generation out of the calls that are counted, in every dialect.

    `sees_costs` is for operators alone: what everything has brought in and cost. `upstream_urls` shows where results
    came from.

    `in_flight` counts the unfinished; with `over_limit = "queue"` it is how many may run, and more than that wait."""

    name: str
    title: str
    level: int = 100
    calls_per_minute: int | None = None
    calls_per_hour: int | None = None
    calls_per_day: int | None = None
    in_flight: int | None = None
    over_limit: Literal["reject", "queue"] = "reject"
    models: tuple[str, ...] = ("*",)
    retention_days: int | None = None
    asset_bytes: int | None = None
    stored_bytes: int | None = None
    monthly_credits: int = 0
    api_access: bool = True
    free_status_reads: bool = False
    sees_costs: bool = False
    upstream_urls: bool = False

    def allows(self, slug: str) -> bool:
        return _is_among(slug, self.models)

    @property
    def windows(self) -> Mapping[str, int | None]:
        return {"minute": self.calls_per_minute, "hour": self.calls_per_hour, "day": self.calls_per_day}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    number: int
    name: str
    plan: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key as we keep it: its hash, never itself. `hint` is its beginning, enough to tell keys apart."""

    number: int
    account_id: str
    name: str
    hint: str
    dialect: str
    hash: bytes
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyForm:
    """How the keys of a dialect look: a prefix, then random characters up to `length` in all. `shown` of them tell
    keys apart."""

    prefix: str
    length: int
    alphabet: str = ALPHANUMERIC
    shown: int = 6

    def make(self) -> str:
        return self.prefix + new_secret(self.length - len(self.prefix), alphabet=self.alphabet)

    def hint(self, secret: str) -> str:
        return secret[: len(self.prefix) + self.shown]

    def fits(self, secret: str) -> bool:
        """Whether a text looks like a key of this form, whether or not there is such a key."""
        return len(secret) == self.length and secret.startswith(self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is calling: the account, the key it used, and its plan."""

    account: Account
    key: Key
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What came in and went out since the calendar month (UTC) began, in micro-credits, and when the next one does."""

    granted: int
    spent: int
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An account with its balances by purse, and how many of its generations are unfinished. `month` is there for who
    asks for it."""

    account: Account
    plan: Plan
    balances: Mapping[Purse, Balance] = field(default_factory=dict)
    in_flight: int = 0
    month: Month | None = None

    @property
    def available(self) -> int:
        return sum(balance.available for balance in self.balances.values())

    @property
    def held(self) -> int:
        return sum(balance.held for balance in self.balances.values())

    @property
    def spent(self) -> int:
        return sum(balance.spent for balance in self.balances.values())

    @property
    def granted(self) -> int:
        return sum(balance.granted for balance in self.balances.values())


@lru_cache(maxsize=4096)
def _is_among(slug: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(slug, pattern) for pattern in patterns)


def hash_key(secret: str) -> bytes:
    """SHA-256 suffices: a key has more than 128 random bits, so there is nothing to guess slowly."""
    return hashlib.sha256(secret.encode()).digest()


def is_same_hash(left: bytes, right: bytes) -> bool:
    return hmac.compare_digest(left, right)
