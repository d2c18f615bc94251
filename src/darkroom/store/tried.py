"""The store's verbs on SQLite: attempts, what they left, and what they cost."""

from collections.abc import Mapping
from datetime import datetime

import apsw

from darkroom.clock import to_micros
from darkroom.errors import StaleAttempt
from darkroom.generation import Generation
from darkroom.ports import NOWHERE, Address, Attempt, CostLine
from darkroom.store import queries, rows
from darkroom.store.database import Database

ATTEMPT = queries.load("attempt")
COST = queries.load("cost")
GENERATION = queries.load("generation")


class Tried:
    _database: Database

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
        arguments = rows.ticket(generation_id, attempt, ticket, address=address, sent_at=sent_at, reason=reason)

        def verb(connection: apsw.Connection) -> None:
            if connection.execute(ATTEMPT.note_ticket, arguments).fetchone() is None:
                raise StaleAttempt(f"{generation_id} attempt {attempt}: ticket not stored")

        await self._database.write(verb)

    async def note_outcome(
        self, generation_id: str, attempt: int, outcome: str, *, now: datetime, detail: str = ""
    ) -> None:
        def verb(connection: apsw.Connection) -> None:
            row = connection.execute(GENERATION.running, {"id": generation_id, "attempt": attempt}).fetchone()
            if row is None:
                raise StaleAttempt(f"{generation_id} attempt {attempt}: outcome not stored")
            end_attempt(connection, rows.generation(row), outcome, now, detail=detail)

        await self._database.write(verb)

    async def attempts(self, generation_id: str) -> tuple[Attempt, ...]:
        return await self._database.read(lambda connection: attempts_of(connection, generation_id))

    async def costs(self, by: str, *, since: datetime) -> list[CostLine]:
        arguments = {"by": by, "since": to_micros(since)}
        return await self._database.read(
            lambda connection: [CostLine(*row) for row in connection.execute(COST.report, arguments)]
        )

    async def billed(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        arguments = {"since": to_micros(since)}
        return await self._database.read(
            lambda connection: {row[:2]: row[2] for row in connection.execute(COST.by_credential, arguments)}
        )

    async def ambiguous(self) -> list[Attempt]:
        return await self._database.read(
            lambda connection: [rows.attempt(row) for row in connection.execute(ATTEMPT.ambiguous)]
        )


def attempts_of(connection: apsw.Connection, generation_id: str) -> tuple[Attempt, ...]:
    return tuple(rows.attempt(row) for row in connection.execute(ATTEMPT.of, {"id": generation_id}))


def end_attempt(
    connection: apsw.Connection,
    generation: Generation,
    outcome: str,
    now: datetime,
    *,
    detail: str = "",
    cost_micro_usd: int | None = None,
) -> None:
    arguments = {
        "id": generation.id,
        "attempt": generation.attempt,
        "outcome": outcome,
        "detail": detail,
        "cost": cost_micro_usd,
        "now": to_micros(now),
    }
    connection.execute(ATTEMPT.end, arguments)
