"""The store's verbs on SQLite: events as those who watch read them again, and how long things have taken."""

import apsw

from darkroom.generation import Generation, Status
from darkroom.ports import EventPage, Took
from darkroom.store import queries, rows
from darkroom.store.database import Database

EVENT = queries.load("event")
GENERATION = queries.load("generation")
STREAM = queries.load("stream")


class Retold:
    _database: Database

    async def missed_events(self, generation_id: str, after: int) -> tuple[Generation, list[tuple[int, Status]]] | None:
        def question(connection: apsw.Connection) -> tuple[Generation, list[tuple[int, Status]]] | None:
            if not _is_kept(connection, after):
                return None
            # Both in one look: an event must not be told with a state from before it.
            (row,) = connection.execute(GENERATION.by_id, (generation_id,)).fetchall()
            arguments = {"id": generation_id, "after": after}
            events: list[rows.Row] = connection.execute(STREAM.of_generation, arguments).fetchall()
            return rows.generation(row), [(sequence, rows.STATUSES[status]) for sequence, status in events]

        return await self._database.read(question)

    async def account_events(self, account_id: str, after: int, *, limit: int) -> EventPage:
        def question(connection: apsw.Connection) -> EventPage:
            newest: int = connection.execute(EVENT.newest).get
            arguments = {"account_id": account_id, "after": after, "newest": newest, "limit": limit}
            found: list[rows.Row] = connection.execute(STREAM.of_account, arguments).fetchall()
            is_cut = len(found) == limit
            return EventPage(
                events=tuple((row[0], rows.STATUSES[row[1]], rows.generation(row[2:])) for row in found),
                newest=found[-1][0] if is_cut else newest,
                is_cut=is_cut,
            )

        return await self._database.read(question)

    async def knows_event(self, sequence: int) -> bool:
        return await self._database.read(lambda connection: _is_kept(connection, sequence))

    async def took(self) -> list[Took]:
        return await self._database.read(lambda connection: [rows.took(row) for row in connection.execute(STREAM.took)])


def _is_kept(connection: apsw.Connection, after: int) -> bool:
    """Whether everything after this event is still there, and the event is not one of another database."""
    oldest: int = connection.execute(STREAM.oldest).get
    newest: int = connection.execute(EVENT.newest).get
    return oldest - 1 <= after <= newest
