"""Reads that wait for several, submits that prefer to wait, and hints for those who poll."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from darkroom.ports import Ticket
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from tests.harness import Running, running
from tests.web.scene import PROMPT, a_video_at
from tests.web.test_waiting import held_back, waiters

NOBODY = "01900000-0000-7000-8000-000000000000"


def none_begun() -> ScriptedProvider:
    return ScriptedProvider([], slots=0)


async def cancel(server: Running, id: str) -> None:
    await server.ask("POST", f"/v1/generations/{id}/cancel")


def test_a_batch_is_answered_in_the_order_asked_for() -> None:
    async def run() -> None:
        async with running(none_begun()) as server:
            first, second = await a_video_at(server), await a_video_at(server)
            answer = await server.ask("GET", f"/v1/generations?ids={second},{first},{second}")
            assert [item["id"] for item in answer.body["items"]] == [second, first]
            assert answer.body["next_cursor"] is None

    asyncio.run(run())


def test_a_batch_waits_for_any_or_for_all() -> None:
    async def run() -> None:
        async with running(none_begun()) as server:
            first, second = await a_video_at(server), await a_video_at(server)
            path = f"/v1/generations?ids={first},{second}&wait=60&until="
            some = asyncio.create_task(server.ask("GET", path + "any"))
            every = asyncio.create_task(server.ask("GET", path + "all"))
            await waiters(server, 4)
            await cancel(server, second)
            assert [item["status"] for item in (await some).body["items"]] == ["queued", "canceled"]
            await waiters(server, 1)
            assert not every.done()
            await cancel(server, first)
            assert [item["status"] for item in (await every).body["items"]] == ["canceled", "canceled"]
            # One that has ended already answers at once.
            assert (await server.ask("GET", path + "any")).status == 200
            await waiters(server, 0)

    asyncio.run(run())


def test_a_batch_that_nobody_ends_is_answered_as_it_is() -> None:
    async def run() -> None:
        async with running(none_begun()) as server:
            ids = f"{await a_video_at(server)},{await a_video_at(server)}"
            for until in ("any", "all"):
                answer = await server.ask("GET", f"/v1/generations?ids={ids}&wait=0.05&until={until}")
                assert [item["status"] for item in answer.body["items"]] == ["queued", "queued"]
            assert server.engine.bell.waiters == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("ids=", "ids"),
        ("ids=,", "ids"),
        (f"ids={','.join(str(n) for n in range(101))}", "ids"),
        ("ids=x&until=running", "until"),
        ("ids=x&wait=61", "wait"),
        ("ids=x&limit=5", "limit"),
        ("wait=5", "wait"),
    ],
)
def test_a_batch_that_cannot_be_read(query: str, field: str) -> None:
    async def run() -> None:
        async with running(none_begun()) as server:
            answer = await server.ask("GET", f"/v1/generations?{query}")
            assert answer.status == 422
            assert [problem["field"] for problem in answer.body["error"]["problems"]] == [field]

    asyncio.run(run())


def test_one_that_is_not_there_refuses_the_batch_and_leaves_nobody_waiting() -> None:
    async def run() -> None:
        async with running(none_begun()) as server:
            id = await a_video_at(server)
            for until in ("any", "all"):
                answer = await server.ask("GET", f"/v1/generations?ids={id},{NOBODY}&wait=60&until={until}")
                assert answer.status == 404
            assert server.engine.bell.waiters == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=1", "wait=1"),
        ("respond-async, wait=1; foo=bar", "wait=1"),
        ('WAIT = "1"', "wait=1"),
        ("wait=0", "wait=0"),
        ("wait=soon", None),
        ("respond-async", None),
        ("wait=-1", None),
    ],
)
def test_a_submit_that_prefers_to_wait_is_told_what_was_done(prefer: str, applied: str | None) -> None:
    """And it is answered before its seconds are over: the client's own timeout is these seconds."""

    async def run() -> None:
        async with running(none_begun()) as server, asyncio.timeout(1.0):
            body = {"model": "kling-v2.1", "inputs": {"prompt": PROMPT}}
            answer = await server.ask("POST", "/v1/generations", body, headers={"prefer": prefer})
            assert (answer.status, answer.body["status"]) == (202, "queued")
            assert answer.headers.get("preference-applied") == applied

    asyncio.run(run())


