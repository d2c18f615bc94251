"""The store's verbs on SQLite: attempts, what they left, and what they cost."""

from datetime import datetime

import apsw

from darkroom.clock import from_micros, to_micros
from darkroom.errors import StaleAttempt
from darkroom.generation import Generation
from darkroom.ports import NOWHERE, Address, Attempt
from darkroom.store import queries, rows
from darkroom.store.database import Database

ATTEMPT = queries.load("attempt")
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
        arguments = {
            "id": generation_id,
            "attempt": attempt,
            "ticket": ticket,
            "credential": address.credential,
            "base_url": address.base_url,
            "sent_at": None if sent_at is None else to_micros(sent_at),
            "reason": reason,
        }

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

    async def ambiguous(self) -> list[Attempt]:
        return await self._database.read(
            lambda connection: [_attempt(row) for row in connection.execute(ATTEMPT.ambiguous)]
        )


def attempts_of(connection: apsw.Connection, generation_id: str) -> tuple[Attempt, ...]:
    return tuple(_attempt(row) for row in connection.execute(ATTEMPT.of, {"id": generation_id}))


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


def _attempt(row: rows.Row) -> Attempt:
    return Attempt(
        generation_id=row[0],
        number=row[1],
        provider=row[2],
        ticket=row[3],
        started_at=from_micros(row[4]),
        outcome=row[5],
        credential=row[6],
        base_url=row[7],
        sent_at=None if row[8] is None else from_micros(row[8]),
        ended_at=None if row[9] is None else from_micros(row[9]),
        reason=row[10],
        detail=row[11],
        cost_micro_usd=row[12],
    )
