"""The store's verb on SQLite that accepts generations: all submits that wait, in one transaction.

Each is decided by itself, as it leaves less for the next one of its account; what is accepted is written in a few
statements for all of them.
"""

from collections import Counter

import apsw

from darkroom import ledger
from darkroom.clock import to_micros
from darkroom.credits import Credits
from darkroom.errors import IdempotencyConflict, Rejected, TooManyInFlight
from darkroom.generation import Generation
from darkroom.ledger import Entry, Purse
from darkroom.ports import KEYS_LIVE, NewGeneration
from darkroom.store import queries, rows
from darkroom.store.books import Books, available
from darkroom.store.endpoints import Endpoints
from darkroom.store.keyed import Keyed, find
from darkroom.store.recent import Recent

GENERATION = queries.load("generation")
IDEMPOTENCY = queries.load("idempotency")


class Submits(Books, Endpoints, Keyed):
    _recent: Recent

    async def submit(self, new: NewGeneration) -> Generation:
        return self._recent.keep(await self._database.write_together(self._submit_all, new))

    def _submit_all(self, connection: apsw.Connection, asked: list[NewGeneration]) -> list[Generation | Exception]:
        # Read and hold under one lock, or two submits hold the same credits.
        judge = Judge(connection)
        decisions = [_decided(judge, new) for new in asked]
        stored = self._store_all(connection, judge.accepted, judge.held)
        return [stored[each] if isinstance(each, str) else each for each in decisions]

    def _store_all(
        self, connection: apsw.Connection, accepted: list[NewGeneration], held: list[list[Entry]]
    ) -> dict[str, Generation]:
        if not accepted:
            return {}
        told = [{entry.purse.value: entry.amount for entry in entries} for entries in held]
        values = [(*rows.columns(new).values(), rows.to_json(holds)) for new, holds in zip(accepted, told, strict=True)]
        queries.insert(connection, GENERATION.insert, values)
        number = connection.last_insert_rowid() - len(accepted) + 1
        at = [to_micros(new.created_at) for new in accepted]
        self._append_all(
            connection, [(when, entry) for when, entries in zip(at, held, strict=True) for entry in entries]
        )
        keyed = [
            (new.account_id, new.idempotency_key, new.fingerprint, new.id, when)
            for new, when in zip(accepted, at, strict=True)
            if new.idempotency_key is not None
        ]
        queries.insert(connection, IDEMPOTENCY.keep, keyed)
        event = self._announce_new(connection, accepted)
        return {
            new.id: rows.accepted(new, number + place, holds, event=event + place)
            for place, (new, holds) in enumerate(zip(accepted, told, strict=True))
        }


class Judge:
    """Decides on the submits of one transaction, before any of them is written."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.accepted: list[NewGeneration] = []
        self.held: list[list[Entry]] = []
        self._connection = connection
        self._keys: dict[tuple[str, str], NewGeneration] = {}
        self._available: dict[str, dict[Purse, Credits]] = {}
        self._in_flight: dict[str, int] = {}
        self._accepted_of: Counter[str] = Counter()

    def decide(self, new: NewGeneration) -> Generation | str:
        """What the same request has led to, or the id of what is accepted; raises `Rejected`."""
        if new.idempotency_key is not None:
            earlier = self._before(new, new.idempotency_key)
            if earlier is not None:
                return earlier
        account_id = new.account_id
        if new.in_flight_limit is not None and self._count(account_id) >= new.in_flight_limit:
            raise TooManyInFlight(limit=new.in_flight_limit, plan=new.plan)
        left = self._available.get(account_id)
        if left is None:
            left = self._available[account_id] = available(self._connection, account_id)
        held = ledger.hold(account_id, new.id, quote=new.quote, available=left)
        for entry in held:
            left[entry.purse] = Credits(left[entry.purse] - entry.amount)
        self._accepted_of[account_id] += 1
        self.accepted.append(new)
        self.held.append(held)
        if new.idempotency_key is not None:
            self._keys[account_id, new.idempotency_key] = new
        return new.id

    def _before(self, new: NewGeneration, key: str) -> Generation | str | None:
        assert new.fingerprint is not None
        earlier = self._keys.get((new.account_id, key))
        if earlier is None:
            since = new.created_at - KEYS_LIVE
            return find(self._connection, new.account_id, key, new.fingerprint, since)
        if earlier.fingerprint != new.fingerprint:
            raise IdempotencyConflict
        return earlier.id

    def _count(self, account_id: str) -> int:
        if account_id not in self._in_flight:
            counted: int = self._connection.execute(GENERATION.count_in_flight, {"account_id": account_id}).get
            self._in_flight[account_id] = counted
        return self._in_flight[account_id] + self._accepted_of[account_id]


def _decided(judge: Judge, new: NewGeneration) -> Generation | str | Rejected:
    try:
        return judge.decide(new)
    except Rejected as error:
        return error
