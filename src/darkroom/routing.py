"""Which provider a generation goes to: by its model's routes, their weights, and who is well."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from darkroom.attempts import AT_LIMIT, Errand
from darkroom.brief import Brief
from darkroom.catalogue import EVERYTHING, Model, Reach, Route
from darkroom.clock import Clock
from darkroom.errors import Failure, ModelUnavailable, ProviderUnavailable
from darkroom.generation import Generation
from darkroom.health import Health
from darkroom.ports import Attempt

NEAR = 0.03
"""Two shapes are the same aspect ratio when they differ by no more than this: encoders round to whole blocks."""

LONGEST_PAUSE_S = 60.0
LONGEST_WISH_S = 300.0
"""The longest pause of ours before the next try, and the longest that a provider may ask for."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a generation goes after an attempt that has sent nothing, and when. `outcome` is that attempt's."""

    provider: str
    after_s: float
    outcome: str


class Routing:
    """`providers` are those of this installation."""

    def __init__(self, *, providers: Collection[str], clock: Clock) -> None:
        self._providers = providers
        self._clock = clock
        self.health = Health(clock)

    def first(self, model: Model, inputs: Mapping[str, object], generation_id: str) -> str:
        """The provider that a new generation goes to; raises `ModelUnavailable` where none takes what is asked for."""
        routes = self._here(model)
        if len(routes) > 1 or routes[0].reach != EVERYTHING:
            words = model.words(inputs)
            routes = _able(model, routes, model.brief(inputs, {}, words), words)
        if len(routes) == 1:
            return routes[0].provider
        names = _in_order(routes, generation_id)
        return next((name for name in names if self.health.is_well(name)), names[0])

    def order(self, errand: Errand) -> list[str]:
        """The providers that may carry it out, in the order in which they are to be tried."""
        generation, model = errand.generation, errand.model
        try:
            routes = _able(model, self._here(model), errand.work.brief, errand.work.words)
        except ModelUnavailable:
            return [errand.provider.name]  # it was accepted with other routes than there are now
        return _in_order(routes, generation.id)

    def upstream(self, model: Model, provider: str, brief: Brief, words: Mapping[str, object]) -> str:
        """A provider's name for a model: of its routes there, the first that takes what is asked for."""
        routes = [route for route in model.routes if route.provider == provider]
        able = [route for route in routes if not lack(route.reach, brief, words)]
        return next((route.upstream for route in (*able, *routes)), model.slug)

    def check(self, errand: Errand) -> None:
        """Before anything is sent; raises `ProviderUnavailable` where its provider rests and another is well."""
        name = errand.provider.name
        if self.health.is_well(name):
            return
        if any(other != name and self.health.is_well(other) for other in self.order(errand)):
            raise ProviderUnavailable("the provider has failed again and again, and is left alone for a while")

    def after(self, errand: Errand, error: Failure) -> Move | None:
        """What follows a try that was certainly not accepted: the next route at once, and when all have been tried, the
        first of them again after a pause. None where there have been enough tries."""
        name = errand.provider.name
        outcome = error.code if errand.is_asked else AT_LIMIT
        before = errand.begun.before
        tried = Counter(a.provider for a in before if a.outcome in (error.code, AT_LIMIT)) + Counter([name])
        failed = Counter(a.provider for a in before if a.outcome == error.code) + Counter([name] * errand.is_asked)
        may_try = [other for other in self.order(errand) if failed[other] < errand.rules.max_attempts]
        if not may_try or (outcome == AT_LIMIT and self._has_waited(errand)):
            return None
        following = min(may_try, key=lambda other: (not self.health.is_well(other), tried[other]))
        if tried[following] < tried[name]:
            return Move(following, 0.0, outcome)
        pause_s = min(errand.rules.retry_s * 2.0 ** min(tried[following] - 1, 10), LONGEST_PAUSE_S)
        wish_s = min(error.retry_after_s or 0.0, LONGEST_WISH_S) if following == name else 0.0
        return Move(following, max(pause_s, wish_s), outcome)

    def reason(self, errand: Errand) -> str:
        """Why it goes where it goes, for the operator."""
        before, name = errand.begun.before, errand.provider.name
        names = self.order(errand)
        if before and before[0].provider != name:
            return f"after {before[0].provider}: {_told(before[0])}"
        if len(names) == 1:
            return "the only route"
        if names[0] == name:
            return "first by weight"
        return f"{names[0]} was resting"

    def _here(self, model: Model) -> list[Route]:
        routes = [route for route in model.routes if route.provider in self._providers]
        if not routes:
            raise ModelUnavailable(model.slug, "no provider of this server runs it")
        return routes

    def _has_waited(self, errand: Errand) -> bool:
        """What was never sent waits for as long as an attempt may take."""
        generation: Generation = errand.generation
        since = generation.started_at or generation.created_at
        return (self._clock.now() - since).total_seconds() >= errand.rules.limit_s


