"""The store's verbs on PostgreSQL: events as those who watch read them again, and how long things have taken."""

from darkroom.generation import Generation, Status
from darkroom.ports import EventPage, Took
from darkroom.store import rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection

EVENT = queries.load("event")
GENERATION = queries.load("generation")
STREAM = queries.load("stream")


class Retold:
    _database: Database

    async def missed_events(self, generation_id: str, after: int) -> tuple[Generation, list[tuple[int, Status]]] | None:
        async def question(connection: Connection) -> tuple[Generation, list[tuple[int, Status]]] | None:
            if not await _is_kept(connection, after):
                return None
            # All in one look: an event must not be told with a state from before it.
            (row,) = await GENERATION.by_id.rows(connection, id=generation_id)
            events = await STREAM.of_generation.rows(connection, id=generation_id, after=after)
            return rows.generation(row), [(sequence, rows.STATUSES[status]) for sequence, status in events]

        return await self._database.look(question)

    async def account_events(self, account_id: str, after: int, *, limit: int) -> EventPage:
        arguments = {"account_id": account_id, "after": after, "limit": limit}
        found = await self._database.read(lambda connection: STREAM.of_account.rows(connection, **arguments))
        return EventPage(
            events=tuple((row[0], rows.STATUSES[row[1]], rows.generation(row[2:])) for row in found),
            # Not the newest of all: an event of this account may have a lower number and be still on its way.
            newest=found[-1][0] if found else after,
            is_cut=len(found) == limit,
        )

    async def knows_event(self, sequence: int) -> bool:
        return await self._database.read(lambda connection: _is_kept(connection, sequence))

    async def took(self) -> list[Took]:
        found = await self._database.read(STREAM.took.rows)
        return [rows.took(row) for row in found]


async def _is_kept(connection: Connection, after: int) -> bool:
    """Whether everything after this event is still there, and the event is not one of another database."""
    oldest: int = await STREAM.oldest.value(connection)
    newest: int = await EVENT.newest.value(connection)
    return oldest - 1 <= after <= newest
