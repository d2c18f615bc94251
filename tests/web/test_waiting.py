"""Long-polls and streams over real sockets: answered at the change, cheap while they wait, gone with their caller."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import apsw
import pytest

from darkroom.errors import ContentRefused
from darkroom.generation import Status
from darkroom.ports import Pending, Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Running, running
from tests.web.scene import BOTH, ELUMENTA, NATIVE, PROMPT, Phrases, a_video_at

LIMIT_S = 20


def held_back(*steps: Any) -> ScriptedProvider:
    """A provider that takes the work, and answers polls once its gate is opened."""
    provider = ScriptedProvider([Ticket("up_1"), *(steps or (an_output(),))], may_restart=True)
    provider.gate.clear()
    return provider


async def waiters(server: Running, number: int) -> None:
    """Returns once so many are waiting, as an operator would see it."""
    told = f'darkroom_waiters{{lane="all"}} {number}.0'
    async with asyncio.timeout(LIMIT_S):
        while told not in (await server.ask("GET", "/metrics", key="")).body.decode().splitlines():
            pass


def test_a_long_poll_is_answered_at_the_settle() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            asking = asyncio.create_task(server.ask("GET", f"/v1/generations/{id}?wait=60"))
            await waiters(server, 1)
            assert not asking.done()
            provider.gate.set()
            answer = await asking
            assert (answer.body["status"], server.engine.bell.waiters) == ("completed", 0)

    asyncio.run(run())


def test_a_long_poll_may_wait_for_the_start_alone() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            answer = await server.ask("GET", f"/v1/generations/{id}?wait=60&until=running")
            assert answer.body["status"] == "running"
            provider.gate.set()

    asyncio.run(run())


def test_a_long_poll_that_ends_first_tells_the_state_as_it_is() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            answer = await server.ask("GET", f"/v1/generations/{id}?wait=0.05")
            assert answer.status == 200
            assert answer.body["status"] in ("queued", "running")
            assert server.engine.bell.waiters == 0

    asyncio.run(run())


def test_an_image_is_answered_at_once_and_a_video_never() -> None:
    """Elumenta's rule, with a caller that asks for neither."""

    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            asking = asyncio.create_task(ELUMENTA.ask_for(server, "photon-flash", prompt=PROMPT))
            await waiters(server, 1)
            provider.gate.set()
            answer = await asking
            assert (answer.status, answer.body["status"], answer.body["tokens_spent"]) == (200, "completed", 1)
        provider = held_back()
        async with running(provider) as server:
            answer = await ELUMENTA.ask_for(server, "kling-v2.1", prompt=PROMPT)
            assert (answer.status, answer.body["status"], answer.body["tokens_spent"]) == (200, "pending", 0)
            provider.gate.set()

    asyncio.run(run())


def test_a_failure_within_the_answer_costs_nothing() -> None:
    async def run() -> None:
        async with running([ContentRefused("content policy violation")]) as server:
            answer = await ELUMENTA.ask_for(server, "photon-flash", prompt=PROMPT)
            assert answer.body["error"] == "Provider error: content policy violation"
            assert (answer.body["status"], answer.body["tokens_spent"]) == ("failed", 0)

    asyncio.run(run())


def test_a_native_submit_may_wait() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            body, prefer = NATIVE.body(prompt=PROMPT), {"prefer": "respond-async, wait=30"}
            answer = await server.ask("POST", "/v1/generations", body, headers=prefer)
            assert (answer.status, answer.body["status"]) == (202, "completed")
            assert answer.headers["preference-applied"] == "wait=30"

    asyncio.run(run())


