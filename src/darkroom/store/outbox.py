"""The store's verbs on SQLite: events, and the messages that tell the world of them."""

from collections.abc import Collection
from datetime import datetime

import apsw
from msgspec.structs import replace

from darkroom.clock import from_micros, to_micros
from darkroom.errors import NotFound
from darkroom.generation import Generation, Notice, Status
from darkroom.guarded import host_of
from darkroom.ids import new_id
from darkroom.ports import Delivery, Webhook
from darkroom.store import queries, rows
from darkroom.store.database import Database

EVENT = queries.load("event")
GENERATION = queries.load("generation")


class Outbox:
    _database: Database
    _writer: str

    def _announce(self, connection: apsw.Connection, generation: Generation, *, now: datetime) -> Generation:
        """Write down that a generation has changed, and a message for everyone who asked to be told, in its
        transaction. Returns it with the event's sequence number."""
        event = {"id": generation.id, "status": generation.status, "now": to_micros(now), "writer": self._writer}
        connection.execute(EVENT.insert, event)
        told = replace(generation, event=connection.last_insert_rowid())
        self._deliver(connection, generation, generation.status, now=now)
        return told

    def _deliver(
        self, connection: apsw.Connection, generation: Generation, state: Status | Notice, *, now: datetime
    ) -> None:
        """A message for everyone who asked to be told of this state."""
        event = {"id": generation.id, "status": state, "now": to_micros(now)}
        asked = {"account_id": generation.account_id, "dialect": generation.dialect}
        receivers = [
            (url, secret)
            for url, secret, events in connection.execute(EVENT.endpoints, asked)
            if events == "[]" or state in rows.from_json_texts(events)
        ]
        if generation.callback_url is not None and state is not Status.QUEUED:
            receivers.append((generation.callback_url, ""))
        for url, secret in receivers:
            message = {"delivery_id": new_id(), "url": url, "host": host_of(url), "secret": secret}
            connection.execute(EVENT.deliver, {**event, **message})

    async def events_since(self, sequence: int) -> tuple[int, list[Generation]]:
        def question(connection: apsw.Connection) -> tuple[int, list[Generation]]:
            newest: int = connection.execute(EVENT.newest).get
            arguments = {"sequence": sequence, "newest": newest, "writer": self._writer}
            found = connection.execute(EVENT.since, arguments)
            return newest, [replace(rows.generation(row), event=row[-1]) for row in found]

        return await self._database.read(question)

    async def prune_events(self, *, before: datetime) -> None:
        arguments = {"before": to_micros(before)}

        def verb(connection: apsw.Connection) -> None:
            connection.execute(EVENT.prune, arguments)

        await self._database.write(verb)

    async def newest_event(self) -> int:
        def question(connection: apsw.Connection) -> int:
            newest: int = connection.execute(EVENT.newest).get
            return newest

        return await self._database.read(question)

    async def create_webhook(self, webhook: Webhook) -> None:
        arguments = {
            "id": webhook.id,
            "account_id": webhook.account_id,
            "dialect": webhook.dialect,
            "url": webhook.url,
            "secret": webhook.secret,
            "events": rows.to_json(webhook.events),
            "now": to_micros(webhook.created_at),
        }

        def verb(connection: apsw.Connection) -> None:
            connection.execute(EVENT.insert_webhook, arguments)

        await self._database.write(verb)

    async def webhooks(self, account_id: str) -> tuple[Webhook, ...]:
        def question(connection: apsw.Connection) -> tuple[Webhook, ...]:
            found = connection.execute(EVENT.webhooks, {"account_id": account_id})
            return tuple(
                Webhook(
                    id=row[0],
                    account_id=row[1],
                    dialect=row[2],
                    url=row[3],
                    secret=row[4],
                    events=rows.from_json_texts(row[5]),
                    created_at=from_micros(row[6]),
                )
                for row in found
            )

        return await self._database.read(question)

    async def delete_webhook(self, account_id: str, webhook_id: str) -> None:
        def verb(connection: apsw.Connection) -> None:
            arguments = {"account_id": account_id, "id": webhook_id}
            if connection.execute(EVENT.delete_webhook, arguments).fetchone() is None:
                raise NotFound(f"webhook {webhook_id}")

        await self._database.write(verb)

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str] = ()
    ) -> tuple[list[Delivery], datetime | None]:
        def question(connection: apsw.Connection) -> tuple[list[Delivery], datetime | None]:
            at = to_micros(now)
            arguments = {"now": at, "limit": limit, "busy_hosts": rows.to_json(list(busy_hosts))}
            due = [_delivery(connection, row) for row in connection.execute(EVENT.due, arguments).fetchall()]
            following = connection.execute(EVENT.next_due, {"now": at}).get
            return due, None if following is None else from_micros(following)

        return await self._database.read(question)

    async def note_delivery(
        self, delivery_id: str, *, is_done: bool, outcome: str, due_at: datetime | None, now: datetime
    ) -> None:
        arguments = {
            "id": delivery_id,
            "is_done": is_done,
            "outcome": outcome,
            "due_at": None if due_at is None else to_micros(due_at),
            "now": to_micros(now),
        }

        def verb(connection: apsw.Connection) -> None:
            connection.execute(EVENT.note, arguments)

        await self._database.write(verb)

    async def prune_deliveries(self, *, before: datetime, limit: int) -> int:
        arguments = {"before": to_micros(before), "limit": limit}

        def verb(connection: apsw.Connection) -> int:
            return len(connection.execute(EVENT.prune_deliveries, arguments).fetchall())

        return await self._database.write(verb)


def _delivery(connection: apsw.Connection, row: rows.Row) -> Delivery:
    (found,) = connection.execute(GENERATION.by_id, {"id": row[1]}).fetchall()
    generation = rows.generation(found)
    return Delivery(
        id=row[0],
        generation=generation,
        state=rows.STATES[row[2]],
        url=row[3],
        secret=row[4],
        dialect=generation.dialect,
        tries=row[5],
        created_at=from_micros(row[6]),
    )
