"""Whatever comes in, at every route of every dialect: no answer is a bug's, and the books stay exact."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.dialects import DIALECTS
from darkroom.ports import Output, Pending, Report, Ticket, Work
from darkroom.serve import build_application
from darkroom.testing import Here, an_output
from darkroom.web.switchboard import Switchboard
from darkroom.wire import Dialect, Route
from tests.databases import EACH, on, on_sqlite
from tests.harness import Running, running
from tests.web.asgi import call


class Endless(Here):
    """A provider that makes whatever it is asked for, at once."""

    slots = 8

    async def start(self, work: Work) -> Ticket | Output:
        return an_output()(work)

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        raise AssertionError("it is finished when it starts")


async def built(server: Running) -> Switchboard:
    return build_application(server.engine)


class Target:
    """A running server, called in process from one event loop that lives as long as the module's tests."""

    def __init__(self, runner: asyncio.Runner, server: Running, keys: dict[str, str]) -> None:
        self.run = runner.run
        self.server = server
        self.keys = keys
        self.application = runner.run(built(server))
        self.ids = ["1", "2", "7"]

    def ask(self, dialect: Dialect, method: str, path: str, **sent: Any) -> tuple[int, bytes]:
        headers = [("authorization", f"Bearer {self.keys[dialect.name]}"), *sent.pop("headers", ())]
        return self.run(call(self.application, method, path, headers=headers, **sent))


@pytest.fixture(scope="module", params=EACH)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with on(request.param), asyncio.Runner() as runner:
        stack = AsyncExitStack()
        server = runner.run(stack.enter_async_context(running(Endless(), sandbox_credits=1_000_000_000)))
        keys = {dialect.name: runner.run(server.key(dialect.name)) for dialect in DIALECTS}
        target = Target(runner, server, keys)
        for dialect in DIALECTS:
            made = {"model": "kling-v2.1", "inputs": {"prompt": "x"}}
            _, body = target.ask(dialect, "POST", "/v1/generations", body=json.dumps(made).encode())
            target.ids.append(json.loads(body)["id"])
        yield target
        audit = runner.run(server.engine.store.audit())
        assert audit.discrepancies == ()
        runner.run(stack.aclose())


# What may come in: things that are nearly right find more than noise does, so both are sent.

MODELS = (
    *("kling-v2.1", "photon-flash", "openai-tts", "elevenlabs-sfx", "gpt-5", "whisper", "klin"),
    *("luma/ray-2", "google/veo-3.0-i2v", "aimlapi/alibaba/happyhorse-1-0", ""),
)
NAMES = (
    *("model", "inputs", "params", "prompt", "text", "duration", "aspect_ratio", "image_url", "size", "quality"),
    *("stream", "count", "rating", "name", "username", "wait", "until", "webhook_url", "limit", "page", "cursor"),
    *("status", "state", "category", "model_slug", "favorites_only", "created_after", "modality", "generation_id"),
    *("generation_ids", "generation_ids[]", "generation_ids[0]", "keyframes", "frame0", "loop", "number_results"),
    *("resolution", "seed", "input", "image", "video_url", "voice_id", "format", "type", "url", "id"),
)
AWKWARD = st.sampled_from(
    (
        *("", " ", "\x00", "\ud7ff", "\uffff", "💥", "1e400", "-1", "0", "9" * 25, "NaN", "true", "null", "٣", "../.."),
        *("2026-03-08T12:05:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "%00", "a,b,,c"),
        *("http://[::1", "http://127.0.0.1/", "generation:x", "darkroom-asset:x", "data:image/png;base64,AA=="),
        *("x" * 300, "queued,running"),
    )
)
TEXT = st.one_of(AWKWARD, st.text(max_size=20))
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0, 1, 5, 10, 2**63, 10**30])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT, st.sampled_from(MODELS))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXT), inner, max_size=4)
    ),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS)},
    optional={
        "prompt": st.one_of(st.just("A blooming flower"), VALUES),
        "text": VALUES,
        "duration": st.one_of(st.sampled_from([5, 10]), VALUES),
        "aspect_ratio": st.one_of(st.just("16:9"), VALUES),
        "image_url": st.one_of(TEXT, VALUES),
        "params": st.one_of(st.just({"prompt": "x"}), VALUES),
        "inputs": st.one_of(
            st.just({"prompt": "x"}), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4), VALUES
        ),
        "name": VALUES,
        "rating": VALUES,
        "count": VALUES,
        "keyframes": VALUES,
        "webhook_url": VALUES,
    },
)
BODIES = st.one_of(
    NEARLY.map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
)
# A wait is left out: it is no mistake to make it wait.
QUERIES = st.lists(st.tuples(st.sampled_from([name for name in NAMES if name != "wait"]), TEXT), max_size=4)
TYPES = st.sampled_from(
    [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "",
    ]
)

ROUTES = [(dialect, route) for dialect in DIALECTS for route in dialect.routes if route.path != "/v1/events"]
"""All but the stream that has no end."""


def fill(route: Route, values: list[str]) -> str:
    remaining = iter(values)
    return re.sub(r"\{[^}]*\}", lambda found: next(remaining, "x"), route.path)


@on_sqlite  # the module's own server has had its turn on each
@pytest.mark.parametrize(
    ("dialect", "route"), ROUTES, ids=[f"{dialect.name} {route.method} {route.path}" for dialect, route in ROUTES]
)
def test_no_request_is_a_bug(target: Target, dialect: Dialect, route: Route) -> None:
    segments = st.one_of(st.sampled_from([*target.ids, *MODELS]), TEXT)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(values=st.lists(segments, min_size=2, max_size=2), query=QUERIES, body=BODIES, content_type=TYPES)
    def attempt(values: list[str], query: list[tuple[str, str]], body: bytes, content_type: str) -> None:
        sent = {"query": query, "headers": [("content-type", content_type)], "body": body}
        status, answer = target.ask(dialect, route.method, fill(route, values), **sent)
        assert status != 500, answer
        assert 200 <= status < 504
        if answer and route.tell is None:
            msgspec.json.decode(answer)

    check: Callable[[], None] = attempt
    check()


EXAMPLES = int(os.environ.get("DARKROOM_EXAMPLES", "10"))
"""For each of some ninety routes. 600 of them found nothing (November 2026); that takes six minutes."""
