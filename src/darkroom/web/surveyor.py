"""What the store holds unfinished, for Prometheus: of all processes, asked for when it is looked at."""

import asyncio
from collections.abc import Iterator
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from darkroom.clock import Clock
from darkroom.generation import Status
from darkroom.survey import Survey, Surveyed

log = structlog.get_logger(__name__)

KEPT_S = 5.0
"""However often it is looked at, the store is asked no more often."""

ANSWER_LIMIT_S = 5.0


class Surveyor(Collector):
    def __init__(
        self,
        store: Surveyed,
        registry: CollectorRegistry,
        *,
        clock: Clock,
        kept_s: float = KEPT_S,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._kept_s = kept_s
        self._limit_s = limit_s
        self._survey: Survey | None = None
        self._at: datetime | None = None
        self._until = 0.0
        self._asked: asyncio.Task[Survey] | None = None
        self._turn = asyncio.Lock()
        registry.register(self)

    async def look(self) -> None:
        """Ask the store, unless it was asked a moment ago. Where it does not answer, `darkroom_store_up` says so."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            if loop.time() < self._until:
                return
            try:
                self._survey = await self._ask()
            except Exception:
                log.exception("the store was not surveyed")
                self._survey = None
            # From now, not from the question: who waited for a silent store is told what the one before was.
            self._until = loop.time() + self._kept_s

    async def _ask(self) -> Survey:
        """Raises `TimeoutError`. What has no answer yet is neither asked again nor canceled: to take a question back
        from a database that is silent waits for that database as well."""
        if self._asked is None:
            self._at = self._clock.now()
            self._asked = asyncio.ensure_future(self._store.survey(now=self._at))
        await asyncio.wait({self._asked}, timeout=self._limit_s)
        if not self._asked.done():
            raise TimeoutError
        asked, self._asked = self._asked, None
        return asked.result()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("darkroom_store_up", "1: the store answers")
        up.add_metric([], float(self._survey is not None))
        yield up
        if self._survey is not None and self._at is not None:
            yield from _families(self._survey, self._at)


def _families(survey: Survey, at: datetime) -> Iterator[GaugeMetricFamily]:
    unfinished = GaugeMetricFamily(
        "darkroom_generations_unfinished", "Accepted and not ended, of all processes", labels=["provider", "status"]
    )
    oldest = GaugeMetricFamily(
        "darkroom_queue_oldest_seconds", "How long the oldest queued generation has waited", labels=["provider"]
    )
    for each in survey.unfinished:
        unfinished.add_metric([each.provider, each.status], each.count)
        if each.status is Status.QUEUED:
            oldest.add_metric([each.provider], (at - each.oldest_at).total_seconds())
    ambiguous = GaugeMetricFamily(
        "darkroom_ambiguous", "Generations that wait for an operator's word", labels=["provider"]
    )
    for provider, count in survey.ambiguous.items():
        ambiguous.add_metric([provider], count)
    backlog = GaugeMetricFamily("darkroom_webhook_backlog", "Messages that are due and have not gone out")
    backlog.add_metric([], survey.messages)
    late = GaugeMetricFamily("darkroom_webhook_oldest_seconds", "How long the oldest of them has been due")
    late.add_metric([], 0.0 if survey.oldest_due_at is None else (at - survey.oldest_due_at).total_seconds())
    yield from (unfinished, oldest, ambiguous, backlog, late)
