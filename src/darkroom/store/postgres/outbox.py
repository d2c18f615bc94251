"""The store's verbs on PostgreSQL: events, and the messages that tell the world of them.

What a generation's change tells is written by `announce` and `deliver` in `functions/2_outbox.sql`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from darkroom.clock import from_micros, to_micros
from darkroom.generation import Generation
from darkroom.guarded import host_of
from darkroom.ids import new_id
from darkroom.records import Place
from darkroom.store import messages, rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection
from darkroom.webhook import DISABLED_EVENT, Parcel, Try

EVENT = queries.load("event")
DELIVERY = queries.load("delivery")
WEBHOOK = queries.load("webhook")
GENERATION = queries.load("generation")
LIFECYCLE = queries.load("lifecycle")


class Outbox:
    _database: Database
    _writer: str

    async def here(self) -> Place:
        place: str = await self._database.read(EVENT.here.value)
        return place

    async def events_since(self, place: Place) -> tuple[Place, list[Generation]]:
        arguments = {"place": place, "writer": self._writer}
        found = await self._database.read(lambda connection: EVENT.since.rows(connection, **arguments))
        changed = [replace(rows.generation(row[2:]), event=row[1]) for row in found if row[1] is not None]
        return found[0][0], sorted(changed, key=lambda generation: generation.number)

    async def newest_event(self, account_id: str | None = None) -> int:
        async def question(connection: Connection) -> int:
            if account_id is None:
                newest: int = await EVENT.newest.value(connection)
            else:
                newest = await EVENT.newest_of.value(connection, account_id=account_id)
            return newest

        return await self._database.read(question)

    async def prune_events(self, *, before: datetime) -> None:
        await self._database.write(lambda connection: EVENT.prune.run(connection, before=to_micros(before)))

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str] = ()
    ) -> tuple[list[Parcel], datetime | None]:
        async def question(connection: Connection) -> tuple[list[Parcel], datetime | None]:
            at = to_micros(now)
            due = await DELIVERY.due.rows(connection, now=at, limit=limit, busy_hosts=list(busy_hosts))
            ids = [row[1] for row in due if row[1] is not None]
            found = await GENERATION.some.rows(connection, ids=ids, numbers=[]) if ids else []
            about = {generation.id: generation for generation in map(rows.generation, found)}
            following = await DELIVERY.next_due.value(connection, now=at)
            parcels = [messages.parcel(row, about.get(row[1]), now) for row in due]
            return parcels, None if following is None else from_micros(following)

        return await self._database.look(question)

    async def note_delivery(
        self,
        delivery_id: str,
        *,
        is_done: bool,
        outcome: str,
        due_at: datetime | None,
        now: datetime,
        made: Try | None = None,
        disable_why: str = "",
        hopeless_since: datetime | None = None,
    ) -> bool:
        arguments = {
            "id": delivery_id,
            "is_done": is_done,
            "outcome": messages.without_nul(outcome),
            "due_at": None if due_at is None else to_micros(due_at),
            "now": to_micros(now),
        }

        async def verb(connection: Connection) -> bool:
            # Or a message that is written meanwhile would wait for this one, and nobody promote it.
            account_id = await DELIVERY.account_of.value(connection, id=delivery_id)
            await LIFECYCLE.lock.run(connection, account_ids=[account_id])
            noted = await DELIVERY.note.row(connection, **arguments)
            if noted is None:
                return False  # its endpoint was deleted while it was on its way
            stage, account_id, webhook_id, generation_id, url = noted
            if made is not None:
                await DELIVERY.insert_try.run(connection, id=delivery_id, **messages.try_columns(made))
            if webhook_id is not None:
                why = disable_why or await _hopeless(connection, webhook_id, is_done, hopeless_since, now)
                if why and await self._disable(connection, account_id, webhook_id, why=why, now=now):
                    return True
            line = {"generation_id": generation_id, "url": url, "now": to_micros(now)}
            is_open = stage in ("waiting", "due")
            return not is_open and await DELIVERY.promote.row(connection, **line) is not None

        return await self._database.write(verb)

    async def _disable(
        self, connection: Connection, account_id: str, webhook_id: str, *, why: str, now: datetime
    ) -> bool:
        """Send nothing there any more, and tell the account's other endpoints; False where it was disabled already."""
        arguments = {"account_id": account_id, "id": webhook_id, "why": why, "now": to_micros(now)}
        row = await WEBHOOK.disable.row(connection, **arguments)
        if row is None:
            return False
        await DELIVERY.hold.run(connection, webhook_id=webhook_id)
        asked = {"account_id": account_id, "dialect": "native"}
        data = rows.to_json({"id": webhook_id, "url": row[0], "reason": why})
        about = {**asked, "event": DISABLED_EVENT, "data": data}
        for other_id, url, events, disabled_at in await DELIVERY.endpoints.rows(connection, **asked):
            if other_id != webhook_id and messages.wants(events, DISABLED_EVENT):
                await self._post(connection, url, about, webhook_id=other_id, is_held=disabled_at is not None, now=now)
        return True

    async def _post(
        self,
        connection: Connection,
        url: str,
        about: dict[str, Any],
        *,
        webhook_id: str | None = None,
        is_held: bool = False,
        now: datetime,
    ) -> str:
        """A message that is about no generation; returns its id."""
        id = new_id()
        place = {"id": id, "webhook_id": webhook_id, "url": url, "host": host_of(url)}
        await DELIVERY.insert.run(connection, **about, **place, is_held=is_held, now=to_micros(now))
        return id

    async def postpone_deliveries(self, delivery_ids: Collection[str], *, due_at: datetime) -> None:
        arguments = {"ids": list(delivery_ids), "due_at": to_micros(due_at)}
        await self._database.write(lambda connection: DELIVERY.postpone.run(connection, **arguments))

    async def prune_deliveries(self, *, before: datetime, limit: int) -> int:
        arguments = {"before": to_micros(before), "limit": limit}
        return len(await self._database.write(lambda connection: DELIVERY.prune.rows(connection, **arguments)))


async def _hopeless(
    connection: Connection, webhook_id: str, is_done: bool, since: datetime | None, now: datetime
) -> str:
    """Write down whether an endpoint fails; why it is to be disabled, where it has failed for too long."""
    if is_done:
        await WEBHOOK.note_success.run(connection, id=webhook_id)
        return ""
    failing = await WEBHOOK.note_failure.value(connection, id=webhook_id, now=to_micros(now))
    return messages.why_hopeless(failing, since)
