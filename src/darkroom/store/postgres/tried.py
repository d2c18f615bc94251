"""The store's verbs on PostgreSQL: attempts, what they left, and what they cost."""

from collections.abc import Mapping
from datetime import datetime

from darkroom.clock import to_micros
from darkroom.errors import StaleAttempt
from darkroom.generation import Generation
from darkroom.ports import NOWHERE, Address, Attempt, CostLine
from darkroom.store import rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.batches import Batches
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection

ATTEMPT = queries.load("attempt")
COST = queries.load("cost")
GENERATION = queries.load("generation")
LIFECYCLE = queries.load("lifecycle")


class Tried:
    _database: Database

    def __init__(self, database: Database) -> None:
        super().__init__(database)  # type: ignore[call-arg]
        self._tickets = Batches(database, self._note_tickets)

    async def note_ticket(
        self,
        generation_id: str,
        attempt: int,
        ticket: str,
        *,
        address: Address = NOWHERE,
        sent_at: datetime | None = None,
        reason: str = "",
    ) -> None:
        given = rows.ticket(generation_id, attempt, ticket, address=address, sent_at=sent_at, reason=reason)
        if not await self._tickets.ask(given):
            raise StaleAttempt(f"{generation_id} attempt {attempt}: ticket not stored")

    async def _note_tickets(self, asked: list[dict[str, object]], is_again: bool) -> list[bool]:
        async with self._database.connection() as connection:
            noted = await LIFECYCLE.note_ticket.rows(connection, given=[queries.as_json(one) for one in asked])
        return [row[0] for row in noted]

    async def note_outcome(
        self, generation_id: str, attempt: int, outcome: str, *, now: datetime, detail: str = ""
    ) -> None:
        async def verb(connection: Connection) -> None:
            row = await GENERATION.running_held_fast.row(connection, id=generation_id, attempt=attempt)
            if row is None:
                raise StaleAttempt(f"{generation_id} attempt {attempt}: outcome not stored")
            await end_attempt(connection, rows.generation(row), outcome, now, detail=detail)

        await self._database.write(verb)

    async def attempts(self, generation_id: str) -> tuple[Attempt, ...]:
        return await self._database.read(lambda connection: attempts_of(connection, generation_id))

    async def costs(self, by: str, *, since: datetime) -> list[CostLine]:
        async def question(connection: Connection) -> list[rows.Row]:
            return await COST.report.rows(connection, by=by, since=to_micros(since))

        return [CostLine(*row) for row in await self._database.read(question)]

    async def billed(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        async def question(connection: Connection) -> list[rows.Row]:
            return await COST.by_credential.rows(connection, since=to_micros(since))

        return {(row[0], row[1]): row[2] for row in await self._database.read(question)}

    async def ambiguous(self) -> list[Attempt]:
        return [rows.attempt(row) for row in await self._database.read(ATTEMPT.ambiguous.rows)]


async def attempts_of(connection: Connection, generation_id: str) -> tuple[Attempt, ...]:
    return tuple(rows.attempt(row) for row in await ATTEMPT.of.rows(connection, id=generation_id))


async def end_attempt(
    connection: Connection, generation: Generation, outcome: str, now: datetime, *, detail: str = ""
) -> None:
    arguments = {"id": generation.id, "attempt": generation.attempt, "outcome": outcome, "detail": detail, "cost": None}
    await ATTEMPT.end.run(connection, **arguments, now=to_micros(now))
