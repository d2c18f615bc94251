"""Two callers for the last credits, two for the last place: exactly one gets it, in one process and between two."""

import asyncio
import subprocess
import sys

import pytest

from darkroom.account import Account
from darkroom.credits import Credits
from darkroom.errors import InsufficientCredits, StaleAttempt, TooManyInFlight
from darkroom.generation import Status
from darkroom.ledger import Purse
from darkroom.ports import NewGeneration, Settlement
from tests.store.conftest import NOW, AnyStore, Home, a_new, an_account, buckets, opened, play

ROUNDS = 50


async def outcome(store: AnyStore, new: NewGeneration) -> str:
    try:
        await store.submit(new)
    except (InsufficientCredits, TooManyInFlight) as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize("writers", [1, 2])
def test_the_last_credits_go_to_exactly_one(home: Home, writers: int) -> None:
    """From one store's many tasks, or from two stores with a writer thread each."""

    async def act() -> None:
        async with opened(home) as first, opened(home) as second:
            ann = await an_account(first, permanent=0)
            for round in range(1, ROUNDS + 1):
                await first.grant(ann.id, Credits(50), purse=Purse.PERMANENT, note="", now=NOW)
                stores = [first, first if writers == 1 else second] * 4
                outcomes = await asyncio.gather(*(outcome(store, a_new(ann, 40)) for store in stores))
                # 10 are left over from each round, and make another 40 now and then.
                afford = (round * 50) // 40 - ((round - 1) * 50) // 40
                assert sorted(outcomes) == ["accepted"] * afford + ["insufficient_credits"] * (8 - afford)
            assert await buckets(first, ann) == (20, 2480, 0)

    play(act)


@pytest.mark.parametrize("writers", [1, 2])
def test_the_last_places_in_flight_go_to_exactly_so_many(home: Home, writers: int) -> None:
    async def act() -> None:
        async with opened(home) as first, opened(home) as second:
            ann = await an_account(first, permanent=100_000)
            for _ in range(ROUNDS):
                stores = [first, first if writers == 1 else second] * 4
                news = [a_new(ann, 1, in_flight_limit=3, plan="pro") for _ in stores]
                outcomes = await asyncio.gather(*(outcome(*pair) for pair in zip(stores, news, strict=True)))
                assert sorted(outcomes) == ["accepted"] * 3 + ["too_many_in_flight"] * 5
                for turn in await first.queued():
                    await first.cancel(ann.id, turn.id, now=NOW)
            assert await buckets(first, ann) == (100_000, 0, 0)

    play(act)


def test_two_processes_share_the_last_credits(home: Home) -> None:
    async def prepare() -> None:
        async with opened(home) as store:
            await an_account(store, permanent=150)

    play(prepare)
    command = [sys.executable, "-m", "tests.store.rival", "submits", str(home), "100"]
    rivals = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(2)
    ]
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    # Both wait at the line, and start together.
    accepted = [int(answer) for answer in answers(rivals)]
    assert sum(accepted) == 150
    assert all(50 <= count <= 100 for count in accepted)

    async def look() -> None:
        async with opened(home) as store:
            assert await buckets(store, await store.find_account("ann")) == (0, 150, 0)

    play(look)


def answers(rivals: "list[subprocess.Popen[str]]") -> list[str]:
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("go\n")
        rival.stdin.flush()
    return [rival.communicate(timeout=30)[0] for rival in rivals]


async def queued(store: AnyStore, ann: Account) -> str:
    stored = await store.submit(a_new(ann, 10))
    return stored.id


def test_settle_and_cancel_race_for_the_hold(home: Home) -> None:
    """Whichever comes first wins; the other changes nothing."""

    async def act() -> None:
        async with opened(home) as first, opened(home) as second:
            ann = await an_account(first, permanent=10 * ROUNDS)
            completed = 0
            for round in range(ROUNDS):
                id = await queued(first, ann)
                await first.begin(id, now=NOW)
                settling = first.settle(id, 1, Settlement(status=Status.COMPLETED, used=Credits(10)), now=NOW)
                canceling = second.cancel(ann.id, id, now=NOW)
                pair = (settling, canceling) if round % 2 else (canceling, settling)
                answers = await asyncio.gather(*pair, return_exceptions=True)
                stale = [answer for answer in answers if isinstance(answer, StaleAttempt)]
                first.forget()
                ended = await first.get(id)
                assert (ended.status, len(stale)) in ((Status.COMPLETED, 0), (Status.CANCELED, 1))
                completed += ended.status is Status.COMPLETED
            assert await buckets(first, ann) == (10 * (ROUNDS - completed), 0, 10 * completed)

    play(act)


def test_of_many_workers_one_begins(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as first, opened(home) as second:
            ann = await an_account(first, permanent=10 * ROUNDS)
            for _ in range(ROUNDS):
                id = await queued(first, ann)
                begun = await asyncio.gather(*(store.begin(id, now=NOW) for store in (first, second) * 3))
                assert [found.generation.attempt for found in begun if found is not None] == [1]

    play(act)
