"""Metrics that an operator is woken by: they count what happened, and every one that an alert names is exported."""

import asyncio
import json
import re
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from darkroom.config import Settings
from darkroom.errors import Ambiguous, ContentRefused, ProviderUnavailable
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.survey import Survey
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from darkroom.web.metrics import Metrics
from darkroom.web.surveyor import Surveyor
from darkroom.wiring import Engine
from tests.cluster.scene import machines, submit
from tests.harness import Running, free_port, running
from tests.web.scene import a_video_at
from tests.worker.scene import one_model, open_account

DEPLOY = Path(__file__).parents[2] / "deploy"
WORD = re.compile(r"\bdarkroom_\w+")


async def told(server: Running) -> dict[str, float]:
    text = (await server.ask("GET", "/metrics", key="")).body.decode()
    return {name: float(value) for name, value in _lines(text)}


async def until_ambiguous(server: Running) -> None:
    while server.engine.queue.in_hand or not await server.engine.store.ambiguous():  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)


def _lines(text: str) -> list[list[str]]:
    return [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]


def test_attempts_calls_and_writes_are_counted() -> None:
    async def run() -> None:
        script = [ProviderUnavailable("connection refused"), Ticket("up_1"), an_output(), ContentRefused("no")]
        async with running(script) as server:
            await server.reach(await a_video_at(server))
            refused = await server.reach(await a_video_at(server), Status.FAILED)
            assert refused.status is Status.FAILED
            found = await told(server)
            assert found['darkroom_attempts_total{outcome="provider_unavailable",provider="sketch"}'] == 1
            assert found['darkroom_attempts_total{outcome="completed",provider="sketch"}'] == 1
            assert found['darkroom_attempts_total{outcome="failed",provider="sketch"}'] == 1
            call = 'darkroom_provider_call_seconds_count{call="%s",outcome="%s",provider="sketch"}'
            assert found[call % ("start", "ok")] == 1
            assert found[call % ("start", "provider_unavailable")] == 1
            assert found[call % ("start", "content_refused")] == 1
            assert found[call % ("poll", "ok")] >= 1
            assert found['darkroom_store_write_seconds_count{verb="begin"}'] == 3
            assert found['darkroom_store_write_seconds_count{verb="settle"}'] == 2
            assert found["darkroom_settle_seconds_count"] == 1

    asyncio.run(run())


def test_what_is_unfinished_and_for_how_long() -> None:
    async def run() -> None:
        clock = FrozenClock()
        async with running([Ambiguous("the answer was lost")], clock=clock, allow_loopback=True) as server:
            body = {
                "model": "kling-v2.1",
                "inputs": {"prompt": "a crane"},
                "webhook_url": f"http://127.0.0.1:{free_port()}/",
            }
            held = (await server.ask("POST", "/v1/generations", body)).body["id"]
            await until_ambiguous(server)
            await server.engine.queue.close(limit_s=0)
            await a_video_at(server)
            clock.advance(90)
            found = await told(server)
            assert found['darkroom_generations_unfinished{provider="sketch",status="running"}'] == 1
            assert found['darkroom_generations_unfinished{provider="sketch",status="queued"}'] == 1
            assert found['darkroom_queue_oldest_seconds{provider="sketch"}'] == 90
            assert found['darkroom_ambiguous{provider="sketch"}'] == 1
            assert found['darkroom_attempts_total{outcome="ambiguous",provider="sketch"}'] == 1
            assert found["darkroom_store_up"] == 1
            assert found["darkroom_webhook_backlog"] >= 0
            assert (await server.engine.store.get(held)).status is Status.RUNNING

    asyncio.run(run())


def test_a_store_that_is_away_is_a_metric_and_no_error() -> None:
    async def run() -> None:
        async with running() as server:
            database: Any = server.engine.database
            database._is_closing = True
            found = await told(server)
            database._is_closing = False
            assert found["darkroom_store_up"] == 0
            assert "darkroom_webhook_backlog" not in found

    asyncio.run(run())


def exported() -> set[str]:
    return set(labels())


@cache
def labels() -> dict[str, set[str]]:
    """Every metric of a running server that has seen one of each, and its labels."""

    async def run() -> dict[str, set[str]]:
        script = [an_output(), Ambiguous("lost")]
        async with running(script) as server:
            await server.reach(await a_video_at(server))
            await a_video_at(server)
            await until_ambiguous(server)
            await server.engine.queue.close(limit_s=0)
            await a_video_at(server)
            await server.ask("GET", "/v1/generations/nothing")
            text = (await server.ask("GET", "/metrics", key="")).body.decode()
            found: dict[str, set[str]] = {}
            for name, _ in _lines(text):
                found.setdefault(name.split("{")[0], set()).update(re.findall(r"(\w+)=\"", name))
            return found

    return asyncio.run(run())


