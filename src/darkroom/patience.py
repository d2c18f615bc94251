"""How long the courier goes on: when a try is followed by another, and when an endpoint is left alone."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from darkroom.guarded import Answered

USUAL_SCHEDULE_S = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""Seconds from each failed try to the next; after the last one a delivery is given up."""

LONGEST_REST_S = 3600.0
"""However long a receiver asks us to wait, it is asked again after this."""

HOPELESS_AFTER = timedelta(days=5)
"""An endpoint whose every try has failed for so long is disabled."""

GONE = 410
BUSY = frozenset({429, 503})

Stretch = Callable[[], float]


def jitter() -> float:
    """Up to a tenth more or less: what failed together does not come back together."""
    return random.uniform(0.9, 1.1)  # noqa: S311 - nothing secret


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went. `status` is None where there was no answer; `rest_s` is what the receiver asked for."""

    is_done: bool
    text: str
    status: int | None = None
    rest_s: float = 0.0

    @property
    def disable_why(self) -> str:
        """Why nothing more is to be sent there, where it said so."""
        return "it answered 410 Gone" if self.status == GONE else ""


def outcome_of(answered: Answered, *, now: datetime) -> Outcome:
    rest_s = rest_s_of(answered.retry_after, now) if answered.status in BUSY else 0.0
    is_done = 200 <= answered.status < 300
    return Outcome(is_done=is_done, text=f"answered {answered.status}", status=answered.status, rest_s=rest_s)


def next_try_at(
    outcome: Outcome, *, tries: int, schedule_s: Sequence[float], now: datetime, stretch: Stretch
) -> datetime | None:
    """When a delivery goes out again that was tried `tries` times before this; None where it does not."""
    if outcome.is_done or outcome.status == GONE or tries >= len(schedule_s):
        return None
    return now + timedelta(seconds=max(schedule_s[tries] * stretch(), outcome.rest_s))


def rest_s_of(retry_after: str, now: datetime) -> float:
    """`Retry-After`, as seconds or as an HTTP date; 0 where it says nothing that can be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_REST_S)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_REST_S)
