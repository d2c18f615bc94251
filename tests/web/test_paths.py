"""Where things are: every dialect at its documented paths and under its prefix, the pages, the OpenAPI document."""

import asyncio
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from darkroom.dialects import DIALECTS
from darkroom.dialects.native import Native
from darkroom.testing import an_output
from darkroom.wire import Dialect, Route
from tests.harness import Answer, Running, running
from tests.web.scene import A_VIDEO, BOTH, ELUMENTA, NATIVE, PROMPT, Phrases, a_video_at, untouched

ELUMENTA_PATHS = {
    ("POST", "/api/v2/generate"),
    ("GET", "/api/v2/generate/{id}"),
    ("GET", "/api/v2/generate/status/{id}"),
    ("POST", "/api/v2/generate/stream"),
    ("POST", "/api/v2/stt"),
    ("GET", "/api/v2/models"),
    ("GET", "/api/v2/models/{slug}"),
    ("POST", "/api/v2/models/{slug}/calculate-price"),
    ("GET", "/api/v2/balance"),
    ("GET", "/api/v2/user/me"),
    ("PATCH", "/api/v2/user/me"),
    ("GET", "/api/v2/user/history"),
    ("POST", "/api/v2/user/history/{id}/favorite"),
    ("POST", "/api/v2/user/history/{id}/rate"),
    ("DELETE", "/api/v2/user/history/{id}"),
    ("POST", "/api/v2/keys"),
    ("GET", "/api/v2/keys"),
    ("PATCH", "/api/v2/keys/{id}"),
    ("DELETE", "/api/v2/keys/{id}"),
}
"""As in the protocol file, but for the web login, which is not served."""


def test_elumenta_serves_what_its_documents_list() -> None:
    served = next(dialect for dialect in DIALECTS if dialect.name == "elumenta").routes
    assert {(route.method, route.path) for route in served} == ELUMENTA_PATHS


def _filled(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "7", route.path.replace("...}", "}/8"))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_route_answers_with_and_without_its_prefix(dialect: Dialect) -> None:
    """That it answers as this dialect is known by an answer of its own: none says "no such path", none is a bug's."""

    async def run() -> None:
        async with running() as server:
            for route in dialect.routes:
                for prefix in ("", f"/{dialect.name}"):
                    path = prefix + _filled(route)
                    # The stream of an account has no end to wait for.
                    method = "HEAD" if route.path == "/v1/events" else route.method
                    answer = await server.ask(method, path, dialect=dialect.name)
                    assert answer.status not in (405, 500), route
                    assert f"{route.method} {path} was not found" not in str(answer.body), route
            await untouched(server)

    asyncio.run(run())


@pytest.mark.parametrize("dialect", BOTH, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("prefix", ["", "own"])
def test_the_main_job_at_both_places(dialect: Phrases, prefix: str) -> None:
    base = f"/{dialect.name}" if prefix else ""

    async def run() -> None:
        async with running([A_VIDEO]) as server:
            made = await server.ask("POST", base + dialect.submit, dialect.body(prompt=PROMPT), dialect=dialect.name)
            assert made.status == (202 if dialect is NATIVE else 200)
            await server.reach(made.body["id"])
            path = base + dialect.fetch.format(id=made.body["id"], number=made.body["id"])
            fetched = await server.ask("GET", path, dialect=dialect.name)
            assert fetched.body["status"] == "completed"
            url = fetched.body["result_url"] if dialect is ELUMENTA else fetched.body["outputs"][0]["url"]
            async with server.client.get(url) as answer:
                assert (answer.status, answer.content_type) == (200, "video/mp4")
                assert await answer.read() == bytes(range(256)) * 40

    asyncio.run(run())


@pytest.mark.parametrize(
    ("dialect", "path", "names"),
    [
        ("elumenta", "/api/v2/auth/login", {"error", "message", "details"}),
        ("aimlapi", "/v2/nothing", {"message", "path", "requestId", "statusCode", "timestamp"}),
        ("vivix", "/api/v1/nothing", {"error", "message", "next", "request_id"}),
        ("skills", "/api/v1/nothing", {"error", "message"}),
        ("native", "/v1/nothing", {"error"}),
    ],
)
def test_a_path_that_nobody_serves_is_refused_in_the_callers_words(dialect: str, path: str, names: set[str]) -> None:
    async def run() -> None:
        async with running() as server:
            for place in (path, f"/{dialect}{path}"):
                answer = await server.ask("POST", place, {}, dialect=dialect)
                assert (answer.status, set(answer.body)) == (404, names)
            unknown = await server.ask("POST", path, {}, key="")
            assert (unknown.status, set(unknown.body)) == (404, {"error"})

    asyncio.run(run())


def test_a_path_is_decoded_once() -> None:
    async def run() -> None:
        async with running() as server:
            answer = await server.ask("GET", "/v1/models/kling%2Dv2.1", key="")
            assert answer.body["slug"] == "kling-v2.1"
            raw = await server.raw("GET /v1/models/kling%252Dv2.1")
            assert b"there is no model 'kling%2Dv2.1'" in raw

    asyncio.run(run())


def test_head_tells_what_get_would() -> None:
    async def run() -> None:
        async with running() as server:
            got = await server.ask("GET", "/v1/models/kling-v2.1", key="")
            head = await server.ask("HEAD", "/v1/models/kling-v2.1", key="")
            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-length"] == got.headers["content-length"]

    asyncio.run(run())


def test_a_browser_may_ask_from_anywhere() -> None:
    async def run() -> None:
        async with running() as server:
            for path in ("/v1/generations", "/api/v2/generate", "/elumenta/api/v2/generate/7"):
                asked = {
                    "origin": "https://example.com",
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "authorization, content-type",
                }
                answer = await server.ask("OPTIONS", path, key="", headers=asked)
                assert (answer.status, answer.body) == (204, b"")
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "POST" in answer.headers["access-control-allow-methods"]
                # "*" does not cover this one: browsers want it by name.
                assert "authorization" in answer.headers["access-control-allow-headers"]
            refused = await server.ask("GET", "/v1/account", key="")
            assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "*")

    asyncio.run(run())


