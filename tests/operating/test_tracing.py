"""Spans as a collector gets them, over a real socket."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from darkroom.errors import ContentRefused
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import an_output
from tests.buckets import low_port
from tests.harness import running
from tests.web.scene import a_video_at


@asynccontextmanager
async def a_collector(port: int) -> AsyncIterator[list[Span]]:
    spans: list[Span] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        spans.extend(span for resource in sent.resource_spans for scope in resource.scope_spans for span in scope.spans)
        return web.Response()

    application = web.Application()
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield spans
    await runner.cleanup()


def test_a_generation_is_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        port = low_port()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        async with a_collector(port) as spans:
            async with running([Ticket("up_1"), an_output(), ContentRefused("no")], tracing=True) as server:
                good = await a_video_at(server)
                await server.reach(good)
                bad = await a_video_at(server)
                await server.reach(bad, Status.FAILED)
            ours = {span.name: span for span in spans if span.trace_id.hex() == good.replace("-", "")}
            assert set(ours) == {"submit", "attempt", "provider.start", "provider.poll", "settle"}
            assert ours["provider.start"].parent_span_id == ours["attempt"].span_id
            assert ours["settle"].parent_span_id == ours["attempt"].span_id
            about = {item.key: item.value.string_value for item in ours["submit"].attributes}
            assert about == {
                "darkroom.generation": good,
                "darkroom.model": "kling-v2.1",
                "darkroom.dialect": "native",
            }
            refused = [span for span in spans if span.trace_id.hex() == bad.replace("-", "")]
            (started,) = [span for span in refused if span.name == "provider.start"]
            assert "ContentRefused" in started.status.message

    asyncio.run(run())


def test_off_there_is_nothing_of_it() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            assert server.engine.service._store is server.engine.store
            await server.reach(await a_video_at(server))

    asyncio.run(run())
    look = "import sys, darkroom.serve; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
