"""Accounts, keys, entries and lists."""

from datetime import timedelta

import pytest

from darkroom.credits import Credits
from darkroom.errors import InvalidInput, NotFound
from darkroom.generation import Status
from darkroom.ids import new_id
from darkroom.ledger import Kind, Purse
from darkroom.ports import Settlement, Webhook
from darkroom.verbs import List, ListEntries
from darkroom.webhook import Delivery
from tests.store.conftest import NOW, Home, a_new, an_account, as_read, opened, play


def test_accounts(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            bob = await an_account(store, "bob")
            assert await store.find_account("ann") == ann
            assert await store.find_account(bob.id) == bob
            with pytest.raises(InvalidInput):
                await store.create_account("ann", plan="open", now=NOW)
            with pytest.raises(InvalidInput):
                await store.rename_account(bob.id, "ann")
            with pytest.raises(NotFound):
                await store.find_account("cid")
            assert (await store.rename_account(bob.id, "cid")).name == "cid"
            assert (await store.set_plan(bob.id, "pro")).plan == "pro"
            with pytest.raises(NotFound):
                await store.set_plan(new_id(), "pro")
            assert [(account.name, account.plan) for account in await store.accounts()] == [
                ("ann", "open"),
                ("cid", "pro"),
            ]

    play(act)


def test_keys(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store), await an_account(store, "bob")
            key = await store.create_key(ann.id, name="k", hint="dk_abc", dialect="native", hash=b"h" * 32, now=NOW)
            assert await store.find_key(b"h" * 32) == (ann, key)
            assert await store.find_key(b"i" * 32) is None
            with pytest.raises(NotFound):
                await store.rename_key(bob.id, key.number, "mine now")
            with pytest.raises(NotFound):
                await store.revoke_key(bob.id, key.number, now=NOW)
            assert (await store.rename_key(ann.id, key.number, "other")).name == "other"
            revoked = await store.revoke_key(ann.id, key.number, now=NOW)
            assert revoked.revoked_at == NOW
            assert (await store.revoke_key(ann.id, key.number, now=NOW + timedelta(days=1))).revoked_at == NOW
            assert await store.find_key(b"h" * 32) == (ann, revoked)
            assert await store.keys(ann.id) == (revoked,)
            assert await store.keys(bob.id) == ()

    play(act)


def test_grants_and_entries(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=100, subscription=30)
            entry = await store.grant(ann.id, Credits(7), purse=Purse.PERMANENT, note="for the party", now=NOW)
            assert (entry.kind, entry.amount, entry.note, entry.at, entry.sequence) == (
                Kind.GRANT,
                7,
                "for the party",
                NOW,
                3,
            )
            stored = await store.submit(a_new(ann, 40, created_at=NOW + timedelta(hours=1)))
            await store.begin(stored.id, now=NOW)
            await store.settle(
                stored.id, 1, Settlement(status=Status.COMPLETED, used=Credits(35)), now=NOW + timedelta(hours=2)
            )
            page = await store.list_entries(ann.id, ListEntries(limit=4))
            told = [(entry.kind, entry.purse, entry.amount) for entry in page.items]
            assert told == [
                ("release", "permanent", 5),
                ("capture", "permanent", 5),
                ("capture", "subscription", 30),
                ("hold", "permanent", 10),
            ]
            rest = await store.list_entries(ann.id, ListEntries(limit=4, cursor=page.cursor))
            assert [entry.sequence for entry in rest.items] == [4, 3, 2, 1]
            assert rest.cursor is None
            grants = await store.list_entries(ann.id, ListEntries(kinds=("grant",)))
            assert [entry.amount for entry in grants.items] == [7, 30, 100]
            between = ListEntries(since=NOW + timedelta(minutes=1), until=NOW + timedelta(hours=1))
            assert [entry.kind for entry in (await store.list_entries(ann.id, between)).items] == ["hold", "hold"]
            assert await store.turnover(ann.id, since=NOW + timedelta(hours=2)) == {Kind.CAPTURE: 35, Kind.RELEASE: 5}
            with pytest.raises(InvalidInput):
                await store.list_entries(ann.id, ListEntries(cursor="yesterday"))

    play(act)


def test_a_grant_to_nobody_is_refused(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            await an_account(store)
            with pytest.raises(Exception, match=r"(?i)foreign key"):
                await store.grant(new_id(), Credits(7), purse=Purse.PERMANENT, note="", now=NOW)
            assert (await store.audit()).entries == 1

    play(act)


def test_lists_are_the_account_s_own_newest_first(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store), await an_account(store, "bob")
            made = [
                await store.submit(
                    a_new(ann, 1, model=model, modality=modality, created_at=NOW + timedelta(hours=hour))
                )
                for hour, (model, modality) in enumerate([("reel", "video"), ("still", "image"), ("reel", "video")])
            ]
            await store.submit(a_new(bob, 1))
            await store.cancel(ann.id, made[0].id, now=NOW)
            await store.mark(made[1].id, toggle_favorite=True, rating=None)

            async def numbers(wanted: List) -> list[int]:
                page = await store.list_generations(ann.id, wanted, now=NOW)
                return [generation.number for generation in page.items]

            assert await numbers(List()) == [3, 2, 1]
            assert await numbers(List(model="reel")) == [3, 1]
            assert await numbers(List(modality=("image", "music"))) == [2]
            assert await numbers(List(status=(Status.CANCELED,))) == [1]
            assert await numbers(List(status=(Status.QUEUED, Status.CANCELED), model="reel")) == [3, 1]
            assert await numbers(List(favorites_only=True)) == [2]
            assert await numbers(List(dialect="elumenta")) == []
            assert await numbers(List(created_after=NOW)) == [3, 2]
            assert await numbers(List(created_before=NOW + timedelta(hours=1))) == [1]
            first = await store.list_generations(ann.id, List(limit=2), now=NOW)
            assert (first.cursor, first.total) == ("2", None)
            assert await numbers(List(limit=2, cursor=first.cursor)) == [1]
            second = await store.list_generations(ann.id, List(limit=2, page=2), now=NOW)
            assert ([generation.number for generation in second.items], second.total) == ([1], 3)

    play(act)


def test_webhooks_and_their_deliveries(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store), await an_account(store, "bob")
            hook = Webhook(
                id="w1",
                account_id=ann.id,
                dialect="native",
                url="https://example.com/",
                secret="s",
                events=("queued",),
                created_at=NOW,
            )
            await store.create_webhook(hook)
            assert await store.webhooks(ann.id) == (hook,)
            stored = await store.submit(a_new(ann, 1))
            await store.submit(a_new(ann, 1, dialect="elumenta"))
            await store.submit(a_new(bob, 1))
            (delivery,), following = await store.due_deliveries(now=NOW, limit=9)
            assert isinstance(delivery, Delivery)
            assert (delivery.generation, delivery.url, delivery.tries) == (as_read(stored), hook.url, 0)
            assert following is None
            later = NOW + timedelta(seconds=5)
            await store.note_delivery(delivery.id, is_done=False, outcome="answered 500", due_at=later, now=NOW)
            assert await store.due_deliveries(now=NOW, limit=9) == ([], later)
            (again,), _ = await store.due_deliveries(now=later, limit=9)
            assert (again.id, again.tries) == (delivery.id, 1)
            await store.note_delivery(delivery.id, is_done=True, outcome="answered 200", due_at=None, now=later)
            assert await store.due_deliveries(now=later, limit=9) == ([], None)
            with pytest.raises(NotFound):
                await store.delete_webhook(bob.id, "w1")
            await store.delete_webhook(ann.id, "w1")
            assert await store.webhooks(ann.id) == ()

    play(act)
