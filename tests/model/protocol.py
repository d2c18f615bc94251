"""The protocol in plain Python, by hand from docs/generations.md and docs/ledger.md: no SQL, no store."""

from dataclasses import dataclass, field

ENDED = ("completed", "failed", "canceled")
MOVES = {
    "queued": ("running", "failed", "canceled"),
    "running": ("queued", "completed", "failed", "canceled"),
    "completed": (),
    "failed": (),
    "canceled": (),
}
PURSES = ("subscription", "permanent")
"""In the order in which they are held and spent."""


class Refused(Exception):
    """What the protocol says no to; nothing has changed. The word is one of those below."""


STALE, POOR, MANY, CONFLICT, UNDECIDABLE = (
    "stale",
    "no credits",
    "too many in flight",
    "another request",
    "not ambiguous",
)


@dataclass
class Try:
    """An attempt: the provider's reference, and how it stands."""

    ticket: str | None = None
    outcome: str | None = None


@dataclass
class Life:
    """A generation: where it is, what it has moved, what was told of it."""

    quote: int
    held: dict[str, int]
    status: str = "queued"
    tries: list[Try] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=dict)
    released: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=lambda: ["queued"])

    @property
    def attempt(self) -> int:
        return len(self.tries)

    def move(self, to: str, *, quietly: bool = False) -> None:
        assert to in MOVES[self.status], f"the model itself moves {self.status} to {to}"
        self.status = to
        if not quietly:
            self.told.append(to)


@dataclass
class Protocol:
    """One account. Every method is one transaction: it changes all of it, or raises `Refused`."""

    available: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PURSES, 0))
    granted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PURSES, 0))
    lives: dict[str, Life] = field(default_factory=dict)
    keys: dict[str, tuple[int, str]] = field(default_factory=dict)

    def grant(self, purse: str, amount: int) -> None:
        self.granted[purse] += amount
        self.available[purse] += amount

    def submit(self, id: str, quote: int, *, key: str | None = None, limit: int | None = None) -> str:
        """The id that was accepted, or that the key led to before. The quote stands for the whole request."""
        if key in self.keys:
            said, earlier = self.keys[key]
            if said != quote:
                raise Refused(CONFLICT)
            return earlier
        if limit is not None and len(self.unfinished()) >= limit:
            raise Refused(MANY)
        if quote > sum(self.available.values()):
            raise Refused(POOR)
        held, wanted = {}, quote
        for purse in PURSES:
            amount = min(wanted, self.available[purse])
            wanted -= amount
            self.available[purse] -= amount
            if amount:
                held[purse] = amount
        self.lives[id] = Life(quote=quote, held=held)
        if key is not None:
            self.keys[key] = (quote, id)
        return id

    def begin(self, id: str) -> int | None:
        life = self.lives[id]
        if life.status != "queued":
            return None
        life.move("running")
        life.tries.append(Try())
        return life.attempt

    def note_ticket(self, id: str, attempt: int, ticket: str) -> None:
        self._fenced(id, attempt).tries[-1].ticket = ticket

    def note_outcome(self, id: str, attempt: int, outcome: str) -> None:
        self._fenced(id, attempt).tries[-1].outcome = outcome

    def settle(self, id: str, attempt: int, status: str, used: int) -> None:
        life = self._fenced(id, attempt)
        life.tries[-1].outcome = status
        self._end(life, status, used)

    def hand_back(self, id: str, attempt: int, outcome: str) -> None:
        life = self._fenced(id, attempt)
        life.tries[-1].outcome = outcome
        life.move("queued", quietly=True)

    def cancel(self, id: str, *, is_billed: bool) -> None:
        life = self.lives[id]
        if life.status in ENDED:
            return
        if life.tries:
            life.tries[-1].outcome = "canceled"
        self._end(life, "canceled", life.quote if is_billed and life.status == "running" else 0)

    def decide(self, id: str, *, is_retry: bool) -> None:
        life = self.lives[id]
        if life.status in ENDED or not life.tries or life.tries[-1].outcome != "ambiguous":
            raise Refused(UNDECIDABLE)
        life.tries[-1].outcome = "retry" if is_retry else "failed"
        if life.status == "running":
            life.move("queued", quietly=True)
        if not is_retry:
            self._end(life, "failed", 0)

    def fail_unstarted(self, id: str) -> None:
        life = self.lives[id]
        if life.status == "queued" and not life.tries:
            self._end(life, "failed", 0)

    def rescue(self) -> None:
        for life in self.lives.values():
            if life.status == "running":
                life.move("queued", quietly=True)

    def unfinished(self) -> list[str]:
        return [id for id, life in self.lives.items() if life.status not in ENDED]

    def queued(self) -> list[str]:
        return [id for id, life in self.lives.items() if life.status == "queued"]

    def total(self, what: str, purse: str) -> int:
        """What the generations hold, or have spent, from a purse."""
        if what == "held":
            return sum(life.held.get(purse, 0) for life in self.lives.values() if life.status not in ENDED)
        return sum(life.spent.get(purse, 0) for life in self.lives.values())

    def _fenced(self, id: str, attempt: int) -> Life:
        life = self.lives[id]
        if life.status != "running" or life.attempt != attempt:
            raise Refused(STALE)
        return life

    def _end(self, life: Life, status: str, used: int) -> None:
        life.move(status)
        for purse, held in life.held.items():
            spent = min(used, held)
            used -= spent
            self.available[purse] += held - spent
            if spent:
                life.spent[purse] = spent
            if held > spent:
                life.released[purse] = held - spent