def _told(attempt: Attempt) -> str:
    return attempt.detail[:200] or attempt.outcome or "cut off"


def _able(model: Model, routes: Sequence[Route], brief: Brief, words: Mapping[str, object]) -> list[Route]:
    """Those that take what is asked for; raises `ModelUnavailable` with what each of them does take."""
    if len(routes) == 1 and routes[0].reach == EVERYTHING:
        return [*routes]
    lacks = [lack(route.reach, brief, words) for route in routes]
    able = [route for route, what in zip(routes, lacks, strict=True) if not what]
    if not able:
        why = "; ".join(dict.fromkeys(lacks))
        raise ModelUnavailable(model.slug, f"no provider of this server runs it with these inputs ({why})")
    return able


def lack(reach: Reach, brief: Brief, words: Mapping[str, object]) -> str:
    """What a route does not take of what is asked for, as what it does take; empty where it takes everything."""
    if reach.tasks and brief.task not in reach.tasks:
        return f"only {_either(reach.tasks)} is done"
    duration_s = brief.duration_s
    if reach.durations_s and duration_s is not None and duration_s not in reach.durations_s:
        return f"only {_either(f'{each:g}' for each in reach.durations_s)} s long"
    if reach.longest_s is not None and duration_s is not None and duration_s > reach.longest_s:
        return f"up to {reach.longest_s:g} s long"
    resolution = words.get("resolution")
    if reach.resolutions and resolution is not None and str(resolution) not in reach.resolutions:
        return f"only in {_either(reach.resolutions)}"
    if reach.aspect_ratios and not _fits(reach.aspect_ratios, brief, words.get("aspect_ratio")):
        return f"only as {_either(reach.aspect_ratios)}"
    return ""


def _fits(ratios: Sequence[str], brief: Brief, said: object) -> bool:
    if said is not None and str(said) in ratios:
        return True
    if not (brief.width and brief.height):
        return said is None
    shape = brief.width / brief.height
    return any(abs(shape / _ratio(text) - 1) <= NEAR for text in ratios if _ratio(text))


def _ratio(text: str) -> float:
    width, _, height = text.partition(":")
    try:
        return float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        return 0.0  # a word such as "adaptive"


def _either(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _in_order(routes: Sequence[Route], generation_id: str) -> list[str]:
    """Their providers: the first by weight, the same one for the same generation; then the others as they stand."""
    if len(routes) == 1:
        return [routes[0].provider]
    names = [route.provider for route in routes]
    total = sum(route.weight for route in routes)
    if total <= 0:
        return list(dict.fromkeys(names))
    # Of an id only the last 32 bits are random: those before them count up within a millisecond.
    point = int(generation_id[-8:], 16) / (1 << 32) * total
    first = next((route.provider for route in routes if (point := point - route.weight) < 0), names[0])
    return list(dict.fromkeys((first, *names)))
