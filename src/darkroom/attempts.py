"""What the earlier attempts of a generation left, and what the next one makes of it."""

from darkroom.ports import Attempt, Begun, Ticket

SENDING = ""
"""The ticket of an attempt whose paid call has gone out, until its answer is stored."""

HANDED_BACK = "handed back"
AMBIGUOUS = "ambiguous"
RETRY = "retry"
"""An operator's word, or the policy's: start an ambiguous attempt anew, at the risk of paying twice."""


def tries(begun: Begun, outcome: str) -> int:
    """How often it has come to this, this time included. What a restart cut off does not count."""
    return 1 + sum(attempt.outcome == outcome for attempt in begun.before)


def resumable(before: tuple[Attempt, ...]) -> Ticket | None:
    """The upstream reference that an interrupted attempt left: poll it, never submit again."""
    for attempt in before:
        if attempt.outcome not in (None, HANDED_BACK):
            return None
        if attempt.ticket:
            return Ticket(attempt.ticket)
    return None


def was_sending(before: tuple[Attempt, ...]) -> bool:
    """Whether an earlier attempt was cut off inside its paid call, and nobody has decided since."""
    for attempt in before:
        if attempt.outcome == AMBIGUOUS:
            return True
        if attempt.outcome not in (None, HANDED_BACK):
            return False
        if attempt.ticket == SENDING:
            return True
    return False
