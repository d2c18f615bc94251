"""Many verbs at once, which PostgreSQL carries out in one statement: each has an outcome of its own."""

import asyncio

from darkroom.asset import Asset
from darkroom.credits import ZERO, Credits
from darkroom.errors import StaleAttempt
from darkroom.generation import Cause, Generation, Status
from darkroom.ledger import Purse
from darkroom.ports import Settlement
from tests.store.conftest import NOW, Home, a_new, an_account, as_read, buckets, opened, play, rows_of

MANY = 40


def settlement(number: int) -> Settlement:
    """All of the 40 that were held for the first one, 39 for the second, and so on; each fourth fails."""
    if number % 4 == 3:
        cause = Cause("refused", f"no {number}")
        return Settlement(status=Status.FAILED, used=ZERO, cause=cause, cost_micro_usd=number)
    file = Asset(key=f"results/{number}.mp4", media_type="video/mp4", size_bytes=number)
    return Settlement(status=Status.COMPLETED, used=Credits(40 - number), outputs=(file,), cost_micro_usd=10 * number)


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
