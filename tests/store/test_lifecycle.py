"""The verbs that move a generation: what each does to the row, the books, the attempts and the events."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from darkroom.asset import Asset
from darkroom.credits import Credits
from darkroom.errors import InsufficientCredits, InvalidInput, NotFound, StaleAttempt, TooManyInFlight
from darkroom.generation import Cause, Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.ports import Settlement, Turn
from tests.store.conftest import NOW, Home, a_new, an_account, as_read, buckets, opened, play, rows_of

LATER = NOW + timedelta(seconds=90)
DONE = Settlement(
    status=Status.COMPLETED,
    used=Credits(25),
    outputs=(Asset(key="results/x/1/x.mp4", media_type="video/mp4", size_bytes=8, duration_s=5.0),),
)
FAILED = Settlement(status=Status.FAILED, used=Credits(0), cause=Cause("provider_rejected", "no"))
EVENTS = "SELECT status FROM event ORDER BY sequence"
ATTEMPTS = "SELECT number, ticket, outcome, ended_at IS NOT NULL FROM attempt ORDER BY number"


def test_submit_stores_the_generation_its_hold_and_an_event(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=100, subscription=30)
            new = a_new(ann, 40, wire={"seen": True}, callback_url="https://example.com/hook")
            stored = await store.submit(new)
            assert (stored.id, stored.number, stored.status, stored.attempt) == (new.id, 1, Status.QUEUED, 0)
            assert (stored.quote, stored.held, stored.spent) == (40, {"subscription": 30, "permanent": 10}, {})
            assert (stored.inputs, stored.wire) == ({"prompt": "a reel"}, {"seen": True})
            assert (stored.created_at, stored.settled_at, stored.callback_url) == (
                NOW,
                None,
                "https://example.com/hook",
            )
            assert await buckets(store, ann) == (90, 10, 0)
            assert await buckets(store, ann, Purse.SUBSCRIPTION) == (0, 30, 0)
            assert await store.queued() == [Turn.of(stored)]
            assert await store.in_flight(ann.id) == 1
            assert rows_of(home, EVENTS) == [("queued",)]

    play(act)


def test_what_was_stored_is_read_back_the_same(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=120)
            ids = [(await store.submit(a_new(ann))).id for _ in range(3)]
            await store.begin(ids[0], now=NOW)
            told = [
                as_read(await store.settle(ids[0], 1, DONE, now=LATER)),
                as_read(await store.cancel(ann.id, ids[1], now=LATER)),
                as_read(await store.get(ids[2])),
            ]
        async with opened(home) as store:
            assert [await store.get(id) for id in ids] == told
            assert [await store.get(number) for number in (1, 2, 3)] == told
            with pytest.raises(NotFound):
                await store.get(new_id())
            with pytest.raises(NotFound):
                await store.get(4)

    play(act)


def test_without_credits_nothing_is_stored(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=39)
            with pytest.raises(InsufficientCredits) as refused:
                await store.submit(a_new(ann, 40))
            assert (refused.value.needed, refused.value.available) == (40, 39)
            assert rows_of(home, "SELECT count(*) FROM generation") == [(0,)]
            assert rows_of(home, EVENTS) == []
            assert await buckets(store, ann) == (39, 0, 0)

    play(act)


def test_over_the_limit_in_flight_nothing_is_stored(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            first = await store.submit(a_new(ann, 10, in_flight_limit=1, plan="pro"))
            with pytest.raises(TooManyInFlight) as refused:
                await store.submit(a_new(ann, 10, in_flight_limit=1, plan="pro"))
            assert (refused.value.limit, refused.value.plan) == (1, "pro")
            await store.cancel(ann.id, first.id, now=NOW)
            await store.submit(a_new(ann, 10, in_flight_limit=1, plan="pro"))
            assert await buckets(store, ann) == (90, 10, 0)

    play(act)


def test_a_free_generation_moves_nothing(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann, 0))
            await store.begin(stored.id, now=NOW)
            assert (await store.settle(stored.id, 1, DONE, now=NOW)).spent == {}
            assert await buckets(store, ann) == (100, 0, 0)

    play(act)


def test_begin_takes_the_turn_once(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            begun = await store.begin(stored.id, now=LATER)
            assert begun is not None
            running = begun.generation
            assert (running.status, running.attempt, running.started_at) == (Status.RUNNING, 1, LATER)
            assert begun.before == ()
            assert await store.begin(stored.id, now=LATER) is None
            assert await store.begin(new_id(), now=LATER) is None
            assert await store.queued() == []
            assert rows_of(home, EVENTS) == [("queued",), ("running",)]
            assert rows_of(home, ATTEMPTS) == [(1, None, None, 0)]

    play(act)


def test_settle_captures_and_releases_in_one_go(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=100, subscription=30)
            stored = await store.submit(a_new(ann, 40, retention_days=7))
            await store.begin(stored.id, now=NOW)
            settled = await store.settle(stored.id, 1, DONE, now=LATER)
            assert (settled.status, settled.spent, settled.settled_at) == (
                Status.COMPLETED,
                {"subscription": 25},
                LATER,
            )
            assert (settled.outputs, settled.expires_at) == (DONE.outputs, LATER + timedelta(days=7))
            assert await buckets(store, ann) == (100, 0, 0)
            assert await buckets(store, ann, Purse.SUBSCRIPTION) == (5, 0, 25)
            assert rows_of(home, EVENTS) == [("queued",), ("running",), ("completed",)]
            assert rows_of(home, ATTEMPTS) == [(1, None, "completed", 1)]

    play(act)


def test_a_failure_gives_everything_back(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            await store.begin(stored.id, now=NOW)
            settled = await store.settle(stored.id, 1, FAILED, now=LATER)
            assert (settled.status, settled.cause) == (Status.FAILED, Cause("provider_rejected", "no"))
            assert (settled.spent, settled.outputs, settled.expires_at) == ({}, (), None)
            assert await buckets(store, ann) == (100, 0, 0)

    play(act)


def test_the_fence_keeps_out_every_attempt_but_the_running_one(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            await store.begin(stored.id, now=NOW)
            await store.hand_back(stored.id, 1, "handed back", now=NOW)
            await store.begin(stored.id, now=NOW)
            before = rows_of(home, ATTEMPTS)
            for attempt in (0, 1, 3):
                with pytest.raises(StaleAttempt):
                    await store.settle(stored.id, attempt, DONE, now=NOW)
                with pytest.raises(StaleAttempt):
                    await store.hand_back(stored.id, attempt, "handed back", now=NOW)
                with pytest.raises(StaleAttempt):
                    await store.note_ticket(stored.id, attempt, "late")
                with pytest.raises(StaleAttempt):
                    await store.note_outcome(stored.id, attempt, "ambiguous", now=NOW)
            assert rows_of(home, ATTEMPTS) == before
            assert (await store.get(stored.id)).status is Status.RUNNING
            assert await buckets(store, ann) == (60, 40, 0)
            await store.settle(stored.id, 2, DONE, now=NOW)

    play(act)


@pytest.mark.parametrize("end", ["settled", "failed", "canceled", "handed back", "never begun"])
def test_what_does_not_run_cannot_be_settled(home: Home, end: str) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            if end != "never begun":
                await store.begin(stored.id, now=NOW)
            match end:
                case "settled":
                    await store.settle(stored.id, 1, DONE, now=NOW)
                case "failed":
                    await store.settle(stored.id, 1, FAILED, now=NOW)
                case "canceled":
                    await store.cancel(ann.id, stored.id, now=NOW)
                case "handed back":
                    await store.hand_back(stored.id, 1, "handed back", now=NOW)
            before = await buckets(store, ann), await store.get(stored.id), rows_of(home, EVENTS)
            for settlement in (DONE, FAILED):
                with pytest.raises(StaleAttempt):
                    await store.settle(stored.id, 1, settlement, now=LATER)
            with pytest.raises(StaleAttempt):
                await store.note_ticket(stored.id, 1, "late")
            assert (await buckets(store, ann), await store.get(stored.id), rows_of(home, EVENTS)) == before

    play(act)


def test_hand_back_gives_the_turn_to_the_next_attempt(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            await store.begin(stored.id, now=NOW)
            await store.note_ticket(stored.id, 1, "up_1")
            await store.hand_back(stored.id, 1, "handed back", now=NOW)
            assert (await store.get(stored.id)).status is Status.QUEUED
            begun = await store.begin(stored.id, now=LATER)
            assert begun is not None
            assert (begun.generation.attempt, begun.generation.started_at) == (2, NOW)
            (before,) = begun.before
            assert (before.number, before.ticket, before.outcome) == (1, "up_1", "handed back")

    play(act)


def test_rescue_queues_what_was_running_and_nothing_else(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            running, queued, done = [(await store.submit(a_new(ann, 10))).id for _ in range(3)]
            await store.begin(running, now=NOW)
            await store.note_ticket(running, 1, "up_1")
            await store.begin(done, now=NOW)
            await store.settle(done, 1, Settlement(status=Status.COMPLETED, used=Credits(10)), now=NOW)
            assert await store.rescue(now=LATER) == 1
            assert [turn.id for turn in await store.queued()] == [running, queued]
            assert (await store.get(running)).status is Status.QUEUED
            begun = await store.begin(running, now=LATER)
            assert begun is not None
            assert (begun.before[0].ticket, begun.before[0].outcome) == ("up_1", None)
            assert await buckets(store, ann) == (70, 20, 10)

    play(act)


@pytest.mark.parametrize("is_begun", [False, True])
def test_cancel_gives_everything_back_once(home: Home, is_begun: bool) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            if is_begun:
                await store.begin(stored.id, now=NOW)
            canceled = await store.cancel(ann.id, stored.id, now=LATER)
            assert (canceled.status, canceled.settled_at) == (Status.CANCELED, LATER)
            assert canceled.cause == Cause("canceled", "canceled by the caller")
            assert await store.cancel(ann.id, stored.id, now=LATER + timedelta(days=1)) == as_read(canceled)
            assert await buckets(store, ann) == (100, 0, 0)
            assert rows_of(home, EVENTS)[-1] == ("canceled",)
            assert rows_of(home, ATTEMPTS) == ([(1, None, "canceled", 1)] if is_begun else [])

    play(act)


def test_nobody_cancels_what_is_another_s(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store), await an_account(store, "bob")
            stored = await store.submit(a_new(ann))
            assert (await store.cancel(bob.id, stored.id, now=NOW)).status is Status.QUEUED
            with pytest.raises(NotFound):
                await store.cancel(ann.id, new_id(), now=NOW)
            assert await buckets(store, ann) == (60, 40, 0)

    play(act)


def test_only_what_is_ambiguous_can_be_decided(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            retried, failed = [(await store.submit(a_new(ann, 10))).id for _ in range(2)]
            for id in (retried, failed):
                with pytest.raises(InvalidInput):
                    await store.decide(id, is_retry=True, now=NOW)
                await store.begin(id, now=NOW)
                with pytest.raises(InvalidInput):
                    await store.decide(id, is_retry=False, now=NOW)
                await store.note_outcome(id, 1, "ambiguous", now=NOW)
            again = await store.decide(retried, is_retry=True, now=NOW)
            assert (again.status, again.settled_at) == (Status.QUEUED, None)
            ended = await store.decide(failed, is_retry=False, now=LATER)
            assert (ended.status, ended.settled_at) == (Status.FAILED, LATER)
            for id in (retried, failed):
                with pytest.raises(InvalidInput):
                    await store.decide(id, is_retry=True, now=NOW)
            assert await buckets(store, ann) == (90, 10, 0)

    play(act)


def test_marks_and_removal(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann))
            assert await store.remove(stored.id, now=NOW) is None
            assert (await store.mark(stored.id, toggle_favorite=True, rating=None)).is_favorite
            marked = await store.mark(stored.id, toggle_favorite=True, rating=4)
            assert (marked.is_favorite, marked.rating) == (False, 4)
            assert (await store.mark(stored.id, toggle_favorite=False, rating=None)).rating == 4
            with pytest.raises(NotFound):
                await store.mark(new_id(), toggle_favorite=True, rating=None)
            await store.begin(stored.id, now=NOW)
            await store.settle(stored.id, 1, DONE, now=NOW)
            removed = await store.remove(stored.id, now=LATER)
            assert removed is not None
            assert (removed.is_hidden, removed.expires_at) == (True, LATER)
            assert [generation.id for generation in await store.expired(now=LATER)] == [stored.id]
            await store.forget_assets([stored.id])
            assert await store.expired(now=LATER) == []
            forgotten = await store.get(stored.id)
            assert (forgotten.outputs, forgotten.inputs, forgotten.spent) == ((), {}, {"permanent": 25})
            assert await buckets(store, ann) == (75, 0, 25)

    play(act)


def test_events_of_other_processes_are_told_once_and_in_order(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as ours, opened(home) as theirs:
            ann = await an_account(ours)
            start = await ours.here()
            mine = await ours.submit(a_new(ann, 10))
            first = await theirs.submit(a_new(ann, 10))
            second = await theirs.submit(a_new(ann, 10))
            await theirs.begin(first.id, now=NOW)
            place, changed = await ours.events_since(start)
            assert [(generation.id, generation.status) for generation in changed] == [
                (first.id, Status.RUNNING),
                (second.id, Status.QUEUED),
            ]
            assert (await ours.events_since(place))[1] == []
            assert [generation.id for generation in (await theirs.events_since(start))[1]] == [mine.id]

    play(act)


def test_what_a_submit_answers_is_what_its_row_says(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=100, subscription=30)
            everything = a_new(
                ann,
                40,
                inputs={"prompt": "a reel", "image_urls": ["https://example.com/a.png"], "seed": None, "scale": 1.5},
                wire={"seen": True},
                callback_url="https://example.com/hook",
                callback_events=("completed",),
                retention_days=3,
                expires_after_s=60,
                warn_before_s=10,
                priority=1,
                run_limit=2,
                start_by=NOW,
                deadline_at=LATER,
                fingerprint=b"f" * 32,
                idempotency_key="k",
            )
            unset = {
                name for name in everything.__struct_fields__ if getattr(everything, name) in (None, "", 0, {}, ())
            }
            assert unset <= {"in_flight_limit", "plan"}, "give the new field a value here"
            told = await store.submit(everything)
            store.forget()
            assert await store.get(told.id) == replace(told, event=0)

    play(act)
