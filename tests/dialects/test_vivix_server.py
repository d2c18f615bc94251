"""Vivix over real HTTP, against a whole server with a scripted provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from darkroom.errors import ProviderRejected
from darkroom.generation import Status
from darkroom.ports import Pending, Ticket
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from tests.harness import Answer, Running, running

pytestmark = pytest.mark.usefixtures("each_database")

BODY = {"model": "grok-imagine-image-quality", "prompt": "a cat", "resolution": "4K"}
DONE = [Ticket("u1"), an_output(name="cat.png")]


def play(story: Callable[[Running], Awaitable[None]], script: Any = (), **settings: Any) -> None:
    async def run() -> None:
        async with running(script, **settings) as server:
            await server.account("pro", plan="pro", amount=5000)
            await story(server)

    asyncio.run(run())


async def ask(server: Running, method: str, path: str, body: Any = None, **given: Any) -> Answer:
    return await server.ask(method, path, body, **{"dialect": "vivix", "account": "pro", **given})


def test_from_submit_to_result() -> None:
    async def story(server: Running) -> None:
        made = await ask(server, "POST", "/api/v1/generate", BODY)
        assert (made.status, made.body["status"], made.body["credits_estimate"]) == (201, "pending", 211)
        assert made.headers["X-Request-Id"].startswith("req_")
        assert made.headers["X-RateLimit-Remaining"] == "239"
        assert made.headers["X-Credits-Balance"] == "49,789"
        id = made.body["generation_id"]
        await server.reach(id)
        read = await ask(server, "GET", f"/vivix/api/v1/generations/{id}")
        assert (read.status, read.body["status"], read.body["credits_used"]) == (200, "completed", 211)
        # Polling counts.
        assert read.headers["X-RateLimit-Remaining"] == "238"
        async with server.client.get(read.body["output_url"]) as file:
            assert (file.status, await file.read()) == (200, b"a result")

    play(story, DONE)


def test_a_failure_gives_everything_back() -> None:
    async def story(server: Running) -> None:
        id = (await ask(server, "POST", "/api/v1/generate", BODY)).body["generation_id"]
        await server.reach(id)
        read = await ask(server, "GET", f"/api/v1/generations/{id}")
        assert (read.status, read.body["error"], read.body["credits_used"]) == (200, "PROVIDER_ERROR", 0)
        assert read.headers["X-Credits-Balance"] == "50,000"

    play(story, [ProviderRejected("no")])


def test_credits_tell_the_month() -> None:
    async def story(server: Running) -> None:
        id = (await ask(server, "POST", "/api/v1/generate", BODY)).body["generation_id"]
        await server.reach(id)
        told = (await ask(server, "GET", "/api/v1/credits")).body
        assert (told["balance"], told["tier"]) == (49789, "pro")
        assert (told["spent_this_cycle"], told["granted_this_cycle"]) == (211, 50000)
        assert told["cycle_resets_at"] == "2026-04-01T00:00:00Z"
        assert told["rate_limit"] == {"calls_per_minute": 240, "concurrent_jobs": 5}

    play(story, DONE, clock=FrozenClock())


def test_who_may_not() -> None:
    async def story(server: Running) -> None:
        await server.account("other", plan="ultimate")
        await server.account("unpaid", plan="vivix-free")
        await server.account("poor", plan="pro", amount=0)
        id = (await ask(server, "POST", "/api/v1/generate", BODY)).body["generation_id"]
        path = f"/api/v1/generations/{id}"

        assert await refused(server, "GET", path, key="") == (401, "UNAUTHORIZED")
        assert await refused(server, "GET", path, key="vvx_live_" + "x" * 32) == (401, "KEY_INVALID")
        assert await refused(server, "GET", path, account="other") == (403, "NOT_YOURS")
        assert await refused(server, "GET", "/api/v1/credits", account="unpaid") == (403, "TIER_LOCKED")
        assert await refused(server, "POST", "/api/v1/generate", BODY, account="unpaid") == (403, "TIER_LOCKED")
        assert await refused(server, "POST", "/api/v1/generate", BODY, account="poor") == (402, "INSUFFICIENT_CREDITS")
        assert await refused(server, "GET", "/api/v1/generations/nope") == (404, "NOT_FOUND")

        owner = await server.engine.store.find_account("pro")
        await server.engine.store.revoke_key(owner.id, 2, now=server.engine.clock.now())
        server.engine.access.forget_keys()
        assert await refused(server, "GET", path) == (401, "KEY_REVOKED")

    play(story, [Ticket("u1"), *[Pending(after_s=5)] * 9])


async def refused(server: Running, method: str, path: str, body: Any = None, **given: Any) -> tuple[int, str]:
    answer = await ask(server, method, path, body, **given)
    assert set(answer.body) >= {"error", "message", "next", "request_id"}
    return answer.status, answer.body["error"]


def test_five_in_flight_and_no_more() -> None:
    async def story(server: Running) -> None:
        for _ in range(5):
            assert (await ask(server, "POST", "/api/v1/generate", BODY)).status == 201
        assert await refused(server, "POST", "/api/v1/generate", BODY) == (429, "CONCURRENCY_LIMIT")

    provider = ScriptedProvider([Ticket("u")] * 5)
    provider.gate.clear()
    play(story, provider)


def test_two_hundred_and_forty_calls_a_minute() -> None:
    async def story(server: Running) -> None:
        # Two minutes' worth: a new minute may begin at any call.
        answers = [await ask(server, "GET", "/api/v1/generations/nope") for _ in range(481)]
        limited = [answer for answer in answers if answer.status == 429]
        assert limited
        assert limited[0].body["error"] == "RATE_LIMITED"
        assert 1 <= int(limited[0].headers["Retry-After"]) <= 60

    play(story)


def test_past_retention_nothing_is_found() -> None:
    clock = FrozenClock()

    async def story(server: Running) -> None:
        id = (await ask(server, "POST", "/api/v1/generate", BODY)).body["generation_id"]
        await server.reach(id)
        clock.advance(31 * 24 * 3600)
        assert await refused(server, "GET", f"/api/v1/generations/{id}") == (404, "NOT_FOUND")

    play(story, DONE, clock=clock)


GOOD: list[dict[str, Any]] = [
    {"negative_prompt": "blur"},
    {"audio": False},
    {"number_results": 4},
    {"aspect_ratio": "16:9", "seed": None},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"aspect_ratio": "19:9"}, "INVALID_REQUEST"),
    ({"audio": True}, "INVALID_REQUEST"),
    ({"number_results": 5}, "INVALID_REQUEST"),
    ({"number_results": True}, "INVALID_REQUEST"),
    ({"duration": 10**40}, "INVALID_REQUEST"),
    ({"prompt": "darkroom-asset:results/somebody/else"}, "INVALID_REQUEST"),
    ({"model": "video-cinematic-4k"}, "MODEL_NOT_ALLOWED"),
    ({"model": "\x00"}, "MODEL_NOT_ALLOWED"),
]


def test_good_and_bad_requests() -> None:
    async def story(server: Running) -> None:
        for change in GOOD:
            made = await ask(server, "POST", "/api/v1/generate", {**BODY, **change})
            assert made.status == 201, (change, made.body)
            await server.reach(made.body["generation_id"])
        for bad, code in BAD:
            answer = await ask(server, "POST", "/api/v1/generate", {**BODY, **bad})
            assert answer.body["error"] == code, (bad, answer.body)
        huge = {"model": "flux-2-pro-text-to-image", "prompt": "a cat", "seed": 10**40}
        assert await refused(server, "POST", "/api/v1/generate", huge) == (400, "INVALID_REQUEST")

    play(story, [*DONE, *DONE, *DONE, *DONE])


def test_models_lists_what_can_be_submitted() -> None:
    async def story(server: Running) -> None:
        told = await ask(server, "GET", "/api/v1/models")
        assert (told.status, told.body["credits_balance"], told.headers["X-Credits-Balance"]) == (200, 50000, "50,000")
        assert len(told.body["models"]) >= 5

    play(story)


@pytest.mark.parametrize("prefix", ["", "/vivix"])
def test_credits_are_answered_in_the_words_of_the_key(prefix: str) -> None:
    async def story(server: Running) -> None:
        assert "cycle_resets_at" in (await ask(server, "GET", f"{prefix}/api/v1/credits")).body
        bad = await ask(server, "GET", f"{prefix}/api/v1/credits", key="vvx_live_" + "x" * 32)
        assert bad.body["error"] == "KEY_INVALID"

    play(story)


def test_status_of_a_generation_made_elsewhere() -> None:
    async def story(server: Running) -> None:
        made = await server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "hi"}})
        await server.reach(made.body["id"], Status.COMPLETED)
        read = await server.ask("GET", f"/api/v1/generations/{made.body['id']}", dialect="vivix")
        assert (read.status, read.body["status"], read.body["model"]) == (200, "completed", "kling-v2.1")

    play(story, [Ticket("u1"), an_output()])
