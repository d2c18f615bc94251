"""Many verbs at once, which PostgreSQL carries out in one statement: each has an outcome of its own."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from darkroom.account import Account
from darkroom.asset import Asset
from darkroom.clock import to_micros
from darkroom.credits import ZERO, Credits
from darkroom.errors import Rejected, StaleAttempt
from darkroom.generation import Cause, Generation, Status
from darkroom.ledger import Purse
from darkroom.ports import NewGeneration, Settlement
from darkroom.webhook import Webhook
from tests.store.conftest import NOW, Dsn, Home, a_new, an_account, as_read, buckets, opened, play, rows_of

MANY = 40

TURNS = """
    SELECT array_agg(-q.priority ORDER BY q.priority DESC)
      FROM pgqueuer AS q JOIN generation AS g ON q.dedupe_key = g.id || ':0'
     GROUP BY account_id ORDER BY account_id
"""


def settlement(number: int) -> Settlement:
    """All of the 40 that were held for the first one, 39 for the second, and so on; each fourth fails."""
    if number % 4 == 3:
        cause = Cause("refused", f"no {number}")
        return Settlement(status=Status.FAILED, used=ZERO, cause=cause, cost_micro_usd=number)
    file = Asset(key=f"results/{number}.mp4", media_type="video/mp4", size_bytes=number)
    return Settlement(status=Status.COMPLETED, used=Credits(40 - number), outputs=(file,), cost_micro_usd=10 * number)


Outcome = Generation | str


async def outcome(submitting: Awaitable[Generation]) -> Outcome:
    try:
        return await submitting
    except Rejected as error:
        return f"{error.code} {getattr(error, 'available', '')}".strip()


def keyed(account: Account, in_flight_limit: int | None = None) -> NewGeneration:
    return a_new(account, idempotency_key="k", fingerprint=b"f" * 32, in_flight_limit=in_flight_limit)


def test_of_many_that_are_submitted_at_once_each_is_decided_by_itself(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            dee = await an_account(store, "dee", permanent=1000)
            ann = await an_account(store, "ann", subscription=30, permanent=100)
            bob = await an_account(store, "bob", permanent=1000)
            cid = await an_account(store, "cid", permanent=1000)
            asked = [
                *(a_new(dee) for _ in range(2)),
                # 30 and 10 of the two purses, 40, 40: 10 are left.
                *(a_new(ann) for _ in range(3)),
                a_new(bob, in_flight_limit=2),
                keyed(cid),
                a_new(ann),
                a_new(ann, 10),
                a_new(ann, 0),
                a_new(ann, 1),
                a_new(bob),
                a_new(bob, in_flight_limit=2),
                a_new(bob),
                a_new(bob, in_flight_limit=4),
                keyed(cid),
                a_new(cid, idempotency_key="k", fingerprint=b"g" * 32),
                a_new(cid, idempotency_key="other", fingerprint=b"g" * 32),
                a_new(dee, in_flight_limit=2),
                keyed(dee, in_flight_limit=3),
            ]
            found = await asyncio.gather(*(outcome(store.submit(new)) for new in asked))
            said = [each if isinstance(each, str) else [new.id for new in asked].index(each.id) for each in found]
            poor, full = "insufficient_credits", "too_many_in_flight"
            assert said[2:5] == [2, 3, 4]
            assert said[5:11] == [5, 6, f"{poor} 10", 8, 9, f"{poor} 0"]
            assert said[11:15] == [11, full, 13, 14]
            assert said[15:] == [6, "idempotency_conflict", 17, full, 19]
            held = [dict(each.held) for each in found if isinstance(each, Generation) and each.account_id == ann.id]
            assert held == [
                {"subscription": 30, "permanent": 10},
                {"permanent": 40},
                {"permanent": 40},
                {"permanent": 10},
                {},
            ]
            for account in (ann, bob, cid, dee):
                stored = {
                    each.number: each
                    for each in found
                    if isinstance(each, Generation) and each.account_id == account.id and each.event
                }
                # Numbers and events come in the order in which they were asked for.
                assert list(stored) == sorted(stored)
                assert [each.event for each in stored.values()] == sorted(each.event for each in stored.values())
                for each in stored.values():
                    assert as_read(each) == as_read(await store.get(each.id))
            assert await buckets(store, ann, Purse.SUBSCRIPTION) == (0, 30, 0)
            assert await buckets(store, ann) == (0, 100, 0)
            assert await buckets(store, bob) == (1000 - 4 * 40, 160, 0)
            assert await buckets(store, cid) == (1000 - 2 * 40, 80, 0)
            assert await store.in_flight(bob.id) == 4

    play(act)
    if isinstance(home, Dsn):
        # One transaction: none of them had to be asked for again by itself.
        assert rows_of(home, "SELECT count(DISTINCT xmin::text) FROM generation") == [(1,)]
        # Three, five, four and two: every account's turns begin where nobody has waited before it.
        assert rows_of(home, TURNS) == [([0, 1, 2],), ([0, 1, 2, 3, 4],), ([0, 1, 2, 3],), ([0, 1],)]


def test_of_many_that_are_submitted_at_once_each_is_told_of_by_itself(home: Home) -> None:
    """Four kinds in turn: a dialect that nobody listens to, with a callback of the beginning, of the end, or none; and
    one with an endpoint."""
    begin, end = "https://begin.example/", "https://end.example/"

    def a_kind(account: Account, number: int) -> NewGeneration:
        at = NOW + timedelta(seconds=number)
        match number % 4:
            case 0:
                return a_new(account, created_at=at, dialect="vivix")
            case 1:
                return a_new(account, created_at=at, dialect="vivix", callback_url=begin, callback_events=("queued",))
            case 2:
                return a_new(account, created_at=at, dialect="vivix", callback_url=end, callback_events=("completed",))
            case _:
                return a_new(account, created_at=at, dialect="native")

    stored: list[Generation] = []

    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=10_000)
            await store.create_webhook(
                Webhook(
                    id="w",
                    account_id=ann.id,
                    dialect="native",
                    url="https://w.example/",
                    secret="w",
                    events=("queued",),
                    created_at=NOW,
                )
            )
            # More than go into one statement.
            stored.extend(await asyncio.gather(*(store.submit(a_kind(ann, number)) for number in range(150))))

    play(act)
    at = {one.id: to_micros(NOW + timedelta(seconds=number)) for number, one in enumerate(stored)}
    numbers = rows_of(home, "SELECT id, number, created_at FROM generation ORDER BY number")
    assert numbers == [(one.id, one.number, at[one.id]) for one in sorted(stored, key=lambda one: one.number)]
    events = rows_of(home, "SELECT generation_id, sequence, at FROM event ORDER BY sequence")
    assert events == [(one.id, one.event, at[one.id]) for one in sorted(stored, key=lambda one: one.event)]
    holds = rows_of(home, "SELECT generation_id, amount, at FROM entry WHERE kind = 'hold'")
    assert sorted(holds) == sorted((one.id, 40, at[one.id]) for one in stored)
    told = {1: "https://begin.example/", 3: "https://w.example/"}
    messages = rows_of(home, "SELECT generation_id, url, event, created_at FROM delivery")
    assert sorted(messages) == sorted(
        (one.id, told[number % 4], "queued", at[one.id]) for number, one in enumerate(stored) if number % 4 in told
    )


def test_of_many_that_end_at_once_each_has_its_own_result_and_its_own_bill(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            # The even ones are Ann's. Of her first, 30 are held from the purse that lapses, and 10 from the other.
            ann = await an_account(store, "ann", subscription=30, permanent=2000)
            bob = await an_account(store, "bob", permanent=2000)
            ids = [(await store.submit(a_new((ann, bob)[number % 2]))).id for number in range(MANY)]
            begun = await asyncio.gather(*(store.begin(id, now=NOW) for id in ids))
            assert [found.generation.id for found in begun if found is not None] == ids

            async def settle(number: int, attempt: int) -> Generation | None:
                try:
                    return await store.settle(ids[number], attempt, settlement(number), now=NOW)
                except StaleAttempt:
                    return None

            # A worker that never had its turn, in the midst of those that had.
            turns = [(number, 1) for number in range(20)] + [(25, 2)] + [(number, 1) for number in range(20, MANY)]
            settled = await asyncio.gather(*(settle(*turn) for turn in turns))
            assert settled.pop(20) is None
            ended = [generation for generation in settled if generation is not None]
            assert len(ended) == MANY
            for number, generation in enumerate(ended):
                told = settlement(number)
                spent = {} if number % 4 == 3 else {"permanent": 40 - number}
                spent = {"subscription": 30, "permanent": 10} if number == 0 else spent
                assert (generation.id, generation.status, generation.cause) == (ids[number], told.status, told.cause)
                assert (generation.outputs, dict(generation.spent)) == (told.outputs, spent)
                assert as_read(generation) == as_read(await store.get(generation.id))
            events = [generation.event for generation in ended]
            assert events == sorted(set(events))
            assert await buckets(store, ann, Purse.SUBSCRIPTION) == (0, 0, 30)
            assert await buckets(store, ann) == (2000 - 390, 0, 390)
            assert await buckets(store, bob) == (2000 - 210, 0, 210)

    play(act)
    # 10 * (0 + 2 + ... + 38), 10 * (1 + 5 + ... + 37), and 3 + 7 + ... + 39.
    assert [tuple(map(int, row)) for row in rows_of(home, "SELECT sum(cost_micro_usd) FROM attempt")] == [(5910,)]
