"""Which providers take work lately: one that fails again and again is left alone, and then tried with a single one."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from darkroom.clock import Clock

FAILURES = 5
WINDOW = timedelta(seconds=60)
"""So many failures in so much time, and no success since the first of them."""

FIRST_REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=5)
"""A rest doubles with each trial that fails."""

TRIAL = timedelta(seconds=120)
"""A trial that nobody has told the end of was cut off: there may be another one."""


@dataclass(slots=True)
class _Circuit:
    failed_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=FAILURES))
    rest: timedelta = FIRST_REST
    rests_until: datetime | None = None
    trial_since: datetime | None = None


class Health:
    """Known to this process, of what it has sent itself. It only chooses between routes: work that has no other route
    is sent all the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    def is_well(self, provider: str) -> bool:
        """Whether work may be sent there: it does not rest, or its rest is over and nobody is trying it."""
        circuit = self._circuits.get(provider)
        if circuit is None or circuit.rests_until is None:
            return True
        now = self._clock.now()
        is_tried = circuit.trial_since is not None and now - circuit.trial_since < TRIAL
        return now >= circuit.rests_until and not is_tried

    def sending(self, provider: str) -> None:
        """Work goes there now; after a rest it is the trial."""
        circuit = self._circuits.get(provider)
        if circuit is not None and circuit.rests_until is not None:
            circuit.trial_since = self._clock.now()

    def answered(self, provider: str) -> None:
        """It took the work or refused it: either way it is well."""
        self._circuits.pop(provider, None)

    def failed(self, provider: str) -> None:
        """It was not reached, had no time, or its answer was lost."""
        circuit = self._circuits.setdefault(provider, _Circuit())
        now = self._clock.now()
        if circuit.rests_until is not None:
            if circuit.trial_since is not None:
                circuit.rest = min(circuit.rest * 2, LONGEST_REST)
                circuit.rests_until = now + circuit.rest
                circuit.trial_since = None
            return
        circuit.failed_at.append(now)
        if len(circuit.failed_at) == FAILURES and now - circuit.failed_at[0] <= WINDOW:
            circuit.rests_until = now + circuit.rest

    @property
    def resting(self) -> dict[str, int]:
        """Each provider that has failed lately: 1 for one that rests."""
        return {name: int(circuit.rests_until is not None) for name, circuit in self._circuits.items()}
