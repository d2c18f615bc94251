"""The store's verbs on SQLite: an account's webhook endpoints, and the log of what was sent to them."""

from datetime import datetime

import apsw

from darkroom.clock import to_micros
from darkroom.errors import InvalidInput, NotFound
from darkroom.guarded import host_of
from darkroom.store import messages, queries, rows
from darkroom.store.outbox import Outbox
from darkroom.webhook import TEST_EVENT, DeliveryPage, ListDeliveries, Record, Stage, Webhook

DELIVERY = queries.load("delivery")
WEBHOOK = queries.load("webhook")


class Endpoints(Outbox):
    async def create_webhook(self, webhook: Webhook, *, limit: int | None = None) -> None:
        arguments = messages.webhook_columns(webhook)

        def verb(connection: apsw.Connection) -> None:
            count = connection.execute(WEBHOOK.count, {"account_id": webhook.account_id}).get
            if limit is not None and count >= limit:
                raise InvalidInput.of("url", f"the account has {count} webhooks already; delete one first")
            connection.execute(WEBHOOK.insert, arguments)

        await self._database.write(verb)

    async def webhooks(self, account_id: str) -> tuple[Webhook, ...]:
        def question(connection: apsw.Connection) -> tuple[Webhook, ...]:
            return tuple(map(messages.webhook, connection.execute(WEBHOOK.of, {"account_id": account_id})))

        return await self._database.read(question)

    async def webhook(self, account_id: str, webhook_id: str) -> Webhook:
        return await self._database.read(lambda connection: _one(connection, account_id, webhook_id))

    async def change_webhook(
        self, account_id: str, webhook_id: str, *, url: str | None, events: tuple[str, ...] | None
    ) -> Webhook:
        changes = {"url": url, "events": None if events is None else rows.to_json(events)}

        def verb(connection: apsw.Connection) -> Webhook:
            _one(connection, account_id, webhook_id)
            connection.execute(WEBHOOK.change, {"account_id": account_id, "id": webhook_id, **changes})
            if url is not None:
                connection.execute(DELIVERY.readdress, {"id": webhook_id, "url": url, "host": host_of(url)})
            return _one(connection, account_id, webhook_id)

        return await self._database.write(verb)

    async def rotate_secret(
        self, account_id: str, webhook_id: str, *, secret: str, until: datetime, now: datetime
    ) -> Webhook:
        def verb(connection: apsw.Connection) -> Webhook:
            before = _one(connection, account_id, webhook_id)
            old_secrets = messages.rotated(before, until=until, now=now)
            arguments = {"account_id": account_id, "id": webhook_id}
            connection.execute(WEBHOOK.rotate, {**arguments, "secret": secret, "old_secrets": old_secrets})
            return _one(connection, account_id, webhook_id)

        return await self._database.write(verb)

    async def disable_webhook(self, account_id: str, webhook_id: str, *, why: str, now: datetime) -> Webhook:
        def verb(connection: apsw.Connection) -> Webhook:
            self._disable(connection, account_id, webhook_id, why=why, now=now)
            return _one(connection, account_id, webhook_id)

        return await self._database.write(verb)

    async def enable_webhook(self, account_id: str, webhook_id: str) -> Webhook:
        def verb(connection: apsw.Connection) -> Webhook:
            connection.execute(WEBHOOK.enable, {"account_id": account_id, "id": webhook_id})
            return _one(connection, account_id, webhook_id)

        return await self._database.write(verb)

    async def delete_webhook(self, account_id: str, webhook_id: str) -> None:
        def verb(connection: apsw.Connection) -> None:
            arguments = {"account_id": account_id, "id": webhook_id}
            if connection.execute(WEBHOOK.delete, arguments).fetchone() is None:
                raise NotFound(f"webhook {webhook_id}")
            connection.execute(DELIVERY.drop, {"webhook_id": webhook_id})

        await self._database.write(verb)

    async def test_webhook(self, account_id: str, webhook_id: str, *, now: datetime) -> Record:
        def verb(connection: apsw.Connection) -> Record:
            webhook = _enabled(connection, account_id, webhook_id)
            about = {
                "account_id": account_id,
                "dialect": webhook.dialect,
                "event": TEST_EVENT,
                "data": rows.to_json({"id": webhook_id}),
            }
            id = self._post(connection, webhook.url, about, webhook_id=webhook_id, now=now)
            return _record_of(connection, account_id, id)

        return await self._database.write(verb)

    async def list_deliveries(self, account_id: str, wanted: ListDeliveries) -> DeliveryPage:
        arguments = messages.page_of(account_id, wanted)

        def question(connection: apsw.Connection) -> DeliveryPage:
            found = connection.execute(DELIVERY.page, arguments).fetchall()
            page = tuple(_record(connection, row) for row in found[: wanted.limit])
            return DeliveryPage(items=page, before=page[-1].number if len(found) > wanted.limit else None)

        return await self._database.read(question)

    async def delivery(self, account_id: str, delivery_id: str) -> Record:
        return await self._database.read(lambda connection: _record_of(connection, account_id, delivery_id))

    async def redeliver(self, account_id: str, delivery_id: str, *, now: datetime) -> Record:
        def verb(connection: apsw.Connection) -> Record:
            record = _record_of(connection, account_id, delivery_id)
            if record.stage in (Stage.WAITING, Stage.DUE):
                raise InvalidInput.of("id", f"delivery {delivery_id} is on its way")
            if record.webhook_id is not None:
                _enabled(connection, account_id, record.webhook_id)
            _again(connection, account_id, delivery_id, now)
            return _record_of(connection, account_id, delivery_id)

        return await self._database.write(verb)

    async def redeliver_since(
        self, account_id: str, webhook_id: str, *, since: datetime, now: datetime, limit: int
    ) -> int:
        arguments = {"account_id": account_id, "webhook_id": webhook_id, "since": to_micros(since), "limit": limit}

        def verb(connection: apsw.Connection) -> int:
            _enabled(connection, account_id, webhook_id)
            found: list[rows.Row] = connection.execute(DELIVERY.undelivered_since, arguments).fetchall()
            for (delivery_id,) in found:
                _again(connection, account_id, delivery_id, now)
            return len(found)

        return await self._database.write(verb)


