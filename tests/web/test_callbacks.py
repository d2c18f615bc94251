"""An upstream tells that there is something to see: the worker looks at once, and believes only what it sees itself."""

import asyncio
from typing import Any

import pytest

from darkroom.generation import Status
from darkroom.ports import Output, Pace, Pending, Report, Ticket, Work
from darkroom.testing import an_output
from tests.harness import Running, running
from tests.worker.away import FIRST, Away

PROMPT = {"model": "kling-v2.1", "inputs": {"prompt": "a tree"}}


class Patient(Away):
    """Wants to be asked once in a thousand seconds; done once `done` is set."""

    pace = Pace(interval_s=0.02, longest_s=1000.0)

    def __init__(self) -> None:
        super().__init__([Ticket("up_1"), an_output()], FIRST)
        self.done = asyncio.Event()
        self.looks = 0
        self.looked = asyncio.Event()

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        if self.done.is_set():
            return await super().poll(work, ticket, report)
        self.looks += 1
        self.looked.set()
        return Pending(after_s=1000.0)


async def submitted(server: Running, provider: Patient) -> tuple[str, str]:
    """A generation that has been looked at once, and where its upstream may tell of it."""
    id = (await server.ask("POST", "/v1/generations", PROMPT)).body["id"]
    await provider.looked.wait()
    url = provider.works[0].callback_url
    assert url is not None
    return id, "/callbacks/" + url.rsplit("/", 1)[-1]


def test_a_nudge_is_seen_at_once() -> None:
    async def act() -> None:
        provider = Patient()
        async with running(provider, public_url="https://media.example") as server:
            id, path = await submitted(server, provider)
            provider.done.set()
            answer = await server.ask("POST", path, {"status": "whatever it says"}, key="")
            assert (answer.status, answer.body) == (200, {})
            assert (await server.reach(id)).status is Status.COMPLETED

    asyncio.run(act())


@pytest.mark.parametrize("told", ["completed", "failed"])
def test_what_a_nudge_says_is_not_believed(told: str) -> None:
    async def act() -> None:
        provider = Patient()
        async with running(provider, public_url="https://media.example") as server:
            id, path = await submitted(server, provider)
            provider.looked.clear()
            body = {"status": told, "state": told, "error": "no", "output": ["https://evil.example/a.mp4"]}
            assert (await server.ask("POST", path, body, key="")).status == 200
            await provider.looked.wait()
            assert (await server.engine.store.get(id)).status is Status.RUNNING

    asyncio.run(act())


@pytest.mark.parametrize(
    ("data", "answered"),
    [
        (b'{"challenge": "prove it"}', {"challenge": "prove it"}),
        (b'{"challenge": 5}', {}),
        (b'{"challenge": "' + b"x" * 1025 + b'"}', {}),
        (b'{"challenge": "<script>"}', {"challenge": "<script>"}),
        (b"[]", {}),
        (b"", {}),
        (b"\xff\xfe", {}),
        (b"[" * 60_000, {}),
        (b'{"challenge": "late", "more": "' + b"x" * 100_000 + b'"}', {}),
    ],
)
def test_a_challenge_is_said_back_and_nothing_else(data: bytes, answered: Any) -> None:
    async def act() -> None:
        provider = Patient()
        async with running(provider, public_url="https://media.example") as server:
            _, path = await submitted(server, provider)
            answer = await server.ask("POST", path, data=data, key="")
            assert (answer.status, answer.body) == (200, answered)

    asyncio.run(act())


def test_an_address_that_we_have_not_signed_is_nobody_s() -> None:
    async def act() -> None:
        provider = Patient()
        async with running(provider, public_url="https://media.example") as server:
            id, path = await submitted(server, provider)
            for wrong in (path[:-3], f"/callbacks/{id}.1.x", "/callbacks/x"):
                answer = await server.ask("POST", wrong, {"challenge": "prove it"}, key="")
                assert answer.status == 404
            assert provider.looks == 1

    asyncio.run(act())
