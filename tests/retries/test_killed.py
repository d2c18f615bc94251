"""A server that is killed between the commit and the answer: a submit that is sent again finds what it led to."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.crash import books
from tests.crash.lives import Died, Life, Lives
from tests.databases import on_sqlite

# A server that kills itself is another process: tests/crash/server.py, on a file.
pytestmark = on_sqlite

REQUEST = {"model": "sturdy", "inputs": {"prompt": "once"}}


async def submit(life: Life, headers: dict[str, str]) -> str:
    try:
        async with life.client.post("/v1/generations", json=REQUEST, headers=headers) as answer:
            assert answer.status == 202
            return str((await answer.json())["id"])
    except (aiohttp.ClientError, ConnectionError) as error:
        raise Died from error


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"Idempotency-Key": "order-4711"}, {"Idempotency-Key": "order-4711"}),
        ({"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}),
        ({}, {}),
    ],
    ids=["key", "retry count", "neither"],
)
@pytest.mark.parametrize(("step", "lives_on"), [("before submit", False), ("after submit", True)])
def test_the_retry_finds_it_in_the_next_life(
    tmp_path: Path, step: str, lives_on: bool, first: dict[str, str], again: dict[str, str]
) -> None:
    lives = Lives(tmp_path)

    async def run() -> None:
        async with lives.next(step) as life:
            with pytest.raises(Died):
                await submit(life, first)
            assert await life.ended() == -signal.SIGKILL
        async with lives.next() as life:
            stored = [body["id"] for body in await life.everything()]
            assert len(stored) == lives_on
            told = await submit(life, again)
            await life.reach(told)
            assert told in (stored or [told])
            # Without a key or a count, one that comes after an answer is meant.
            once_more = await submit(life, again)
            assert (once_more == told) is bool(again)
            await life.reach(once_more)
            assert lives.starts("sturdy") == dict.fromkeys({told, once_more}, 1)

    asyncio.run(run())
    assert asyncio.run(books.audit(tmp_path / "data" / "darkroom.db")) == []
