"""The books: double-entry, append-only. Credits move between four buckets that always sum to zero.

grant    issued    → available      an operator gives
hold     available → held           a submit reserves its quote
capture  held      → spent          a completed generation pays
release  held      → available      everything else is given back
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from darkroom.credits import ZERO, Credits
from darkroom.errors import InsufficientCredits


class Kind(StrEnum):
    GRANT = "grant"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"


class Bucket(StrEnum):
    ISSUED = "issued"
    AVAILABLE = "available"
    HELD = "held"
    SPENT = "spent"


FLOWS: Mapping[Kind, tuple[Bucket, Bucket]] = {
    Kind.GRANT: (Bucket.ISSUED, Bucket.AVAILABLE),
    Kind.HOLD: (Bucket.AVAILABLE, Bucket.HELD),
    Kind.CAPTURE: (Bucket.HELD, Bucket.SPENT),
    Kind.RELEASE: (Bucket.HELD, Bucket.AVAILABLE),
}


class Purse(StrEnum):
    """Where credits come from. They are held and captured in this order: what lapses first is used first."""

    SUBSCRIPTION = "subscription"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement of `amount` micro-credits (more than 0). `sequence` and `at` are the store's, 0 and None before."""

    account_id: str
    kind: Kind
    purse: Purse
    amount: Credits
    generation_id: str | None = None
    note: str = ""
    sequence: int = 0
    at: datetime | None = None


@dataclass(slots=True)
class Balance:
    """What one purse holds, by bucket, in micro-credits. `issued` is what came in, as a negative."""

    buckets: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(Bucket, 0))

    def post(self, entry: Entry) -> None:
        source, target = FLOWS[entry.kind]
        self.buckets[source] -= entry.amount
        self.buckets[target] += entry.amount

    @property
    def available(self) -> Credits:
        return Credits(self.buckets[Bucket.AVAILABLE])

    @property
    def held(self) -> Credits:
        return Credits(self.buckets[Bucket.HELD])

    @property
    def spent(self) -> Credits:
        return Credits(self.buckets[Bucket.SPENT])

    @property
    def granted(self) -> Credits:
        return Credits(-self.buckets[Bucket.ISSUED])


def hold(account_id: str, generation_id: str, *, quote: Credits, available: Mapping[Purse, Credits]) -> list[Entry]:
    """Reserve the quote, from the first purse first; raises `InsufficientCredits`. A free generation holds nothing."""
    total = sum(available.values())
    if quote > total:
        raise InsufficientCredits(needed=quote, available=total)
    entries = []
    wanted = quote
    for purse in Purse:
        amount = Credits(min(wanted, available.get(purse, ZERO)))
        wanted = Credits(wanted - amount)
        if amount > 0:
            entries.append(
                Entry(account_id=account_id, kind=Kind.HOLD, purse=purse, amount=amount, generation_id=generation_id)
            )
    return entries


def settle(held: Sequence[Entry], *, used: Credits) -> list[Entry]:
    """Capture what was used, in the order of the purses, and release the rest. A failure used nothing."""
    assert used >= 0
    entries = []
    # A provider can bill us more than we quoted. That is our loss, not the caller's.
    wanted = used
    for entry in held:
        assert entry.kind is Kind.HOLD
        captured = min(wanted, entry.amount)
        wanted = Credits(wanted - captured)
        for kind, amount in ((Kind.CAPTURE, captured), (Kind.RELEASE, entry.amount - captured)):
            if amount > 0:
                entries.append(
                    Entry(
                        account_id=entry.account_id,
                        kind=kind,
                        purse=entry.purse,
                        amount=Credits(amount),
                        generation_id=entry.generation_id,
                    )
                )
    return entries


class Replay:
    """Every balance, worked out again from nothing but the entries."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.balances: dict[tuple[str, Purse], Balance] = {}
        for entry in entries:
            self.post(entry)

    def post(self, entry: Entry) -> None:
        place = entry.account_id, entry.purse
        balance = self.balances.get(place)
        if balance is None:
            balance = self.balances[place] = Balance()
        balance.post(entry)


def replay(entries: Iterable[Entry]) -> dict[tuple[str, Purse], Balance]:
    return Replay(entries).balances
