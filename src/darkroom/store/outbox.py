"""The store's verbs on SQLite: events, and the messages that tell the world of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import apsw
from msgspec.structs import replace

from darkroom.clock import from_micros, to_micros
from darkroom.generation import Generation, Notice, Status
from darkroom.guarded import host_of
from darkroom.ids import new_id
from darkroom.records import NewGeneration, Place
from darkroom.store import messages, queries, rows
from darkroom.store.database import Database
from darkroom.webhook import DISABLED_EVENT, Parcel, Try

EVENT = queries.load("event")
DELIVERY = queries.load("delivery")
WEBHOOK = queries.load("webhook")
GENERATION = queries.load("generation")


class Outbox:
    _database: Database
    _writer: str

    def _announce(self, connection: apsw.Connection, generation: Generation, *, now: datetime) -> Generation:
        """Write down that a generation has changed, and a message for everyone who asked to be told, in its
        transaction. Returns it with the event's sequence number."""
        connection.execute(EVENT.insert, (generation.id, generation.status, to_micros(now), self._writer))
        told = replace(generation, event=connection.last_insert_rowid())
        self._deliver(connection, generation, generation.status, now=now)
        return told

    def _announce_new(self, connection: apsw.Connection, new: Sequence[NewGeneration]) -> int:
        """As `_announce`, of generations that have just been stored; returns the first one's number of its event."""
        queries.insert(
            connection,
            EVENT.insert,
            [(each.id, Status.QUEUED, to_micros(each.created_at), self._writer) for each in new],
        )
        first = connection.last_insert_rowid() - len(new) + 1
        endpoints: dict[tuple[str, str], list[rows.Row]] = {}
        for each in new:
            place = each.account_id, each.dialect
            if place not in endpoints:
                endpoints[place] = _endpoints(connection, {"account_id": each.account_id, "dialect": each.dialect})
            if endpoints[place] or each.callback_url is not None:
                self._deliver(connection, each, Status.QUEUED, now=each.created_at)
        return first

    def _deliver(
        self,
        connection: apsw.Connection,
        generation: Generation | NewGeneration,
        state: Status | Notice,
        *,
        now: datetime,
    ) -> None:
        """A message for everyone who asked to be told of this state."""
        asked = {"account_id": generation.account_id, "dialect": generation.dialect}
        about = {**asked, "generation_id": generation.id, "event": state}
        for webhook_id, url, events, disabled_at in _endpoints(connection, asked):
            if messages.wants(events, state):
                self._post(connection, url, about, webhook_id=webhook_id, is_held=disabled_at is not None, now=now)
        wanted = generation.callback_events
        if generation.callback_url is not None and (state in wanted if wanted else state is not Status.QUEUED):
            self._post(connection, generation.callback_url, about, now=now)

    def _post(
        self,
        connection: apsw.Connection,
        url: str,
        about: dict[str, Any],
        *,
        webhook_id: str | None = None,
        is_held: bool = False,
        now: datetime,
    ) -> str:
        message = {
            "id": new_id(),
            "generation_id": None,
            "data": "{}",
            **about,
            "webhook_id": webhook_id,
            "url": url,
            "host": host_of(url),
            "is_held": is_held,
            "now": to_micros(now),
        }
        connection.execute(DELIVERY.insert, message)
        self._database.note_message()
        return str(message["id"])

    async def here(self) -> Place:
        return await self.newest_event()

    async def events_since(self, place: Place) -> tuple[Place, list[Generation]]:
        def question(connection: apsw.Connection) -> tuple[Place, list[Generation]]:
            newest: int = connection.execute(EVENT.newest).get
            arguments = {"sequence": place, "newest": newest, "writer": self._writer}
            found = connection.execute(EVENT.since, arguments)
            return newest, [replace(rows.generation(row), event=row[-1]) for row in found]

        return await self._database.read(question)

    async def prune_events(self, *, before: datetime) -> None:
        arguments = {"before": to_micros(before)}

        def verb(connection: apsw.Connection) -> None:
            connection.execute(EVENT.prune, arguments)

        await self._database.write(verb)

    async def newest_event(self, account_id: str | None = None) -> int:
        def question(connection: apsw.Connection) -> int:
            newest: int = connection.execute(EVENT.newest).get
            return newest

        return await self._database.read(question)

    async def due_deliveries(
        self, *, now: datetime, limit: int, busy_hosts: Collection[str] = ()
    ) -> tuple[list[Parcel], datetime | None]:
        def question(connection: apsw.Connection) -> tuple[list[Parcel], datetime | None]:
            at = to_micros(now)
            arguments = {"now": at, "limit": limit, "busy_hosts": rows.to_json(list(busy_hosts))}
            due = [_parcel(connection, row, now) for row in connection.execute(DELIVERY.due, arguments).fetchall()]
            following = connection.execute(DELIVERY.next_due, {"now": at}).get
            return due, None if following is None else from_micros(following)

        return await self._database.read(question)

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
            "outcome": outcome,
            "due_at": None if due_at is None else to_micros(due_at),
            "now": to_micros(now),
        }

        def verb(connection: apsw.Connection) -> bool:
            noted = connection.execute(DELIVERY.note, arguments).fetchone()
            if noted is None:
                return False  # its endpoint was deleted while it was on its way
            stage, account_id, webhook_id, generation_id, url = noted
            if made is not None:
                connection.execute(DELIVERY.insert_try, {"id": delivery_id, **messages.try_columns(made)})
            if webhook_id is not None:
                why = disable_why or _hopeless(connection, webhook_id, is_done, hopeless_since, now)
                if why and self._disable(connection, account_id, webhook_id, why=why, now=now):
                    return True
            line = {"generation_id": generation_id, "url": url, "now": to_micros(now)}
            is_open = stage in ("waiting", "due")
            return not is_open and connection.execute(DELIVERY.promote, line).fetchone() is not None

        return await self._database.write(verb)

    def _disable(
        self, connection: apsw.Connection, account_id: str, webhook_id: str, *, why: str, now: datetime
    ) -> bool:
        """Send nothing there any more, and tell the account's other endpoints; False where it was disabled already."""
        disabled = {"account_id": account_id, "id": webhook_id, "why": why, "now": to_micros(now)}
        row = connection.execute(WEBHOOK.disable, disabled).fetchone()
        if row is None:
            return False
        connection.execute(DELIVERY.hold, {"webhook_id": webhook_id})
        asked = {"account_id": account_id, "dialect": "native"}
        data = rows.to_json({"id": webhook_id, "url": row[0], "reason": why})
        about = {**asked, "event": DISABLED_EVENT, "data": data}
        for other_id, url, events, disabled_at in _endpoints(connection, asked):
            if other_id != webhook_id and messages.wants(events, DISABLED_EVENT):
                self._post(connection, url, about, webhook_id=other_id, is_held=disabled_at is not None, now=now)
        return True

    async def postpone_deliveries(self, delivery_ids: Collection[str], *, due_at: datetime) -> None:
        arguments = [{"id": delivery_id, "due_at": to_micros(due_at)} for delivery_id in delivery_ids]

        def verb(connection: apsw.Connection) -> None:
            connection.executemany(DELIVERY.postpone, arguments)

        await self._database.write(verb)

    async def prune_deliveries(self, *, before: datetime, limit: int) -> int:
        arguments = {"before": to_micros(before), "limit": limit}

        def verb(connection: apsw.Connection) -> int:
            return len(connection.execute(DELIVERY.prune, arguments).fetchall())

        return await self._database.write(verb)


def _endpoints(connection: apsw.Connection, asked: dict[str, str]) -> list[rows.Row]:
    return connection.execute(DELIVERY.endpoints, asked).fetchall()


def _hopeless(
    connection: apsw.Connection, webhook_id: str, is_done: bool, since: datetime | None, now: datetime
) -> str:
    """Write down whether an endpoint fails; why it is to be disabled, where it has failed for too long."""
    if is_done:
        connection.execute(WEBHOOK.note_success, {"id": webhook_id})
        return ""
    failing = connection.execute(WEBHOOK.note_failure, {"id": webhook_id, "now": to_micros(now)}).fetchone()
    return messages.why_hopeless(failing and failing[0], since)


def _parcel(connection: apsw.Connection, row: rows.Row, now: datetime) -> Parcel:
    about = None
    if row[1] is not None:
        (found,) = connection.execute(GENERATION.by_id, {"id": row[1]}).fetchall()
        about = rows.generation(found)
    return messages.parcel(row, about, now)
