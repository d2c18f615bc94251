"""What an operator watches, for Prometheus."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from darkroom.credits import MICRO
from darkroom.generation import Generation

WAIT_BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._asked = Counter(
            "darkroom_requests", "Requests, by dialect and verb", ["dialect", "verb"], registry=self.registry
        )
        self._refused = Counter(
            "darkroom_refusals", "Requests refused, by dialect and reason", ["dialect", "code"], registry=self.registry
        )
        self._repeated = Counter(
            "darkroom_repeated_submits",
            "Submits answered with the generation of an earlier one, by dialect and reason",
            ["dialect", "reason"],
            registry=self.registry,
        )
        self._settled = Counter(
            "darkroom_generations_settled",
            "Generations that ended, by model, status and cause",
            ["model", "status", "cause"],
            registry=self.registry,
        )
        self._spent = Counter(
            "darkroom_credits_captured", "Credits captured, by model", ["model"], registry=self.registry
        )
        self._waited = Histogram(
            "darkroom_generation_seconds",
            "From submit to the end",
            ["status"],
            buckets=WAIT_BUCKETS_S,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str], Counter] = {}

    def asked(self, dialect: str, verb: str) -> None:
        child = self._children.get((dialect, verb))
        if child is None:
            child = self._children[dialect, verb] = self._asked.labels(dialect, verb)
        child.inc()

    def refused(self, dialect: str, code: str) -> None:
        self._refused.labels(dialect, code).inc()

    def repeated(self, dialect: str, reason: str) -> None:
        self._repeated.labels(dialect, reason).inc()

    def changed(self, generation: Generation) -> None:
        if generation.settled_at is None:
            return
        cause = generation.cause.code if generation.cause else ""
        self._settled.labels(generation.model, generation.status, cause).inc()
        self._spent.labels(generation.model).inc(generation.spent_total / MICRO)
        self._waited.labels(generation.status).observe((generation.settled_at - generation.created_at).total_seconds())

    def watch(self, name: str, about: str, read: Callable[[], Mapping[str, float]]) -> None:
        """A gauge that is read when it is asked for; `read` gives its values by lane."""
        self.registry.register(_Gauge(name, about, read))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Gauge(Collector):
    def __init__(self, name: str, about: str, read: Callable[[], Mapping[str, float]]) -> None:
        self._name = name
        self._about = about
        self._read = read

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._about, labels=["lane"])
        for lane, value in self._read().items():
            family.add_metric([lane], value)
        return [family]
