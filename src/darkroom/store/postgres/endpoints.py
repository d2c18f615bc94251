"""The store's verbs on PostgreSQL: an account's webhook endpoints, and the log of what was sent to them.

Each verb that writes holds the account's row: which message of a line goes next is decided by one at a time.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from darkroom.clock import to_micros
from darkroom.errors import InvalidInput, NotFound
from darkroom.guarded import host_of
from darkroom.store import messages, rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.outbox import Outbox
from darkroom.store.postgres.queries import Connection
from darkroom.webhook import TEST_EVENT, DeliveryPage, ListDeliveries, Record, Stage, Webhook

DELIVERY = queries.load("delivery")
WEBHOOK = queries.load("webhook")
LIFECYCLE = queries.load("lifecycle")

Result = TypeVar("Result")


class Endpoints(Outbox):
    async def create_webhook(self, webhook: Webhook, *, limit: int | None = None) -> None:
        arguments = messages.webhook_columns(webhook)

        async def verb(connection: Connection) -> None:
            count = await WEBHOOK.count.value(connection, account_id=webhook.account_id)
            if limit is not None and count >= limit:
                raise InvalidInput.of("url", f"the account has {count} webhooks already; delete one first")
            await WEBHOOK.insert.run(connection, **arguments)

        await self._hold(webhook.account_id, verb)

    async def _hold(self, account_id: str, verb: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a verb while nobody else writes for this account."""

        async def alone(connection: Connection) -> Result:
            await LIFECYCLE.lock.run(connection, account_ids=[account_id])
            return await verb(connection)

        return await self._database.write(alone)

    async def webhooks(self, account_id: str) -> tuple[Webhook, ...]:
        found = await self._database.read(lambda connection: WEBHOOK.of.rows(connection, account_id=account_id))
        return tuple(map(messages.webhook, found))

    async def webhook(self, account_id: str, webhook_id: str) -> Webhook:
        return await self._database.read(lambda connection: _one(connection, account_id, webhook_id))

    async def change_webhook(
        self, account_id: str, webhook_id: str, *, url: str | None, events: tuple[str, ...] | None
    ) -> Webhook:
        changes = {"url": url, "events": None if events is None else rows.to_json(events)}

        async def verb(connection: Connection) -> Webhook:
            await _one(connection, account_id, webhook_id)
            await WEBHOOK.change.run(connection, account_id=account_id, id=webhook_id, **changes)
            if url is not None:
                await DELIVERY.readdress.run(connection, id=webhook_id, url=url, host=host_of(url))
            return await _one(connection, account_id, webhook_id)

        return await self._hold(account_id, verb)

    async def rotate_secret(
        self, account_id: str, webhook_id: str, *, secret: str, until: datetime, now: datetime
    ) -> Webhook:
        async def verb(connection: Connection) -> Webhook:
            before = await _one(connection, account_id, webhook_id)
            old_secrets = messages.rotated(before, until=until, now=now)
            arguments = {"account_id": account_id, "id": webhook_id, "secret": secret, "old_secrets": old_secrets}
            await WEBHOOK.rotate.run(connection, **arguments)
            return await _one(connection, account_id, webhook_id)

        return await self._hold(account_id, verb)

    async def disable_webhook(self, account_id: str, webhook_id: str, *, why: str, now: datetime) -> Webhook:
        async def verb(connection: Connection) -> Webhook:
            await self._disable(connection, account_id, webhook_id, why=why, now=now)
            return await _one(connection, account_id, webhook_id)

        return await self._hold(account_id, verb)

    async def enable_webhook(self, account_id: str, webhook_id: str) -> Webhook:
        async def verb(connection: Connection) -> Webhook:
            await WEBHOOK.enable.run(connection, account_id=account_id, id=webhook_id)
            return await _one(connection, account_id, webhook_id)

        return await self._hold(account_id, verb)

    async def delete_webhook(self, account_id: str, webhook_id: str) -> None:
        async def verb(connection: Connection) -> None:
            if await WEBHOOK.delete.row(connection, account_id=account_id, id=webhook_id) is None:
                raise NotFound(f"webhook {webhook_id}")
            await DELIVERY.drop.run(connection, webhook_id=webhook_id)

        await self._hold(account_id, verb)

    async def test_webhook(self, account_id: str, webhook_id: str, *, now: datetime) -> Record:
        async def verb(connection: Connection) -> Record:
            webhook = await _enabled(connection, account_id, webhook_id)
            about = {
                "account_id": account_id,
                "dialect": webhook.dialect,
                "event": TEST_EVENT,
                "data": rows.to_json({"id": webhook_id}),
            }
            id = await self._post(connection, webhook.url, about, webhook_id=webhook_id, now=now)
            return await _record_of(connection, account_id, id)

        return await self._hold(account_id, verb)

    async def list_deliveries(self, account_id: str, wanted: ListDeliveries) -> DeliveryPage:
        arguments = messages.page_of(account_id, wanted)

        async def question(connection: Connection) -> DeliveryPage:
            found = await DELIVERY.page.rows(connection, **arguments)
            page = await _records(connection, found[: wanted.limit])
            return DeliveryPage(items=page, before=page[-1].number if len(found) > wanted.limit else None)

        return await self._database.look(question)

    async def delivery(self, account_id: str, delivery_id: str) -> Record:
        return await self._database.look(lambda connection: _record_of(connection, account_id, delivery_id))

    async def redeliver(self, account_id: str, delivery_id: str, *, now: datetime) -> Record:
        async def verb(connection: Connection) -> Record:
            record = await _record_of(connection, account_id, delivery_id)
            if record.stage in (Stage.WAITING, Stage.DUE):
                raise InvalidInput.of("id", f"delivery {delivery_id} is on its way")
            if record.webhook_id is not None:
                await _enabled(connection, account_id, record.webhook_id)
            await _again(connection, account_id, delivery_id, now)
            return await _record_of(connection, account_id, delivery_id)

        return await self._hold(account_id, verb)

    async def redeliver_since(
        self, account_id: str, webhook_id: str, *, since: datetime, now: datetime, limit: int
    ) -> int:
        arguments = {"account_id": account_id, "webhook_id": webhook_id, "since": to_micros(since), "limit": limit}

        async def verb(connection: Connection) -> int:
            await _enabled(connection, account_id, webhook_id)
            found = await DELIVERY.undelivered_since.rows(connection, **arguments)
            for (delivery_id,) in found:
                await _again(connection, account_id, delivery_id, now)
            return len(found)

        return await self._hold(account_id, verb)


