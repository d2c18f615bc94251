"""The one character that PostgreSQL's texts do not hold: who sends it is answered as for any other."""

import asyncio
from typing import Any

import pytest

from darkroom.errors import ContentRefused
from darkroom.generation import Status
from darkroom.ports import Ticket
from tests.harness import running
from tests.web.scene import NATIVE, PROMPT, a_video_at

REQUESTS: tuple[tuple[str, str, Any, int], ...] = (
    ("GET", "/v1/generations/%00", None, 404),
    ("POST", "/v1/generations/%00/cancel", None, 404),
    ("GET", "/v1/generations?model=%00", None, 200),
    ("GET", "/v1/deliveries/%00", None, 404),
    ("GET", "/v1/deliveries?generation_id=%00", None, 200),
    ("GET", "/v1/webhooks/%00", None, 404),
    ("GET", "/v1/assets/%00", None, 404),
    ("DELETE", "/v1/assets/%00", None, 404),
    ("PUT", "/v1/uploads/%00/parts/1", None, 404),
    ("POST", "/v1/uploads/%00/complete", None, 404),
    ("POST", "/v1/uploads", {"size_bytes": 10, "name": "a\0.png"}, 201),
    ("POST", "/v1/webhooks", {"url": "http://example.com/\0"}, 201),
    ("POST", "/v1/generations", NATIVE.body(prompt="a\0b"), 202),
    ("POST", "/v1/generations", {**NATIVE.body(prompt=PROMPT), "webhook_url": "https://example.com/\0"}, 202),
    ("POST", "/v1/generations", NATIVE.body(prompt=PROMPT, image_url="generation:\0"), 422),
)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"), REQUESTS, ids=[f"{method} {path}" for method, path, *_ in REQUESTS]
)
def test_a_request_with_it_is_answered(method: str, path: str, body: Any, status: int) -> None:
    async def run() -> None:
        async with running() as server:
            assert (await server.ask(method, path, body)).status == status

    asyncio.run(run())


def test_a_name_with_it_is_kept_as_well_as_can_be() -> None:
    async def run() -> None:
        async with running() as server:
            renamed = await server.ask("PATCH", "/api/v2/user/me", {"username": "An\0na"}, dialect="elumenta")
            assert renamed.status == 200
            assert (await server.ask("GET", "/v1/account")).body["name"] in ("An\0na", "An\ufffdna")
            made = await server.ask("POST", "/api/v2/keys", {"name": "Lap\0top"}, dialect="elumenta")
            assert made.status == 201

    asyncio.run(run())


def test_an_upstream_that_says_it_is_heard_to_the_end() -> None:
    async def run() -> None:
        async with running([Ticket("up\0"), ContentRefused("not\0this")]) as server:
            ended = await server.reach(await a_video_at(server), Status.FAILED)
            assert ended.status is Status.FAILED
            assert ended.cause is not None
            assert ended.cause.code == "content_refused"
            assert (await server.engine.store.audit()).discrepancies == ()

    asyncio.run(run())
