"""How long each model has taken lately: what callers are told to expect, and when the worker asks a provider."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from darkroom.catalogue import Catalogue
from darkroom.errors import Rejected
from darkroom.generation import Generation, Status
from darkroom.ports import Took
from darkroom.told import Outlook

REMEMBERED = 50
"""Completed generations of each model. Their median moves with the provider, and one slow one does not bend it."""

REMEMBERED_UPSTREAM = 200
"""Generations of each model at each provider. Of so many, one is quicker than all that were before it."""

LONGEST_RETRY_S = 30
UNKNOWN_S = 30.0
LATE = 0.1
"""One that takes longer than usual is expected to take this part of its age more: never an instant that is past."""

STORING = 0.999


class History:
    """`rounds_before` tells how many times a queued generation's lane is filled anew before its turn comes, and how
    many generations wait before it; None where it does not wait here."""

    def __init__(
        self, catalogue: Catalogue, *, rounds_before: Callable[[Generation], tuple[float, int] | None] = lambda _: None
    ) -> None:
        self._catalogue = catalogue
        self._rounds_before = rounds_before
        self._took_s: dict[str, deque[float]] = {}
        self._usual_s: dict[str, float] = {}
        self._upstream_s: dict[tuple[str, str], deque[float]] = {}

    def prime(self, took: Iterable[Took]) -> None:
        """What generations took, the oldest first."""
        for each in took:
            self._remember(each.model, each.seconds)
            if each.upstream_s is not None:
                self.learn(each.model, each.provider, each.upstream_s)

    def changed(self, generation: Generation) -> None:
        """Only what was completed tells how long completing takes."""
        if generation.status is not Status.COMPLETED or None in (generation.started_at, generation.settled_at):
            return
        assert generation.started_at is not None
        assert generation.settled_at is not None
        self._remember(generation.model, (generation.settled_at - generation.started_at).total_seconds())

    def _remember(self, model: str, seconds: float) -> None:
        self._took_s.setdefault(model, deque(maxlen=REMEMBERED)).append(seconds)
        self._usual_s.pop(model, None)

    def learn(self, model: str, provider: str, seconds: float) -> None:
        """From the instant that work was sent to a provider until it was found to have ended."""
        self._upstream_s.setdefault((model, provider), deque(maxlen=REMEMBERED_UPSTREAM)).append(seconds)

    def upstream_s(self, model: str, provider: str) -> Sequence[float]:
        """What a provider has taken for a model lately, the oldest first."""
        return self._upstream_s.get((model, provider), ())

    def usual_s(self, model: str) -> float:
        """From a start to its end: as observed, or as the catalogue says until there is anything to observe."""
        usual_s = self._usual_s.get(model)
        if usual_s is not None:
            return usual_s
        if known := self._took_s.get(model):
            return self._usual_s.setdefault(model, median(known))
        try:
            least_s, most_s = self._catalogue.find(model).expected_wait_s
        except Rejected:
            return UNKNOWN_S  # the operator took the model out while its generation was under way
        return (least_s + most_s) / 2

    def retry_after_s(self, generation: Generation, now: datetime) -> int:
        """Whole seconds, from 1 to 30: when asking again is likely to find the end."""
        left_s = (self._end_at(generation, now, rounds=0.0) - now).total_seconds()
        return min(max(-int(-left_s // 1), 1), LONGEST_RETRY_S)

    def outlook(self, generation: Generation, now: datetime) -> Outlook:
        before = self._rounds_before(generation) if generation.status is Status.QUEUED else None
        rounds, position = before if before is not None else (0.0, None)
        return Outlook(
            stage=_stage(generation),
            queue_position=position,
            expected_end_at=None if generation.is_terminal else self._end_at(generation, now, rounds=rounds),
        )

    def _end_at(self, generation: Generation, now: datetime, *, rounds: float) -> datetime:
        usual = timedelta(seconds=self.usual_s(generation.model))
        if generation.status is Status.QUEUED or generation.started_at is None:
            return now + usual * (1 + rounds)
        age = now - generation.started_at
        return max(generation.started_at + usual, now + age * LATE)


def _stage(generation: Generation) -> str:
    if generation.status is not Status.RUNNING:
        return generation.status
    if generation.progress is None:
        return "starting"
    return "storing" if generation.progress > STORING else "generating"