def _again(connection: apsw.Connection, account_id: str, delivery_id: str, now: datetime) -> None:
    row = connection.execute(DELIVERY.again, {"id": delivery_id, "account_id": account_id}).fetchone()
    assert row is not None
    at = to_micros(now)
    if row[0] is None:
        connection.execute(DELIVERY.make_due, {"id": delivery_id, "now": at})
    else:
        connection.execute(DELIVERY.promote, {"generation_id": row[0], "url": row[1], "now": at}).fetchone()


def _one(connection: apsw.Connection, account_id: str, webhook_id: str) -> Webhook:
    row = connection.execute(WEBHOOK.one, {"account_id": account_id, "id": webhook_id}).fetchone()
    if row is None:
        raise NotFound(f"webhook {webhook_id[:64]}")
    return messages.webhook(row)


def _enabled(connection: apsw.Connection, account_id: str, webhook_id: str) -> Webhook:
    webhook = _one(connection, account_id, webhook_id)
    if webhook.disabled_at is not None:
        raise InvalidInput.of("id", f"webhook {webhook_id} is disabled; enable it first")
    return webhook


def _record_of(connection: apsw.Connection, account_id: str, delivery_id: str) -> Record:
    row = connection.execute(DELIVERY.one, {"account_id": account_id, "id": delivery_id}).fetchone()
    if row is None:
        raise NotFound(f"delivery {delivery_id[:64]}")
    return _record(connection, row)


def _record(connection: apsw.Connection, row: rows.Row) -> Record:
    return messages.record(row, [messages.a_try(found) for found in connection.execute(DELIVERY.tries, {"id": row[1]})])