def test_every_metric_that_an_alert_or_the_dashboard_names_is_exported() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    dashboard = json.loads((DEPLOY / "grafana" / "darkroom.json").read_text("utf-8"))
    questions = [rule["expr"] for rule in alerts]
    questions += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    named = {word for question in questions for word in WORD.findall(question)}
    assert len(alerts) >= 8
    assert len(named) >= 12
    assert named - exported() == set()


def test_a_silent_store_is_said_to_be_down_and_is_not_asked_again_meanwhile() -> None:
    class Silent:
        def __init__(self) -> None:
            self.asked = 0
            self.answers = asyncio.Event()

        async def survey(self, *, now: datetime) -> Survey:
            self.asked += 1
            while not self.answers.is_set():
                # As a driver does that tells the database that nobody waits any more: it waits for that, too.
                with suppress(asyncio.CancelledError):
                    await self.answers.wait()
            return Survey(unfinished=(), ambiguous={}, messages=0, oldest_due_at=None)

    async def run() -> None:
        store, registry = Silent(), CollectorRegistry()
        surveyor = Surveyor(store, registry, clock=FrozenClock(), kept_s=0, limit_s=0)
        for _ in range(2):
            await surveyor.look()
            assert registry.get_sample_value("darkroom_store_up") == 0
        assert store.asked == 1
        store.answers.set()
        while registry.get_sample_value("darkroom_store_up") == 0:
            await surveyor.look()
        assert registry.get_sample_value("darkroom_webhook_backlog") == 0
        assert store.asked == 1

    asyncio.run(run())


def test_who_waits_for_a_silent_store_together_waits_once() -> None:
    class Never:
        async def survey(self, *, now: datetime) -> Survey:
            await asyncio.Event().wait()
            raise AssertionError

    async def run() -> None:
        surveyor = Surveyor(Never(), CollectorRegistry(), clock=FrozenClock(), kept_s=0.05, limit_s=0.05)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(surveyor.look() for _ in range(40)))
        assert loop.time() - began < 40 * 0.05

    asyncio.run(run())


def test_attempts_are_counted_by_provider_where_the_store_remembers_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        script = ScriptedProvider([ProviderUnavailable("connection refused"), Ambiguous("the answer was lost")])
        async with machines(tmp_path) as found:
            settings = Settings(data=str(tmp_path / "own"), database=found.dsn, shutdown_limit_s=0.0)
            engine = Engine(settings, providers={script.name: script}, models=one_model())
            metrics = Metrics()
            engine.observing.listen(metrics)
            await engine.open()
            found.engines.append(engine)
            await open_account(engine.store)
            await engine.work()
            await submit(engine)
            while not await engine.store.ambiguous():  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0)
            attempts = {
                (sample.labels["provider"], sample.labels["outcome"]): sample.value
                for family in metrics.registry.collect()
                for sample in family.samples
                if sample.name == "darkroom_attempts_total"
            }
            assert attempts == {(script.name, "provider_unavailable"): 1, (script.name, "ambiguous"): 1}

    asyncio.run(run())


def test_alerts_say_what_to_do_and_panels_have_their_places() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["what_to_do"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
    dashboard = json.loads((DEPLOY / "grafana" / "darkroom.json").read_text("utf-8"))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(places) == len(set(places)) == len({panel["id"] for panel in dashboard["panels"]})


UNITS = {"ops", "reqps", "s", "short"}
COLUMNS = 24
EVERYWHERE = {"instance", "job", "le"}
"""Labels that Prometheus adds, and a histogram's own."""


def test_the_dashboard_is_as_grafana_wants_it() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "darkroom.json").read_text("utf-8"))
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", dashboard["uid"])
    assert dashboard["schemaVersion"] >= 36  # from there on a data source is an object
    (variable,) = dashboard["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert panel["type"] == "timeseries"
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        names = [target["refId"] for target in panel["targets"]]
        assert len(names) == len(set(names)) > 0
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_questions_and_legends_ask_by_labels_that_there_are() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    dashboard = json.loads((DEPLOY / "grafana" / "darkroom.json").read_text("utf-8"))
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    known = labels()
    for question in [rule["expr"] for group in rules["groups"] for rule in group["rules"]] + [
        t["expr"] for t in targets
    ]:
        had = EVERYWHERE.union(*(known[name] for name in WORD.findall(question)))
        asked = {word for group in re.findall(r"\bby \(([^)]*)\)", question) for word in re.findall(r"\w+", group)}
        asked |= {word for group in re.findall(r"\{([^}]*)\}", question) for word in re.findall(r"(\w+)\s*[=!]", group)}
        assert asked <= had, question
    for target in targets:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        assert all(re.search(rf"\bby \([^)]*\b{word}\b", target["expr"]) for word in shown), target
