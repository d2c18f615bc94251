"""The store's survey on PostgreSQL: counts of what is unfinished."""

from datetime import datetime

from darkroom.clock import to_micros
from darkroom.store import rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection
from darkroom.survey import Survey

SURVEY = queries.load("survey")


class Surveying:
    _database: Database

    async def survey(self, *, now: datetime) -> Survey:
        async def question(connection: Connection) -> Survey:
            return rows.survey(
                await SURVEY.unfinished.rows(connection),
                await SURVEY.ambiguous.rows(connection),
                await SURVEY.backlog.rows(connection, now=to_micros(now)),
            )

        return await self._database.read(question)
