"""How much is unfinished, and for how long: what an operator is shown of the store, whichever process did it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from darkroom.generation import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """`oldest_at` is when the oldest of them was submitted."""

    provider: str
    status: Status
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """`ambiguous` by provider; of messages that are due those that have not gone out, and since when the oldest is."""

    unfinished: tuple[Unfinished, ...]
    ambiguous: dict[str, int]
    messages: int
    oldest_due_at: datetime | None


class Surveyed(Protocol):
    async def survey(self, *, now: datetime) -> Survey:
        """Counts over what is unfinished: never a pass over what has ended."""
        ...
