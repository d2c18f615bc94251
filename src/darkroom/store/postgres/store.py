"""The store's verbs on PostgreSQL: the lifecycle of generations. Each verb is one transaction.

The hot ones (submit, begin, note_ticket, settle, hand_back, get) are one round trip for all who ask at the same time:
functions of the database, in `functions/4_lifecycle.sql` and `5_submit.sql`. A queue that lives in the database writes
its entries in that transaction as well: its place is `functions/3_queue.sql`.
"""

import math
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec.structs import replace

from darkroom.clock import to_micros
from darkroom.errors import (
    IdempotencyConflict,
    InsufficientCredits,
    InvalidInput,
    MustWait,
    NotFound,
    StaleAttempt,
    TooManyInFlight,
)
from darkroom.generation import Cause, Generation, Status
from darkroom.ports import KEYS_LIVE, Attempt, Begun, NewGeneration, Settlement, Turn
from darkroom.store import rows
from darkroom.store.listing import generations_page, generations_query
from darkroom.store.postgres import queries
from darkroom.store.postgres.batches import Batches
from darkroom.store.postgres.books import Books
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.endpoints import Endpoints
from darkroom.store.postgres.keyed import Keyed
from darkroom.store.postgres.owned import Owned
from darkroom.store.postgres.queries import Connection
from darkroom.store.postgres.retold import Retold
from darkroom.store.postgres.surveying import Surveying
from darkroom.store.postgres.tried import Tried, attempts_of, end_attempt
from darkroom.verbs import List, Page, Reference

LIFECYCLE = queries.load("lifecycle")
GENERATION = queries.load("generation")


