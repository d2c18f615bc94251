"""What an operator watches, for Prometheus."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from darkroom.credits import MICRO
from darkroom.generation import Generation

LOOK_EVERY_S = 0.5

QUICK_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
CALL_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
WAIT_BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = _Requests(self.registry)
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
            "Generations that ended, by model, provider, status and cause",
            ["model", "provider", "status", "cause"],
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
        self._attempts = Counter(
            "darkroom_attempts", "Attempts that ended, by outcome", ["provider", "outcome"], registry=self.registry
        )
        self._calls = Histogram(
            "darkroom_provider_call_seconds",
            "Calls to providers, by what came of them: ok, or an error's code",
            ["provider", "call", "outcome"],
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        self._writes = Histogram(
            "darkroom_store_write_seconds",
            "A worker's writes, from asking to the disk",
            ["verb"],
            buckets=QUICK_BUCKETS_S,
            registry=self.registry,
        )
        self._settles = Histogram(
            "darkroom_settle_seconds",
            "From a provider's result to ours: stored, settled and told",
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        self._lag = Histogram(
            "darkroom_event_loop_lag_seconds",
            "How late the event loop was, looked at twice a second",
            buckets=QUICK_BUCKETS_S,
            registry=self.registry,
        )

    def asked(self, dialect: str, verb: str) -> None:
        self._requests.counts[dialect, verb] += 1

    def refused(self, dialect: str, code: str) -> None:
        self._refused.labels(dialect, code).inc()

    def repeated(self, dialect: str, reason: str) -> None:
        self._repeated.labels(dialect, reason).inc()

    def changed(self, generation: Generation) -> None:
        if generation.settled_at is None:
            return
        cause = generation.cause.code if generation.cause else ""
        self._settled.labels(generation.model, generation.provider, generation.status, cause).inc()
        self._spent.labels(generation.model).inc(generation.spent_total / MICRO)
        self._waited.labels(generation.status).observe((generation.settled_at - generation.created_at).total_seconds())

    def called(self, provider: str, call: str, outcome: str, seconds: float) -> None:
        self._calls.labels(provider, call, outcome).observe(seconds)

    def attempt_ended(self, provider: str, outcome: str) -> None:
        self._attempts.labels(provider, outcome).inc()

    def wrote(self, verb: str, seconds: float) -> None:
        self._writes.labels(verb).observe(seconds)

    def settled(self, seconds: float) -> None:
        self._settles.observe(seconds)

    def watch_loop(self) -> None:
        """Look how late the running event loop is, from now until it ends."""
        loop = asyncio.get_running_loop()

        def look(due: float) -> None:
            self._lag.observe(max(loop.time() - due, 0.0))
            loop.call_later(LOOK_EVERY_S, look, loop.time() + LOOK_EVERY_S)

        loop.call_later(LOOK_EVERY_S, look, loop.time() + LOOK_EVERY_S)

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


class _Requests(Collector):
    """Counted in a dictionary: the library's counter is a tenth of a status read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.counts: dict[tuple[str, str], int] = defaultdict(int)
        registry.register(self)

    def collect(self) -> list[CounterMetricFamily]:
        family = CounterMetricFamily("darkroom_requests", "Requests, by dialect and verb", labels=["dialect", "verb"])
        for labels, count in list(self.counts.items()):
            family.add_metric(labels, count)
        return [family]
