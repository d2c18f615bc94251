"""The store's survey on SQLite: counts of what is unfinished."""

from datetime import datetime

import apsw

from darkroom.clock import to_micros
from darkroom.store import queries, rows
from darkroom.store.database import Database
from darkroom.survey import Survey

SURVEY = queries.load("survey")


class Surveying:
    _database: Database

    async def survey(self, *, now: datetime) -> Survey:
        def question(connection: apsw.Connection) -> Survey:
            return rows.survey(
                connection.execute(SURVEY.unfinished).fetchall(),
                connection.execute(SURVEY.ambiguous).fetchall(),
                connection.execute(SURVEY.backlog, {"now": to_micros(now)}).fetchall(),
            )

        return await self._database.read(question)