def test_a_caller_that_hangs_up_waits_no_more() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            asking = asyncio.create_task(server.ask("GET", f"/v1/generations/{id}?wait=60"))
            await waiters(server, 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await waiters(server, 0)
            provider.gate.set()
            assert (await server.reach(id)).status is Status.COMPLETED

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "body", "dialect"),
    [
        ("/v1/generations", NATIVE.body(prompt=PROMPT), "native"),
        ("/api/v2/generate", ELUMENTA.body("photon-flash", prompt=PROMPT), "elumenta"),
    ],
)
def test_a_submit_that_hangs_up_is_carried_out_and_waits_no_more(path: str, body: Any, dialect: str) -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            prefer = {"prefer": "wait=60"}  # which Elumenta has no notion of: an image there is always waited for
            asking = asyncio.create_task(server.ask("POST", path, body, dialect=dialect, headers=prefer))
            await waiters(server, 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await waiters(server, 0)
            provider.gate.set()
            assert (await server.reach(1)).status is Status.COMPLETED

    asyncio.run(run())


def test_a_thousand_long_polls_on_one_generation_are_all_answered() -> None:
    """And they cost the store nothing, while they wait and when it ends. Its speed is for the benchmark to tell."""

    async def run(statements: list[str]) -> None:
        provider = held_back(Pending(after_s=0.001, progress=0.5), an_output())
        async with running(provider) as server, _many_sockets() as client:
            id = await a_video_at(server)
            key = await server.key()
            await server.reach(id, Status.RUNNING)
            statements.clear()

            async def wait() -> tuple[str, float]:
                url = f"{server.url}/v1/generations/{id}?wait=60"
                async with client.get(url, headers={"authorization": f"Bearer {key}"}) as answer:
                    return (await answer.json())["status"], time.monotonic()

            asking = [asyncio.create_task(wait()) for _ in range(1000)]
            await waiters(server, 1000)
            provider.gate.set()
            answers = await asyncio.gather(*asking)
            assert [status for status, _ in answers] == ["completed"] * 1000
            assert server.engine.bell.waiters == 0
            assert len(statements) < 100, "a settle and a sweep, not a question for each who waits"
            at = [instant for _, instant in answers]
            print(f"1,000 waiters were answered within {(max(at) - min(at)) * 1000:.0f} ms of each other")

    with _statements() as statements:
        asyncio.run(run(statements))


@contextmanager
def _statements() -> Iterator[list[str]]:
    """Every statement that SQLite carries out in this process."""
    statements: list[str] = []

    def watch(connection: apsw.Connection) -> None:
        connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))

    apsw.connection_hooks.append(watch)
    try:
        yield statements
    finally:
        apsw.connection_hooks.remove(watch)


def _many_sockets() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


# Server-sent events.


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    async for line in answer.content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def test_a_stream_tells_each_change_until_the_end() -> None:
    async def run() -> None:
        provider = held_back(Pending(after_s=0.001, progress=0.5), an_output())
        async with running(provider) as server:
            id = await a_video_at(server)
            key = await server.key()
            url = f"{server.url}/v1/generations/{id}/events"
            async with server.client.get(url, headers={"authorization": f"Bearer {key}"}) as answer:
                assert answer.headers["content-type"] == "text/event-stream"
                assert answer.headers["cache-control"] == "no-cache"
                events = _events(answer)
                told = [await anext(events)]
                provider.gate.set()
                told += [event async for event in events]
            states = [event["status"] for event in told]
            assert states[-1] == "completed"
            assert set(states[:-1]) <= {"queued", "running"}
            assert [event["progress"] for event in told if event["progress"] is not None][-1] == 1.0
            assert told[-1]["spent"] == 26
            # It ended by itself: a later caller hears the end at once.
            async with server.client.get(url, headers={"authorization": f"Bearer {key}"}) as answer:
                assert [event["status"] async for event in _events(answer)] == ["completed"]

    asyncio.run(run())


def test_a_stream_that_is_hung_up_leaves_nobody_waiting() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            key = await server.key()
            answer = await server.client.get(
                f"{server.url}/v1/generations/{id}/events", headers={"authorization": f"Bearer {key}"}
            )
            assert (await anext(_events(answer)))["id"] == id
            await waiters(server, 1)
            answer.close()
            await waiters(server, 0)
            provider.gate.set()
            assert (await server.reach(id)).status is Status.COMPLETED

    asyncio.run(run())


def test_head_of_a_stream_does_not_wait() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            answer = await server.ask("HEAD", f"/v1/generations/{id}/events")
            assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
            provider.gate.set()
            await server.reach(id)
            answer = await server.ask("HEAD", f"/v1/generations/{id}/events")
            assert (answer.status, answer.body) == (200, b"")

    asyncio.run(run())


@pytest.mark.parametrize("dialect", BOTH, ids=lambda dialect: dialect.name)
def test_a_cancel_answers_who_waits_and_gives_the_credits_back(dialect: Phrases) -> None:
    async def run() -> None:
        async with running(held_back()) as server:
            made = await dialect.ask_for(server, prompt=PROMPT)
            generation = await server.engine.store.get(made.body["id"])
            asking = asyncio.create_task(server.ask("GET", f"/v1/generations/{generation.id}?wait=60"))
            await waiters(server, 1)
            canceled = await server.ask("POST", f"/v1/generations/{generation.id}/cancel")
            assert canceled.body["status"] == (await asking).body["status"] == "canceled"
            again = await server.ask("POST", f"/v1/generations/{generation.id}/cancel")
            assert (again.status, again.body["status"]) == (200, "canceled")
            path = dialect.fetch.format(id=generation.id, number=generation.number)
            seen = await server.ask("GET", path, dialect=dialect.name)
            assert seen.body["status"] == ("canceled" if dialect is NATIVE else "failed")
            account = (await server.ask("GET", "/v1/account")).body
            assert (account["held"], account["spent"], account["available"]) == (0, 0, account["granted"])

    asyncio.run(run())
