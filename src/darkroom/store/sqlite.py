"""The store's verbs on SQLite: the lifecycle of generations. Each verb is one transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import apsw

from darkroom import ledger
from darkroom.clock import to_micros
from darkroom.credits import ZERO
from darkroom.errors import InvalidInput, NotFound, StaleAttempt
from darkroom.generation import Cause, Generation, Notice, Status
from darkroom.ids import new_id
from darkroom.ports import Begun, Settlement, Turn
from darkroom.store import queries, rows
from darkroom.store.database import Database
from darkroom.store.listing import generations_page, generations_query
from darkroom.store.owned import Owned
from darkroom.store.recent import Recent
from darkroom.store.retold import Retold
from darkroom.store.submits import Submits
from darkroom.store.surveying import Surveying
from darkroom.store.tried import ATTEMPT, Tried, attempts_of, end_attempt
from darkroom.verbs import List, Page, Reference

GENERATION = queries.load("generation")


class SqliteStore(Surveying, Submits, Owned, Retold, Tried):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._recent = Recent()
        self._writer = new_id()

    async def begin(self, generation_id: str, *, now: datetime) -> Begun | None:
        def verb(connection: apsw.Connection) -> Begun | None:
            row = connection.execute(GENERATION.begin, {"id": generation_id, "now": to_micros(now)}).fetchone()
            if row is None:
                return None
            generation = rows.generation(row)
            before = attempts_of(connection, generation_id)
            arguments = {
                "id": generation_id,
                "attempt": generation.attempt,
                "provider": generation.provider,
                "now": to_micros(now),
            }
            connection.execute(ATTEMPT.insert, arguments)
            told = self._announce(connection, generation, now=now)
            return Begun(generation=told, before=before)

        begun = await self._database.write(verb)
        if begun is not None:
            self._recent.keep(begun.generation)
        return begun

    async def decide(self, generation_id: str, *, is_retry: bool, now: datetime) -> Generation:
        def verb(connection: apsw.Connection) -> Generation:
            generation = self._get(connection, generation_id)
            newest = next(iter(attempts_of(connection, generation_id)), None)
            if generation.is_terminal or newest is None or newest.outcome != "ambiguous":
                raise InvalidInput.of("id", f"generation {generation_id} is {generation.status}, and not ambiguous")
            arguments = {"id": generation_id, "attempt": generation.attempt, "provider": None}
            row = connection.execute(GENERATION.hand_back, arguments).fetchone()
            generation = rows.generation(row) if row is not None else generation
            end_attempt(connection, generation, "retry" if is_retry else "failed", now)
            if is_retry:
                return generation
            cause = Cause("ambiguous", "an operator decided that the provider did not take the work")
            ending = {"id": generation_id, "status": Status.FAILED, **rows.cause(cause), "now": to_micros(now)}
            failed = rows.generation(_one(connection, GENERATION.end_queued, ending))
            return self._release(connection, failed, now=now)

        return self._recent.keep(await self._database.write(verb))

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, *, now: datetime) -> Generation:
        def verb(connection: apsw.Connection) -> Generation:
            held = self._holds(connection, generation_id)
            entries = ledger.settle(held, used=settlement.used)
            spent = {entry.purse: entry.amount for entry in entries if entry.kind is ledger.Kind.CAPTURE}
            arguments = {
                "id": generation_id,
                "attempt": attempt,
                "spent": rows.to_json(spent),
                **rows.ending(settlement),
                "now": to_micros(now),
            }
            row = connection.execute(GENERATION.settle, arguments).fetchone()
            if row is None:
                raise StaleAttempt(f"{generation_id} attempt {attempt}: settled elsewhere")
            generation = rows.generation(row)
            end_attempt(connection, generation, settlement.status, now, cost_micro_usd=settlement.cost_micro_usd)
            self._append(connection, entries, at=now)
            return self._announce(connection, generation, now=now)

        return self._recent.keep(await self._database.write(verb))

    async def hand_back(
        self,
        generation_id: str,
        attempt: int,
        outcome: str,
        *,
        now: datetime,
        provider: str | None = None,
        detail: str = "",
        cost_micro_usd: int | None = None,
        after_s: float = 0.0,
    ) -> Generation:
        def verb(connection: apsw.Connection) -> Generation:
            arguments = {"id": generation_id, "attempt": attempt, "provider": provider}
            row = connection.execute(GENERATION.hand_back, arguments).fetchone()
            if row is None:
                raise StaleAttempt(f"{generation_id} attempt {attempt}: handed back too late")
            generation = rows.generation(row)
            end_attempt(connection, generation, outcome, now, detail=detail, cost_micro_usd=cost_micro_usd)
            return generation

        return self._recent.keep(await self._database.write(verb))

    async def cancel(
        self, account_id: str, generation_id: str, *, now: datetime, billed: Collection[str] = ()
    ) -> Generation:
        def verb(connection: apsw.Connection) -> Generation:
            before = self._get(connection, generation_id)
            is_paid = before.status is Status.RUNNING and before.provider in billed
            entries = ledger.settle(self._holds(connection, generation_id), used=before.quote if is_paid else ZERO)
            spent = {entry.purse: entry.amount for entry in entries if entry.kind is ledger.Kind.CAPTURE}
            arguments = {
                "id": generation_id,
                "account_id": account_id,
                "spent": rows.to_json(spent),
                "now": to_micros(now),
            }
            row = connection.execute(GENERATION.cancel, arguments).fetchone()
            if row is None:
                return before
            generation = rows.generation(row)
            end_attempt(connection, generation, "canceled", now)
            self._append(connection, entries, at=now)
            return self._announce(connection, generation, now=now)

        return self._recent.keep(await self._database.write(verb))

    def _release(self, connection: apsw.Connection, generation: Generation, *, now: datetime) -> Generation:
        self._append(connection, ledger.settle(self._holds(connection, generation.id), used=ZERO), at=now)
        return self._announce(connection, generation, now=now)

    async def with_deadline(self) -> list[Generation]:
        return await self._database.read(
            lambda connection: [rows.generation(row) for row in connection.execute(GENERATION.with_deadline)]
        )

    async def fail_unstarted(self, generation_id: str, cause: Cause, *, now: datetime) -> Generation | None:
        def verb(connection: apsw.Connection) -> Generation | None:
            if self._get(connection, generation_id).attempt > 0:
                return None
            arguments = {"id": generation_id, "status": Status.FAILED, **rows.cause(cause), "now": to_micros(now)}
            row = connection.execute(GENERATION.end_queued, arguments).fetchone()
            if row is None:
                return None
            failed = rows.generation(row)
            return self._release(connection, failed, now=now)

        failed = await self._database.write(verb)
        return None if failed is None else self._recent.keep(failed)

    async def rescue(self, *, now: datetime) -> int:
        def verb(connection: apsw.Connection) -> int:
            return len(connection.execute(GENERATION.rescue).fetchall())

        count = await self._database.write(verb)
        self._recent.forget()
        return count

    async def queued(self, *, after: int = 0, limit: int = 1000) -> list[Turn]:
        arguments = {"after": after, "limit": limit}

        def question(connection: apsw.Connection) -> list[Turn]:
            found = connection.execute(GENERATION.queued, arguments)
            return [
                Turn(id=row[0], number=row[1], lane=row[2], account_id=row[3], priority=row[4], run_limit=row[5])
                for row in found
            ]

        return await self._database.read(question)

    async def get(self, reference: Reference) -> Generation:
        known = self._recent.find(reference)
        if known is not None:
            return known
        return self._recent.keep(self._database.glance(lambda connection: self._get(connection, reference)))

    def peek(self, generation_id: str) -> Generation | None:
        return self._recent.find(generation_id)

    def forget(self) -> None:
        """Another process has written: what we remember may be old."""
        self._recent.forget()

    def _get(self, connection: apsw.Connection, reference: Reference) -> Generation:
        if isinstance(reference, int):
            row = connection.execute(GENERATION.by_number, (reference,)).fetchone()
        else:
            row = connection.execute(GENERATION.by_id, (reference,)).fetchone()
        if row is None:
            raise NotFound(f"generation {reference}")
        return rows.generation(row)

    async def list_generations(self, account_id: str, wanted: List, *, now: datetime) -> Page[Generation]:
        query, count, arguments = generations_query(account_id, wanted, now=now)

        def question(connection: apsw.Connection) -> Page[Generation]:
            total = None if count is None else connection.execute(count, arguments).get
            return generations_page(wanted, connection.execute(query, arguments).fetchall(), total)

        return await self._database.read(question)

    async def mark(self, generation_id: str, *, toggle_favorite: bool, rating: int | None) -> Generation:
        arguments = {"id": generation_id, "toggle": toggle_favorite, "rating": rating}
        return self._recent.keep(
            await self._database.write(lambda connection: rows.generation(_one(connection, GENERATION.mark, arguments)))
        )

    async def remove(self, generation_id: str, *, now: datetime) -> Generation | None:
        def verb(connection: apsw.Connection) -> Generation | None:
            row = connection.execute(GENERATION.hide, {"id": generation_id, "now": to_micros(now)}).fetchone()
            return None if row is None else rows.generation(row)

        removed = await self._database.write(verb)
        return None if removed is None else self._recent.keep(removed)

    async def expired(self, *, now: datetime, after: Generation | None = None) -> list[Generation]:
        passed = (-1, -1) if after is None or after.expires_at is None else (to_micros(after.expires_at), after.number)
        arguments = {"now": to_micros(now), "after_at": passed[0], "after": passed[1]}
        return await self._database.read(
            lambda connection: [rows.generation(row) for row in connection.execute(GENERATION.expired, arguments)]
        )

    async def warn(self, *, now: datetime) -> int:
        def verb(connection: apsw.Connection) -> int:
            expiring = [rows.generation(row) for row in connection.execute(GENERATION.warn, {"now": to_micros(now)})]
            for generation in expiring:
                self._deliver(connection, generation, Notice.EXPIRING, now=now)
            return len(expiring)

        return await self._database.write(verb)

    async def forget_assets(self, generation_ids: Sequence[str]) -> None:
        def verb(connection: apsw.Connection) -> None:
            connection.executemany(
                GENERATION.forget_assets, [{"id": generation_id} for generation_id in generation_ids]
            )
            self._let_go(connection, generation_ids)

        await self._database.write(verb)
        self._recent.drop(generation_ids)


def _one(connection: apsw.Connection, query: str, arguments: dict[str, Any]) -> rows.Row:
    row: rows.Row | None = connection.execute(query, arguments).fetchone()
    if row is None:
        raise NotFound("what was to be changed")
    return row