async def _again(connection: Connection, account_id: str, delivery_id: str, now: datetime) -> None:
    row = await DELIVERY.again.row(connection, id=delivery_id, account_id=account_id)
    assert row is not None
    at = to_micros(now)
    if row[0] is None:
        await DELIVERY.make_due.run(connection, id=delivery_id, now=at)
    else:
        await DELIVERY.promote.run(connection, generation_id=row[0], url=row[1], now=at)


async def _one(connection: Connection, account_id: str, webhook_id: str) -> Webhook:
    row = await WEBHOOK.one.row(connection, account_id=account_id, id=webhook_id)
    if row is None:
        raise NotFound(f"webhook {webhook_id[:64]}")
    return messages.webhook(row)


async def _enabled(connection: Connection, account_id: str, webhook_id: str) -> Webhook:
    webhook = await _one(connection, account_id, webhook_id)
    if webhook.disabled_at is not None:
        raise InvalidInput.of("id", f"webhook {webhook_id} is disabled; enable it first")
    return webhook


async def _record_of(connection: Connection, account_id: str, delivery_id: str) -> Record:
    row = await DELIVERY.one.row(connection, account_id=account_id, id=delivery_id)
    if row is None:
        raise NotFound(f"delivery {delivery_id[:64]}")
    (record,) = await _records(connection, [row])
    return record


async def _records(connection: Connection, found: Sequence[rows.Row]) -> tuple[Record, ...]:
    """With all their tries, in one question."""
    tries = await DELIVERY.tries_of.rows(connection, ids=[row[1] for row in found])
    return tuple(
        messages.record(row, [messages.a_try(each[1:]) for each in tries if each[0] == row[1]]) for row in found
    )
