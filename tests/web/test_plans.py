"""What a plan allows, over real sockets: calls in an hour and a day, generations at once, models."""

import asyncio
import time
from typing import Any

import pytest

from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Answer, Running, running
from tests.web.scene import BOTH, ELUMENTA, NATIVE, PROMPT, Phrases, untouched


async def balance(server: Running, account: str) -> Answer:
    return await server.ask("GET", "/api/v2/balance", dialect="elumenta", account=account)


def test_the_thirty_first_call_of_an_hour_on_plan_basic() -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("small", plan="basic")
            await server.account("other", plan="basic")
            for count in range(30):
                answer = await balance(server, "small")
                assert answer.status == 200
                assert answer.headers["x-ratelimit-limit-hour"] == "30"
                assert answer.headers["x-ratelimit-remaining-hour"] == str(29 - count)
                assert answer.headers["x-ratelimit-limit-day"] == "200"
                assert answer.headers["x-ratelimit-remaining-day"] == str(199 - count)
                assert 0 < int(answer.headers["x-ratelimit-reset-hour"]) - time.time() <= 3601
            refused = await balance(server, "small")
            assert refused.status == 429
            retry_after = refused.body["retry_after"]
            assert refused.body == {
                "error": "rate_limit_exceeded",
                "message": "Hourly limit reached: 30 requests/hour on Basic plan",
                "retry_after": retry_after,
                "plan": "basic",
                "limit_hour": 30,
                "limit_day": 200,
            }
            assert 0 < retry_after <= 3601
            assert refused.headers["retry-after"] == str(retry_after)
            # What was refused is counted nowhere.
            assert refused.headers["x-ratelimit-remaining-hour"] == "0"
            assert refused.headers["x-ratelimit-remaining-day"] == "170"
            again = await balance(server, "small")
            assert again.headers["x-ratelimit-remaining-day"] == "170"
            # By account, whichever dialect it speaks; and by no other account.
            native = await server.ask("GET", "/v1/account", account="small")
            assert (native.status, NATIVE.code(native)) == (429, "rate_limited")
            assert int(native.headers["retry-after"]) > 0
            assert (await balance(server, "other")).status == 200

    asyncio.run(run())


def test_a_submit_over_the_limit_stores_and_holds_nothing() -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("starter", plan="free")
            for _ in range(5):
                assert (await balance(server, "starter")).status == 200
            for dialect in BOTH:
                body = dialect.body("photon-flash", prompt=PROMPT)
                answer = await server.ask("POST", dialect.submit, body, dialect=dialect.name, account="starter")
                assert answer.status == 429
            await untouched(server, "starter")

    asyncio.run(run())


def test_what_is_told_again_of_an_ended_generation_has_the_limits_of_now() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("small", plan="basic")
            made = await server.ask("POST", "/v1/generations", NATIVE.body(prompt=PROMPT), account="small")
            generation = await server.reach(made.body["id"])
            for left in ("28", "27", "26"):
                path = f"/api/v2/generate/{generation.number}"
                answer = await server.ask("GET", path, dialect="elumenta", account="small")
                assert (answer.body["status"], answer.headers["x-ratelimit-remaining-hour"]) == ("completed", left)

    asyncio.run(run())


def test_native_polling_is_free_of_the_windows() -> None:
    """Our own long-poll and stream are how one waits: they are not counted."""

    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("small", plan="basic")
            made = await server.ask("POST", "/v1/generations", NATIVE.body(prompt=PROMPT), account="small")
            for _ in range(40):
                answer = await server.ask("GET", f"/v1/generations/{made.body['id']}", account="small")
                assert answer.status == 200
            seen = await balance(server, "small")
            assert seen.headers["x-ratelimit-remaining-hour"] == "28"

    asyncio.run(run())


def test_a_plan_without_limits_has_no_headers() -> None:
    async def run() -> None:
        async with running() as server:
            answer = await server.ask("GET", "/api/v2/balance", dialect="elumenta")
            assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]

    asyncio.run(run())


def _tickets(count: int) -> list[Any]:
    return [Ticket(f"up_{number}") for number in range(count)]


@pytest.mark.parametrize("dialect", BOTH, ids=lambda dialect: dialect.name)
def test_the_sixth_generation_at_once_on_a_plan_for_five(dialect: Phrases) -> None:
    async def run() -> None:
        provider = ScriptedProvider(_tickets(5), may_restart=True)
        provider.gate.clear()
        async with running(provider) as server:
            await server.account("five", plan="pro")

            async def submit() -> Answer:
                body = dialect.body(prompt=PROMPT)
                return await server.ask("POST", dialect.submit, body, dialect=dialect.name, account="five")

            answers = await asyncio.gather(*(submit() for _ in range(8)))
            refused = [answer for answer in answers if answer.status == 429]
            assert len(refused) == 3
            code = "too_many_in_flight" if dialect is NATIVE else "rate_limit_exceeded"
            assert {dialect.code(answer) for answer in refused} == {code}
            assert "5" in dialect.message(refused[0])
            statement = await server.engine.access.show_account(await server.engine.principal("five"))
            assert (statement.in_flight, statement.held) == (5, 5 * 26_000_000)
            # One that ends makes room for another.
            taken = next(answer for answer in answers if answer.status != 429)
            id = (await server.engine.store.get(taken.body["id"])).id
            canceled = await server.ask("POST", f"/v1/generations/{id}/cancel", account="five")
            assert canceled.body["status"] == "canceled"
            provider.gate.clear()
            assert (await submit()).status != 429

    asyncio.run(run())


@pytest.mark.parametrize("dialect", BOTH, ids=lambda dialect: dialect.name)
def test_a_model_of_a_higher_plan(dialect: Phrases) -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            await server.account("starter", plan="free")
            body = dialect.body("kling-v2.1", prompt=PROMPT)
            answer = await server.ask("POST", dialect.submit, body, dialect=dialect.name, account="starter")
            code = "plan_too_low" if dialect is NATIVE else "insufficient_plan"
            assert (answer.status, dialect.code(answer)) == (403, code)
            assert "basic" in dialect.message(answer)
            await untouched(server, "starter")
            body = dialect.body("photon-flash", prompt=PROMPT)
            allowed = await server.ask("POST", dialect.submit, body, dialect=dialect.name, account="starter")
            assert allowed.status == (202 if dialect is NATIVE else 200)

    asyncio.run(run())


def test_a_plan_that_was_taken_out_allows_no_model() -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("left", plan="gone")
            answer = await server.ask("POST", "/v1/generations", NATIVE.body(prompt=PROMPT), account="left")
            assert (answer.status, NATIVE.code(answer)) == (403, "model_not_allowed")
            await untouched(server, "left")

    asyncio.run(run())


def test_plans_as_elumenta_shows_them() -> None:
    async def run() -> None:
        async with running() as server:
            await server.account("paying", plan="elumenta-pro", amount=700, purse="subscription")
            me = await server.ask("GET", "/api/v2/user/me", dialect="elumenta", account="paying")
            assert (me.body["plan"], me.body["token_limit"], me.body["token_balance"]) == ("pro", 700, 700)
            assert (me.body["rate_limit_hourly"], me.body["rate_limit_daily"]) == (60, 500)
            assert isinstance(me.body["id"], int)
            shown = await ELUMENTA.ask_for(server, "gpt-5", prompt="x")
            assert shown.status == 503

    asyncio.run(run())
