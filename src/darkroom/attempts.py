"""What the earlier attempts of a generation left, what the next one makes of it, and the rules for both."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from darkroom.catalogue import Model
from darkroom.generation import Generation
from darkroom.ports import NOWHERE, Address, Attempt, Begun, Provider, Ticket, Work

SENDING = ""
"""The ticket of an attempt whose paid call has gone out, until its answer is stored."""

HANDED_BACK = "handed back"
FOUND = "found"
"""Ambiguous at first; then a look-up has told its ticket."""
AT_LIMIT = "at a limit"
"""Never sent: the provider's credentials were at their limits, or it was known to be ill."""
AMBIGUOUS = "ambiguous"
RETRY = "retry"
"""An operator's word, or the policy's: start an ambiguous attempt anew, at the risk of paying twice."""

GOES_ON = (None, HANDED_BACK, FOUND, AMBIGUOUS)
"""What an attempt left with one of these outcomes is the next one's; any other is done with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`limit_s` is the longest that one attempt may take; `hold_s` how long an ambiguous one waits for an operator.
    `verdict_s` is how long a provider may take to say, at a limit, whether it has finished after all."""

    max_attempts: int
    limit_s: float
    when_ambiguous: str
    hold_s: float
    retry_s: float = 1.0
    verdict_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What earlier attempts left. A `ticket` is polled, and never submitted again. `is_lost` says that one was cut off
    inside its paid call, and nobody has decided since; `held_since` that it is ambiguous, from then on."""

    ticket: Ticket | None = None
    is_lost: bool = False
    held_since: datetime | None = None
    address: Address = NOWHERE
    sent_at: datetime | None = None
    reason: str = ""
    detail: str = ""


NOTHING = Left()


def left_by(before: tuple[Attempt, ...]) -> Left:
    """From the earlier attempts, newest first."""
    if not before:
        return NOTHING
    open_ones = list(takewhile(lambda attempt: attempt.outcome in GOES_ON, before))
    sent = next((attempt for attempt in open_ones if attempt.ticket is not None), None)
    held = [a for a in takewhile(lambda a: a.outcome != FOUND, open_ones) if a.outcome == AMBIGUOUS]
    if sent is None and not held:
        return NOTHING
    ticket = Ticket(sent.ticket) if sent is not None and sent.ticket else None
    return Left(
        ticket=ticket,
        is_lost=ticket is None,
        held_since=(held[-1].ended_at or held[-1].started_at) if held else None,
        address=Address(base_url=sent.base_url, credential=sent.credential) if sent is not None else NOWHERE,
        sent_at=sent.sent_at if sent is not None else None,
        reason=sent.reason if sent is not None else "",
        detail=held[0].detail if held else "",
    )


def tries(begun: Begun, outcome: str) -> int:
    """How often it has come to this, this time included. What a restart cut off does not count."""
    return 1 + sum(attempt.outcome == outcome for attempt in begun.before)


@dataclass(slots=True, kw_only=True)
class Errand:
    """An attempt under way: what it is to do and where, and since when. `is_asked` says that the provider has been
    called, `is_sending` that this call must not be repeated; a `ticket` is the answer to it."""

    begun: Begun
    model: Model
    provider: Provider
    work: Work
    rules: Rules
    left: Left
    ticket: Ticket | None = None
    sent_at: datetime | None = None
    is_asked: bool = False
    is_sending: bool = False
    reason: str = ""

    def go_on_with(self, ticket: Ticket) -> None:
        """A look-up has told what came of the paid call."""
        self.ticket = ticket
        self.left = replace(self.left, ticket=ticket, is_lost=False, held_since=None)

    @property
    def generation(self) -> Generation:
        return self.begun.generation

    @property
    def is_out(self) -> bool:
        """Whether its provider has the work, or may have it, and would not do it again for nothing."""
        return (self.is_asked or self.ticket is not None) and not (self.is_here and self.provider.may_restart)

    @property
    def is_here(self) -> bool:
        """Whether this very process does the work, in its polls."""
        return self.work.address == NOWHERE
