"""Attempts on both databases: where they went, what waits for a word, and what was billed."""

from datetime import timedelta

import pytest

from darkroom.credits import Credits
from darkroom.errors import StaleAttempt
from darkroom.generation import Cause, Status
from darkroom.ports import Address, CostLine, Settlement
from tests.store.conftest import NOW, AnyStore, Home, a_new, an_account, opened, play

AWAY = Address(base_url="https://up.example", credential="studio")
LATER = NOW + timedelta(hours=1)
FAILED = Settlement(status=Status.FAILED, used=Credits(0), cause=Cause("content_refused", "no"), cost_micro_usd=30_000)


def test_an_attempt_is_read_back_as_it_was_written(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            stored = await store.submit(a_new(await an_account(store)))
            await store.begin(stored.id, now=NOW)
            await store.note_ticket(stored.id, 1, "", address=AWAY, sent_at=NOW, reason="first by weight")
            await store.note_ticket(stored.id, 1, "up_1", address=AWAY, sent_at=NOW, reason="first by weight")
            (attempt,) = await store.attempts(stored.id)
            assert (attempt.ticket, attempt.base_url, attempt.credential) == ("up_1", "https://up.example", "studio")
            assert (attempt.sent_at, attempt.reason, attempt.outcome) == (NOW, "first by weight", None)

    play(act)


def test_what_is_ambiguous_waits_until_it_ends(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            stored = await store.submit(a_new(await an_account(store)))
            await store.begin(stored.id, now=NOW)
            await store.note_outcome(stored.id, 1, "ambiguous", now=LATER, detail="the answer was lost")
            (held,) = await store.ambiguous()
            assert (held.generation_id, held.ended_at, held.detail) == (stored.id, LATER, "the answer was lost")
            await store.settle(stored.id, 1, FAILED, now=LATER)
            assert await store.ambiguous() == []
            (attempt,) = await store.attempts(stored.id)
            assert (attempt.outcome, attempt.detail) == ("failed", "the answer was lost")

    play(act)


def test_an_attempt_that_was_handed_on_may_be_at_another_provider(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            stored = await store.submit(a_new(await an_account(store)))
            await store.begin(stored.id, now=NOW)
            queued = await store.hand_back(stored.id, 1, "provider_unavailable", now=NOW, provider="b", detail="503")
            assert (queued.status, queued.provider) == (Status.QUEUED, "b")
            assert [turn.lane for turn in await store.queued()] == ["b"]
            begun = await store.begin(stored.id, now=NOW)
            assert begun is not None
            assert begun.before[0].detail == "503"
            assert [each.provider for each in await store.attempts(stored.id)] == ["b", "sketch"]
            with pytest.raises(StaleAttempt):
                await store.hand_back(stored.id, 1, "late", now=NOW, provider="c")

    play(act)


async def done(store: AnyStore, account: object, provider: str, model: str, cost: int | None, used: int) -> None:
    stored = await store.submit(a_new(account, used, provider=provider, model=model))  # type: ignore[arg-type]
    await store.begin(stored.id, now=NOW)
    await store.note_ticket(stored.id, 1, "up", address=Address(base_url="https://x", credential="one"))
    ending = Settlement(status=Status.COMPLETED, used=Credits(used), cost_micro_usd=cost)
    await store.settle(stored.id, 1, ending, now=LATER)


@pytest.mark.parametrize(
    ("by", "lines"),
    [
        ("model", [CostLine("reel", 3, Credits(30), 120_000), CostLine("still", 1, Credits(5), 0)]),
        ("provider", [CostLine("a", 2, Credits(25), 70_000), CostLine("b", 2, Credits(10), 50_000)]),
    ],
)
def test_what_came_in_and_what_was_billed(home: Home, by: str, lines: list[CostLine]) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await done(store, ann, "a", "reel", 40_000, 20)
            await done(store, ann, "b", "reel", 50_000, 10)
            await done(store, ann, "a", "still", None, 5)
            # Refused by a, which bills it, then never done.
            refused = await store.submit(a_new(ann, 1, provider="a"))
            await store.begin(refused.id, now=NOW)
            await store.hand_back(refused.id, 1, "provider_unavailable", now=LATER, provider="b", cost_micro_usd=30_000)
            await store.begin(refused.id, now=LATER)
            ended = Settlement(status=Status.FAILED, used=Credits(0), cause=Cause("x", "x"))
            await store.settle(refused.id, 2, ended, now=LATER)
            assert await store.costs(by, since=NOW) == lines
            assert await store.costs(by, since=LATER + timedelta(seconds=1)) == []
            accounts = await store.costs("account", since=NOW)
            assert accounts == [CostLine(ann.id, 4, Credits(35), 120_000)]

    play(act)


def test_what_each_credential_has_cost(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await done(store, ann, "a", "reel", 40_000, 20)
            await done(store, ann, "a", "reel", 2_000, 20)
            await done(store, ann, "b", "reel", None, 5)
            assert await store.billed(since=NOW) == {("a", "one"): 42_000}
            assert await store.billed(since=LATER + timedelta(seconds=1)) == {}

    play(act)