class PostgresStore(Surveying, Tried, Books, Endpoints, Keyed, Owned, Retold):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._submits = Batches(database, self._submit_all)
        self._begins = Batches(database, self._begin_all, patience_s=math.inf)
        self._settlements = Batches(database, self._settle_all)
        self._returns = Batches(database, self._hand_back_all)
        self._gets = Batches(database, self._get_all)

    async def submit(self, new: NewGeneration) -> Generation:
        refusal, detail, known_id, was_held, number, event = await self._submits.ask(new)
        match refusal:
            case None:
                return rows.accepted(new, number, rows.mapping(was_held), event=event)
            case "known":
                return await self.get(known_id)
            case "conflict":
                raise IdempotencyConflict
            case "full":
                raise TooManyInFlight(limit=detail, plan=new.plan)
            case _:
                raise InsufficientCredits(needed=new.quote, available=detail)

    async def _submit_all(self, asked: list[NewGeneration], is_again: bool) -> list[rows.Row]:
        given = [queries.as_json(_given(new)) for new in asked]
        async with self._database.connection() as connection:
            told = await LIFECYCLE.submit.rows(connection, given=given, writer=self._writer, again=is_again)
        self._database.wake_workers()
        return told

    async def begin(self, generation_id: str, *, now: datetime) -> Begun | None:
        """Answered however long the database is away: a turn that was taken unheard would be nobody's, of a worker that
        lives."""
        given = {"id": generation_id, "now": to_micros(now), "keeps_limit": True}
        generation = _changed(await self._begins.ask(given))
        if generation is None:
            return None
        if generation.status is Status.QUEUED:
            raise MustWait(f"{generation_id}: its account runs {generation.run_limit} already")
        # Only what comes back has attempts before this one.
        before: tuple[Attempt, ...] = ()
        if generation.attempt > 1:
            before = await self._database.read(
                lambda connection: attempts_of(connection, generation_id), patience_s=math.inf
            )
        earlier = tuple(attempt for attempt in before if attempt.number < generation.attempt)
        return Begun(generation=generation, before=earlier)

    async def _begin_all(self, asked: list[dict[str, object]], is_again: bool) -> list[rows.Row]:
        given = [queries.as_json(one) for one in asked]
        async with self._database.connection() as connection:
            told = await LIFECYCLE.begin.rows(connection, given=given, writer=self._writer, again=is_again)
        self._database.wake_others()
        return told

    async def decide(self, generation_id: str, *, is_retry: bool, now: datetime) -> Generation:
        async def verb(connection: Connection) -> Generation:
            await LIFECYCLE.lock_of.run(connection, ids=[generation_id])
            generation = await self._hold_fast(connection, generation_id)
            newest = next(iter(await attempts_of(connection, generation_id)), None)
            if generation.is_terminal or newest is None or newest.outcome != "ambiguous":
                raise InvalidInput.of("id", f"generation {generation_id} is {generation.status}, and not ambiguous")
            await end_attempt(connection, generation, "retry" if is_retry else "failed", now)
            fence = {"id": generation_id, "attempt": generation.attempt}
            if is_retry:
                given = [queries.as_json({**fence, "outcome": "retry", "detail": "", "now": to_micros(now)})]
                (row,) = await LIFECYCLE.hand_back.rows(connection, given=given)
                return generation if row[0] is None else rows.generation(row)
            # Through queued, which is the one way; nobody sees it, and no queue gets an entry.
            await GENERATION.hand_back.run(connection, **fence)
            cause = Cause("ambiguous", "an operator decided that the provider did not take the work")
            failed = await self._fail_queued(connection, generation_id, cause, now=now, only_unstarted=False)
            assert failed is not None
            return failed

        decided = await self._database.write(verb)
        self._database.wake_workers()
        return decided

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, *, now: datetime) -> Generation:
        given = {
            "id": generation_id,
            "attempt": attempt,
            "used": settlement.used,
            "cost": settlement.cost_micro_usd,
            "now": to_micros(now),
            **rows.ending(settlement),
        }
        settled = _changed(await self._settlements.ask(given))
        if settled is None:
            raise StaleAttempt(f"{generation_id} attempt {attempt}: settled elsewhere")
        return settled

    async def _settle_all(self, asked: list[dict[str, object]], is_again: bool) -> list[rows.Row]:
        given = [queries.as_json(one) for one in asked]
        async with self._database.connection() as connection:
            told = await LIFECYCLE.settle.rows(connection, given=given, writer=self._writer)
        self._database.wake_others()
        return told

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
        given = {
            "id": generation_id,
            "attempt": attempt,
            "outcome": outcome,
            "now": to_micros(now),
            "provider": provider,
            "detail": detail,
            "cost": cost_micro_usd,
            "after_s": after_s,
        }
        row = await self._returns.ask(given)
        if row[0] is None:
            raise StaleAttempt(f"{generation_id} attempt {attempt}: handed back too late")
        return rows.generation(row)

    async def _hand_back_all(self, asked: list[dict[str, object]], is_again: bool) -> list[rows.Row]:
        async with self._database.connection() as connection:
            told = await LIFECYCLE.hand_back.rows(connection, given=[queries.as_json(one) for one in asked])
        self._database.wake_workers()
        return told

    async def cancel(
        self, account_id: str, generation_id: str, *, now: datetime, billed: Collection[str] = ()
    ) -> Generation:
        async def verb(connection: Connection) -> Generation | None:
            arguments = {"account_id": account_id, "id": generation_id, "billed": list(billed), "now": to_micros(now)}
            return _changed(await LIFECYCLE.cancel.row(connection, **arguments, writer=self._writer))

        canceled = await self._database.write(verb)
        self._database.wake_others()
        return canceled or await self.get(generation_id)

    async def with_deadline(self) -> list[Generation]:
        found = await self._database.read(GENERATION.with_deadline.rows)
        return [rows.generation(row) for row in found]

    async def fail_unstarted(self, generation_id: str, cause: Cause, *, now: datetime) -> Generation | None:
        failed = await self._database.write(
            lambda connection: self._fail_queued(connection, generation_id, cause, now=now, only_unstarted=True)
        )
        self._database.wake_others()
        return failed

    async def _fail_queued(
        self, connection: Connection, generation_id: str, cause: Cause, *, now: datetime, only_unstarted: bool
    ) -> Generation | None:
        row = await LIFECYCLE.fail_queued.row(
            connection,
            id=generation_id,
            code=cause.code,
            message=cause.message,
            now=to_micros(now),
            writer=self._writer,
            only_unstarted=only_unstarted,
        )
        return _changed(row)

    async def rescue(self, *, now: datetime) -> int:
        count: int = await self._database.write(
            lambda connection: LIFECYCLE.rescue.value(connection, now=to_micros(now))
        )
        return count

    async def queued(self, *, after: int = 0, limit: int = 1000) -> list[Turn]:
        found = await self._database.read(
            lambda connection: GENERATION.queued.rows(connection, after=after, limit=limit)
        )
        return [
            Turn(id=row[0], number=row[1], lane=row[2], account_id=row[3], priority=row[4], run_limit=row[5])
            for row in found
        ]

    async def get(self, reference: Reference) -> Generation:
        found = await self._gets.ask(reference)
        if found is None:
            raise NotFound(f"generation {reference}")
        return found

    async def _get_all(self, asked: list[Reference], is_again: bool) -> list[Generation | None]:
        ids = [reference for reference in asked if isinstance(reference, str)]
        numbers = [reference for reference in asked if isinstance(reference, int)]
        async with self._database.connection() as connection:
            found = await GENERATION.some.rows(connection, ids=ids, numbers=numbers)
        known: dict[Reference, Generation] = {}
        for row in found:
            generation = rows.generation(row)
            known[generation.id] = known[generation.number] = generation
        return [known.get(reference) for reference in asked]

    def peek(self, generation_id: str) -> Generation | None:
        """Nothing is remembered: another process may have changed it since."""
        return None

    def forget(self) -> None:
        return None

    async def _hold_fast(self, connection: Connection, generation_id: str) -> Generation:
        row = await GENERATION.held_fast.row(connection, id=generation_id)
        if row is None:
            raise NotFound(f"generation {generation_id}")
        return rows.generation(row)

    async def list_generations(self, account_id: str, wanted: List, *, now: datetime) -> Page[Generation]:
        query, count, arguments = generations_query(account_id, wanted, now=now)

        async def question(connection: Connection) -> Page[Generation]:
            total = None if count is None else await queries.query(count).value(connection, **arguments)
            return generations_page(wanted, await queries.query(query).rows(connection, **arguments), total)

        return await self._database.read(question)

    async def mark(self, generation_id: str, *, toggle_favorite: bool, rating: int | None) -> Generation:
        arguments = {"id": generation_id, "toggle": toggle_favorite, "rating": rating}
        row = await self._database.write(lambda connection: GENERATION.mark.row(connection, **arguments))
        if row is None:
            raise NotFound("what was to be changed")
        return rows.generation(row)

    async def remove(self, generation_id: str, *, now: datetime) -> Generation | None:
        arguments = {"id": generation_id, "now": to_micros(now)}
        row = await self._database.write(lambda connection: GENERATION.hide.row(connection, **arguments))
        return None if row is None else rows.generation(row)

    async def expired(self, *, now: datetime, after: Generation | None = None) -> list[Generation]:
        passed = (-1, -1) if after is None or after.expires_at is None else (to_micros(after.expires_at), after.number)
        arguments = {"now": to_micros(now), "after_at": passed[0], "after": passed[1]}
        found = await self._database.read(lambda connection: GENERATION.expired.rows(connection, **arguments))
        return [rows.generation(row) for row in found]

    async def warn(self, *, now: datetime) -> int:
        count: int = await self._database.write(lambda connection: LIFECYCLE.warn.value(connection, now=to_micros(now)))
        return count

    async def forget_assets(self, generation_ids: Sequence[str]) -> None:
        async def verb(connection: Connection) -> None:
            for generation_id in generation_ids:
                await GENERATION.forget_assets.run(connection, id=generation_id)
            await self._let_go(connection, generation_ids)

        await self._database.write(verb)


def _given(new: NewGeneration) -> dict[str, object]:
    """A submit as `submit` takes it: the row's columns, and what is looked at before."""
    given = rows.columns(new)
    if new.fingerprint is not None:
        given["fingerprint"] = rf"\x{new.fingerprint.hex()}"
    if new.in_flight_limit is not None:
        given["in_flight_limit"] = new.in_flight_limit
    if new.idempotency_key is not None:
        given["idempotency_key"] = new.idempotency_key
        given["keys_since"] = to_micros(new.created_at - KEYS_LIVE)
    return given


def _changed(row: rows.Row | None) -> Generation | None:
    """A generation with the number of the event that told its change; None where the answer is empty."""
    if row is None or row[1] is None:
        return None
    return replace(rows.generation(row[1:]), event=row[0])