def test_a_plain_read_never_waits_and_never_asks_the_provider() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            await provider.entered.wait()
            asked = list(provider.polled)
            for _ in range(5):
                assert (await server.ask("GET", f"/v1/generations/{id}")).body["status"] == "running"
            assert provider.polled == asked
            provider.gate.set()

    asyncio.run(run())


def test_a_poll_is_told_when_to_come_again_by_the_catalogue_and_then_by_experience() -> None:
    async def run() -> None:
        clock = FrozenClock()
        provider = held_back(an_output(), Ticket("up_2"), an_output())
        async with running(provider, clock=clock) as server:
            first = await a_video_at(server)
            # The catalogue says 45 to 90 s; half a minute is the most that anyone is sent away for.
            assert (await server.ask("GET", f"/v1/generations/{first}")).headers["retry-after"] == "30"
            await provider.entered.wait()
            clock.advance(8)
            provider.gate.set()
            await server.reach(first)
            ended = await server.ask("GET", f"/v1/generations/{first}")
            assert "retry-after" not in ended.headers
            provider.gate.clear()
            provider.entered.clear()
            second = await a_video_at(server)
            await provider.entered.wait()
            clock.advance(3)
            assert (await server.ask("GET", f"/v1/generations/{second}")).headers["retry-after"] == "5"
            clock.advance(17)
            late = await server.ask("GET", f"/v1/generations/{second}")
            assert late.headers["retry-after"] == "2", "a tenth of the 20 s that it has taken"
            provider.gate.set()

    asyncio.run(run())


def test_what_a_poll_has_seen_already_is_not_sent_again() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            await provider.entered.wait()
            path = f"/v1/generations/{id}"
            tag = (await server.ask("GET", path)).headers["etag"]
            same = await server.ask("GET", path, headers={"if-none-match": f'"another", {tag}'})
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
            assert int(same.headers["retry-after"]) > 0
            waited = await server.ask("GET", f"{path}?wait=0.05", headers={"if-none-match": tag})
            assert waited.status == 304
            provider.gate.set()
            await server.reach(id)
            ended = await server.ask("GET", path, headers={"if-none-match": tag})
            assert (ended.status, ended.body["status"]) == (200, "completed")
            for _ in range(2):
                plain = await server.ask("GET", path)
                assert (plain.status, plain.headers["etag"]) == (200, ended.headers["etag"])
            known = {"if-none-match": "W/" + ended.headers["etag"]}
            assert (await server.ask("GET", path, headers=known)).status == 304
            # Who has nothing yet is not told that nothing has changed.
            assert (await server.ask("GET", path)).body == ended.body

    asyncio.run(run())


FREE_READS = """
[watched]
title = "Watched"
calls_per_hour = 2
free_status_reads = true

[counted]
title = "Counted"
calls_per_hour = 2
"""


@pytest.mark.parametrize(("plan", "expected"), [("watched", 200), ("counted", 429)])
def test_a_plan_may_leave_status_reads_uncounted_in_every_dialect(tmp_path: Path, plan: str, expected: int) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(FREE_READS)

    async def run() -> None:
        async with running(none_begun(), plans=str(plans)) as server:
            await server.account("poller", plan=plan)

            async def ask(method: str, path: str, body: Any = None) -> Any:
                return await server.ask(method, path, body, dialect="elumenta", account="poller")

            number = (await ask("POST", "/api/v2/generate", {"model": "kling-v2.1", "prompt": PROMPT})).body["id"]
            answers = [(await ask("GET", f"/api/v2/generate/{number}")).status for _ in range(3)]
            assert answers[-1] == expected
            assert (await server.ask("GET", "/v1/account", account="poller")).status == expected

    asyncio.run(run())
