"""Endpoints and what goes to them: in order for each generation, held while disabled, sent again when asked."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from darkroom.account import Account
from darkroom.errors import InvalidInput, NotFound
from darkroom.generation import Generation, Status
from darkroom.ports import Settlement
from darkroom.store import queries
from darkroom.store.database import connect, migrate
from darkroom.store.sqlite import SqliteStore
from darkroom.webhook import Bulletin, Delivery, ListDeliveries, OldSecret, Parcel, Stage, Try, Webhook
from tests.store.conftest import NOW, AnyStore, Home, a_new, an_account, opened, play, rows_of

HOOK, OTHER = "https://example.com/hook", "https://example.com/other"


async def a_webhook(store: AnyStore, ann: Account, id: str = "w1", url: str = HOOK, *events: str) -> None:
    await store.create_webhook(
        Webhook(id=id, account_id=ann.id, dialect="native", url=url, secret=id, events=events, created_at=NOW)
    )


async def finished(store: AnyStore, ann: Account) -> Generation:
    generation = await store.submit(a_new(ann, 10))
    begun = await store.begin(generation.id, now=NOW)
    assert begun is not None
    done = Settlement(status=Status.COMPLETED, used=generation.quote)
    return await store.settle(generation.id, 1, done, now=NOW)


async def due(store: AnyStore, now: datetime = NOW) -> list[Parcel]:
    return (await store.due_deliveries(now=now, limit=99))[0]


async def states(store: AnyStore, now: datetime = NOW) -> list[str]:
    return [parcel.state for parcel in await due(store, now) if isinstance(parcel, Delivery)]


def note(
    store: AnyStore, id: str, *, is_done: bool, due_at: datetime | None = None, now: datetime = NOW, why: str = ""
) -> Awaitable[bool]:
    return store.note_delivery(
        id,
        is_done=is_done,
        outcome="",
        due_at=due_at,
        now=now,
        disable_why=why,
        hopeless_since=now - timedelta(days=5),
    )


@pytest.mark.parametrize("is_done", [True, False], ids=["delivered", "given up"])
def test_a_later_event_goes_out_once_the_earlier_one_has_arrived_or_is_given_up(home: Home, is_done: bool) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            await a_webhook(store, ann, "w2", OTHER, "completed")
            await finished(store, ann)
            assert sorted(await states(store)) == ["completed", "queued"]
            (queued,) = [parcel for parcel in await due(store) if parcel.url == HOOK]
            later = NOW + timedelta(seconds=5)
            # Failed, and to be tried again: still nothing goes past it.
            assert not await note(store, queued.id, is_done=False, due_at=later)
            assert await states(store) == ["completed"]
            assert sorted(await states(store, later)) == ["completed", "queued"]
            assert await note(store, queued.id, is_done=is_done)
            (running,) = [parcel for parcel in await due(store) if parcel.url == HOOK]
            assert isinstance(running, Delivery)
            assert running.state is Status.RUNNING
            assert await note(store, running.id, is_done=True)
            assert await states(store) == ["completed", "completed"]

    play(act)


def test_a_generation_tells_its_own_address_without_any_endpoint(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            stored = await store.submit(a_new(ann, callback_url=HOOK))
            await store.begin(stored.id, now=NOW)
            await store.settle(stored.id, 1, Settlement(status=Status.COMPLETED, used=stored.quote), now=NOW)
            told = []
            while parcels := await due(store):
                (parcel,) = parcels
                assert isinstance(parcel, Delivery)
                told.append((parcel.url, parcel.state))
                await note(store, parcel.id, is_done=True)
            assert told == [(HOOK, Status.RUNNING), (HOOK, Status.COMPLETED)]

    play(act)


def test_a_message_is_told_of_when_it_is_on_the_disk(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            told: asyncio.Queue[int] = asyncio.Queue()
            looking: list[asyncio.Task[None]] = []

            async def look() -> None:
                due, _ = await store.due_deliveries(now=NOW, limit=9)
                told.put_nowait(len(due))

            store._database.on_message = lambda: looking.append(asyncio.create_task(look()))
            quiet = await store.submit(a_new(ann, quote=1))
            await store.cancel(ann.id, quiet.id, now=NOW)
            if isinstance(store, SqliteStore):
                assert not looking  # a file's own writer knows; PostgreSQL's client asks where there may be something
            told_of = await store.submit(a_new(ann, quote=1, callback_url="https://a.example/"))
            await store.cancel(ann.id, told_of.id, now=NOW)
            while await told.get() == 0:
                pass

    play(act)


def test_another_generation_waits_for_nobody(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            await finished(store, ann)
            await finished(store, ann)
            assert await states(store) == ["queued", "queued"]

    play(act)


def test_a_secret_that_is_rotated_stays_good_for_its_grace(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            await finished(store, ann)
            hour, day = NOW + timedelta(hours=1), NOW + timedelta(days=1)
            await store.rotate_secret(ann.id, "w1", secret="second", until=day, now=NOW)
            webhook = await store.rotate_secret(ann.id, "w1", secret="third", until=day, now=hour)
            assert webhook.secret == "third"
            assert webhook.old_secrets == (OldSecret("second", day), OldSecret("w1", day))

            async def secrets(now: datetime) -> tuple[str, tuple[str, ...]]:
                (parcel,) = await due(store, now)
                return parcel.secret, parcel.old_secrets

            # Also what was written before the rotation.
            assert await secrets(hour) == ("third", ("second", "w1"))
            assert await secrets(day) == ("third", ())
            # After a leak: none of the old ones is good any more.
            webhook = await store.rotate_secret(ann.id, "w1", secret="fourth", until=hour, now=hour)
            assert (webhook.secret, webhook.old_secrets) == ("fourth", ())

    play(act)


def test_what_comes_while_an_endpoint_is_disabled_is_held_and_can_be_sent_again(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            before = await finished(store, ann)
            webhook = await store.disable_webhook(ann.id, "w1", why="its owner", now=NOW)
            assert (webhook.disabled_at, webhook.disabled_why) == (NOW, "its owner")
            during = await finished(store, ann)
            assert await due(store) == []
            log = await store.list_deliveries(ann.id, ListDeliveries())
            assert [(record.generation_id, record.event, record.stage) for record in reversed(log.items)] == [
                (generation.id, event, Stage.HELD)
                for generation in (before, during)
                for event in ("queued", "running", "completed")
            ]
            with pytest.raises(InvalidInput, match="disabled"):
                await store.redeliver(ann.id, log.items[0].id, now=NOW)
            with pytest.raises(InvalidInput, match="disabled"):
                await store.redeliver_since(ann.id, "w1", since=NOW, now=NOW, limit=9)
            await store.enable_webhook(ann.id, "w1")
            assert await due(store) == []
            assert await store.redeliver_since(ann.id, "w1", since=NOW + timedelta(1), now=NOW, limit=9) == 0
            assert await store.redeliver_since(ann.id, "w1", since=NOW, now=NOW, limit=4) == 4
            assert await store.redeliver_since(ann.id, "w1", since=NOW, now=NOW, limit=4) == 2
            # In order again: the first of each generation's line.
            assert await states(store) == ["queued", "queued"]

    play(act)


def test_what_was_on_its_way_to_an_endpoint_that_was_disabled_meanwhile(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann, "w1", HOOK, "queued")
            await finished(store, ann)
            await finished(store, ann)
            arrived, lost = await due(store)
            await store.disable_webhook(ann.id, "w1", why="its owner", now=NOW)
            await note(store, arrived.id, is_done=True)
            await note(store, lost.id, is_done=False, due_at=NOW)
            assert (await store.delivery(ann.id, arrived.id)).stage is Stage.DELIVERED
            assert (await store.delivery(ann.id, lost.id)).stage is Stage.HELD
            assert await due(store) == []

    play(act)


def test_an_endpoint_that_is_gone_is_disabled_and_the_others_are_told(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann, "w1", HOOK, "queued")
            await a_webhook(store, ann, "w2", OTHER, "webhook.disabled")
            await a_webhook(store, ann, "w3", "https://example.com/third", "failed")
            await finished(store, ann)
            (parcel,) = await due(store)
            assert await note(store, parcel.id, is_done=False, why="it answered 410 Gone")
            assert (await store.webhook(ann.id, "w1")).disabled_why == "it answered 410 Gone"
            (told,) = await due(store)
            assert isinstance(told, Bulletin)
            assert (told.url, told.secret, told.event) == (OTHER, "w2", "webhook.disabled")
            assert told.data == {"id": "w1", "url": HOOK, "reason": "it answered 410 Gone"}
            # Several were on their way: the last of them to come back says nothing new.
            await note(store, parcel.id, is_done=False, why="it answered 410 Gone")
            assert await due(store) == [told]

    play(act)


def test_an_endpoint_that_fails_for_five_days_is_disabled_and_one_success_begins_anew(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann, "w1", HOOK, "queued")
            await finished(store, ann)
            (parcel,) = await due(store)

            async def fail(at: datetime) -> datetime | None:
                await note(store, parcel.id, is_done=False, due_at=at, now=at)
                return (await store.webhook(ann.id, "w1")).disabled_at

            five_days = timedelta(days=5)
            first = NOW + timedelta(hours=1)
            assert await fail(first) is None
            assert await fail(first + five_days - timedelta(seconds=1)) is None
            await note(store, parcel.id, is_done=True, now=first + five_days)
            assert (await store.webhook(ann.id, "w1")).failing_since is None
            anew = first + five_days
            assert await fail(anew) is None
            assert await fail(anew + five_days - timedelta(seconds=1)) is None
            assert await fail(anew + five_days) == anew + five_days
            assert "every try has failed since 2026-" in (await store.webhook(ann.id, "w1")).disabled_why

    play(act)


def test_an_endpoint_that_moves_takes_along_what_it_has_not_had(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            await finished(store, ann)
            moved = await store.change_webhook(ann.id, "w1", url=OTHER, events=None)
            assert (moved.url, moved.events) == (OTHER, ())
            for state in ("queued", "running", "completed"):
                (parcel,) = await due(store)
                assert isinstance(parcel, Delivery)
                assert (parcel.url, parcel.state) == (OTHER, state)
                await note(store, parcel.id, is_done=True)

    play(act)


def test_the_log_keeps_each_try_and_one_can_be_sent_again(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store), await an_account(store, "bob")
            await a_webhook(store, ann, "w1", HOOK, "queued")
            await finished(store, ann)
            (parcel,) = await due(store)
            tries = []
            for number, is_done in ((1, False), (2, True)):
                at = NOW + timedelta(seconds=number)
                made = Try(
                    at=at, latency_ms=number, status=500 - number, outcome="x", headers={"a": "b"}, body=str(number)
                )
                tries.append(made)
                due_at = None if is_done else at
                await store.note_delivery(parcel.id, is_done=is_done, outcome="x", due_at=due_at, now=at, made=made)
            record = await store.delivery(ann.id, parcel.id)
            assert (record.stage, record.tries, record.next_try_at) == (Stage.DELIVERED, tuple(tries), None)
            with pytest.raises(NotFound):
                await store.delivery(bob.id, parcel.id)
            with pytest.raises(NotFound):
                await store.redeliver(bob.id, parcel.id, now=NOW)
            assert (await store.list_deliveries(bob.id, ListDeliveries())).items == ()
            again = await store.redeliver(ann.id, parcel.id, now=NOW)
            assert (again.id, again.stage, again.next_try_at, len(again.tries)) == (parcel.id, Stage.DUE, NOW, 2)
            with pytest.raises(InvalidInput, match="on its way"):
                await store.redeliver(ann.id, parcel.id, now=NOW)
            assert [(sent.id, sent.tries) for sent in await due(store)] == [(parcel.id, 0)]
            await store.delete_webhook(ann.id, "w1")
            assert await due(store) == []
            # It comes back from a receiver that is no endpoint any more.
            assert not await note(store, parcel.id, is_done=True)

    play(act)


def test_the_log_in_pages(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            await a_webhook(store, ann)
            await a_webhook(store, ann, "w2", OTHER, "queued")
            generation = await finished(store, ann)
            await finished(store, ann)

            async def events(**wanted: object) -> list[str]:
                page = await store.list_deliveries(ann.id, ListDeliveries(**wanted))  # type: ignore[arg-type]
                return [record.event for record in page.items]

            page = await store.list_deliveries(ann.id, ListDeliveries(limit=5))
            assert (len(page.items), page.before) == (5, page.items[-1].number)
            rest = await store.list_deliveries(ann.id, ListDeliveries(limit=5, before=page.before))
            assert (len(rest.items), rest.before) == (3, None)
            assert await events(webhook_id="w2") == ["queued", "queued"]
            assert sorted(await events(generation_id=generation.id)) == ["completed", "queued", "queued", "running"]
            assert await events(stage=Stage.WAITING, generation_id=generation.id) == ["completed", "running"]

    play(act)


def test_messages_of_an_older_file_find_their_endpoints(file: Path) -> None:
    """Their secrets were copied into them; those that a deleted endpoint was to have had are sent to nobody."""
    older = connect(file)
    for number, script in queries.migrations():
        if number < 12:
            older.execute(script)
            older.execute(f"PRAGMA user_version = {number}")
    older.execute("INSERT INTO account (id, name, plan, created_at) VALUES ('a', 'a', 'open', 0)")
    columns = "id, account_id, dialect, model, modality, task, provider, inputs, wire, quote, held, status, created_at"
    older.execute(
        f"INSERT INTO generation ({columns}) "
        "VALUES ('g', 'a', 'native', 'm', 'image', 't', 'p', '{}', '{}', 0, '{}', 'queued', 0)"
    )
    older.execute(
        "INSERT INTO webhook (id, account_id, dialect, url, secret, events, created_at) "
        "VALUES ('w', 'a', 'native', 'https://x/', 's', '[]', 0)"
    )
    for id, secret, due_at in (("kept", "s", 5), ("own", "", 5), ("orphan", "gone", 5), ("old", "s", None)):
        older.execute(
            "INSERT INTO delivery (id, generation_id, state, url, secret, host, created_at, due_at) "
            "VALUES (?, 'g', 'queued', 'https://x/', ?, 'x', 0, ?)",
            (id, secret, due_at),
        )
    older.close()
    migrate(file)
    assert rows_of(file, "SELECT id, account_id, webhook_id, stage, event FROM delivery ORDER BY id") == [
        ("kept", "a", "w", "due", "queued"),
        ("old", "a", "w", "given_up", "queued"),
        ("own", "a", None, "due", "queued"),
    ]
    with pytest.raises(apsw.ConstraintError):
        connect(file).execute("UPDATE delivery SET stage = 'delivered' WHERE id = 'kept'")
