"""The store's verbs on PostgreSQL: submits that came before."""

from datetime import datetime

from darkroom.clock import to_micros
from darkroom.errors import IdempotencyConflict
from darkroom.generation import Generation
from darkroom.records import Accepted
from darkroom.store import rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection

IDEMPOTENCY = queries.load("idempotency")
GENERATION = queries.load("generation")


class Keyed:
    _database: Database

    async def find_keyed(self, account_id: str, key: str, fingerprint: bytes, *, since: datetime) -> Generation | None:
        async def question(connection: Connection) -> Generation | None:
            arguments = {"account_id": account_id, "key": key, "since": to_micros(since)}
            found = await IDEMPOTENCY.find.row(connection, **arguments)
            if found is None:
                return None
            if found[0] != fingerprint:
                raise IdempotencyConflict
            (row,) = await GENERATION.by_id.rows(connection, id=found[1])
            return rows.generation(row)

        return await self._database.read(question)

    async def find_alike(
        self, account_id: str, dialect: str, fingerprint: bytes, *, since: datetime
    ) -> Generation | None:
        async def question(connection: Connection) -> Generation | None:
            arguments = {"account_id": account_id, "dialect": dialect, "fingerprint": fingerprint}
            number = await IDEMPOTENCY.alike.value(connection, **arguments, since=to_micros(since))
            if number is None:
                return None
            (row,) = await GENERATION.by_number.rows(connection, number=number)
            return rows.generation(row)

        return await self._database.read(question)

    async def last_accepted(self, *, since: datetime) -> list[Accepted]:
        found = await self._database.read(
            lambda connection: IDEMPOTENCY.newest.rows(connection, since=to_micros(since))
        )
        return [Accepted(*row) for row in found]

    async def prune_keys(self, *, before: datetime) -> None:
        await self._database.write(lambda connection: IDEMPOTENCY.prune.run(connection, before=to_micros(before)))
