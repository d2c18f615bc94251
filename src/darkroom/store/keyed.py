"""The store's verbs on SQLite: submits that came before."""

from datetime import datetime

import apsw

from darkroom.clock import to_micros
from darkroom.errors import IdempotencyConflict
from darkroom.generation import Generation
from darkroom.records import Accepted
from darkroom.store import queries, rows
from darkroom.store.database import Database

IDEMPOTENCY = queries.load("idempotency")
GENERATION = queries.load("generation")


class Keyed:
    _database: Database

    async def find_keyed(self, account_id: str, key: str, fingerprint: bytes, *, since: datetime) -> Generation | None:
        return self._database.glance(lambda connection: find(connection, account_id, key, fingerprint, since))

    async def find_alike(
        self, account_id: str, dialect: str, fingerprint: bytes, *, since: datetime
    ) -> Generation | None:
        arguments = {
            "account_id": account_id,
            "dialect": dialect,
            "fingerprint": fingerprint,
            "since": to_micros(since),
        }

        def question(connection: apsw.Connection) -> Generation | None:
            number = connection.execute(IDEMPOTENCY.alike, arguments).get
            if number is None:
                return None
            return rows.generation(connection.execute(GENERATION.by_number, {"number": number}).fetchall()[0])

        return await self._database.read(question)

    async def last_accepted(self, *, since: datetime) -> list[Accepted]:
        arguments = {"since": to_micros(since)}

        def question(connection: apsw.Connection) -> list[Accepted]:
            return [Accepted(*row) for row in connection.execute(IDEMPOTENCY.newest, arguments)]

        return await self._database.read(question)

    async def prune_keys(self, *, before: datetime) -> None:
        arguments = {"before": to_micros(before)}

        def verb(connection: apsw.Connection) -> None:
            connection.execute(IDEMPOTENCY.prune, arguments)

        await self._database.write(verb)


def find(
    connection: apsw.Connection, account_id: str, key: str, fingerprint: bytes, since: datetime
) -> Generation | None:
    """What a key has led to; raises `IdempotencyConflict` where it was another request."""
    arguments = {"account_id": account_id, "key": key, "since": to_micros(since)}
    found = connection.execute(IDEMPOTENCY.find, arguments).fetchone()
    if found is None:
        return None
    if found[0] != fingerprint:
        raise IdempotencyConflict
    return rows.generation(connection.execute(GENERATION.by_id, {"id": found[1]}).fetchall()[0])