# The pages.


def test_health_readiness_and_home() -> None:
    async def run() -> None:
        async with running() as server:
            assert (await server.ask("GET", "/healthz", key="")).body == b"ok\n"
            ready = await server.ask("GET", "/readyz", key="")
            assert (ready.status, ready.body) == (200, b"ready\nstore: ok\nqueue: ok\ndisk: ok\nassets: ok\n")
            home = await server.ask("GET", "/", key="")
            assert b"/v1/generations" in home.body
            server.engine.service.close()
            stopping = await server.ask("GET", "/readyz", key="")
            assert (stopping.status, stopping.body) == (503, b"not ready\nstopping: the server is stopping\n")
            late = await NATIVE.ask_for(server, prompt=PROMPT)
            assert (late.status, NATIVE.code(late)) == (503, "unavailable")
            await untouched(server)

    asyncio.run(run())


def test_metrics() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            await server.reach(await a_video_at(server))
            await NATIVE.ask_for(server, "nothing")
            text = (await server.ask("GET", "/metrics", key="")).body.decode()
            told = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
            assert told['darkroom_requests_total{dialect="native",verb="Submit"}'] == "2.0"
            assert told['darkroom_refusals_total{code="unknown_model",dialect="native"}'] == "1.0"
            settled = 'cause="",model="kling-v2.1",provider="sketch",status="completed"'
            assert told[f"darkroom_generations_settled_total{{{settled}}}"] == "1.0"
            assert told['darkroom_credits_captured_total{model="kling-v2.1"}'] == "26.0"
            assert told['darkroom_waiters{lane="all"}'] == "0.0"

    asyncio.run(run())


def test_the_docs_need_nobody_else() -> None:
    async def run() -> None:
        async with running() as server:
            page = await server.ask("GET", "/docs", key="")
            text = page.body.decode()
            assert page.headers["content-type"].startswith("text/html")
            assert "http://" not in text
            assert "https://" not in text
            for path in re.findall(r'(?:href|src)="([^"]+)"', text):
                assert path.startswith("/docs/")
                shipped = await server.ask("GET", path, key="")
                assert shipped.status == 200
                assert len(shipped.body) > 10_000
            missing = await server.ask("GET", "/docs/nothing.js", key="")
            assert missing.status == 404

    asyncio.run(run())


async def _document(server: Running) -> Any:
    answer: Answer = await server.ask("GET", "/openapi.json", key="")
    assert answer.status == 200
    return answer.body


def test_the_openapi_document_is_valid_and_whole() -> None:
    async def run() -> None:
        async with running() as server:
            document = await _document(server)
            assert document["openapi"].startswith("3.1")
            assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
            listed = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
            assert listed == {(route.method, route.path.replace("...}", "}")) for route in Native.routes}

    asyncio.run(run())


def test_what_is_open_says_so_in_the_openapi_document() -> None:
    async def run() -> None:
        async with running() as server:
            document = await _document(server)
            for route in Native.routes:
                operation = document["paths"][route.path.replace("...}", "}")][route.method.lower()]
                assert (operation.get("security") == []) is route.is_open, route.path

    asyncio.run(run())
