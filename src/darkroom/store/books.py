"""The store's verbs on SQLite: accounts, keys and the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import apsw

from darkroom import ledger
from darkroom.account import Account, Key
from darkroom.clock import to_micros
from darkroom.credits import Credits
from darkroom.errors import InvalidInput, NotFound
from darkroom.ids import new_id
from darkroom.ledger import FLOWS, Balance, Bucket, Entry, Kind, Purse
from darkroom.ports import Audit
from darkroom.store import queries, rows
from darkroom.store.auditing import audit
from darkroom.store.database import Database
from darkroom.store.listing import entries_page, entries_query
from darkroom.verbs import ListEntries, Page

ACCOUNT = queries.load("account")
LEDGER = queries.load("ledger")
GENERATION = queries.load("generation")

PURSES = {purse.value: purse for purse in Purse}
UNMOVED = {str(bucket): 0 for bucket in Bucket}


class Books:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_account(self, name: str, *, plan: str, now: datetime) -> Account:
        arguments = {"id": new_id(), "name": name, "plan": plan, "now": to_micros(now)}

        def verb(connection: apsw.Connection) -> Account:
            try:
                return rows.account(_row(connection, ACCOUNT.insert, arguments))
            except apsw.ConstraintError:
                raise InvalidInput.of("name", f"there is an account '{name}' already") from None

        return await self._database.write(verb)

    async def find_account(self, name: str) -> Account:
        def question(connection: apsw.Connection) -> Account:
            return rows.account(_row(connection, ACCOUNT.by_name, {"name": name}, missing=f"account '{name}'"))

        return await self._database.read(question)

    async def accounts(self) -> list[Account]:
        return await self._database.read(
            lambda connection: [rows.account(row) for row in connection.execute(ACCOUNT.every)]
        )

    async def rename_account(self, account_id: str, name: str) -> Account:
        def verb(connection: apsw.Connection) -> Account:
            try:
                return rows.account(_row(connection, ACCOUNT.rename, {"id": account_id, "name": name}))
            except apsw.ConstraintError:
                raise InvalidInput.of("name", f"there is an account '{name}' already") from None

        return await self._database.write(verb)

    async def set_plan(self, account_id: str, plan: str) -> Account:
        return await self._database.write(
            lambda connection: rows.account(_row(connection, ACCOUNT.set_plan, {"id": account_id, "plan": plan}))
        )

    async def create_key(
        self, account_id: str, *, name: str, hint: str, dialect: str, hash: bytes, now: datetime
    ) -> Key:
        arguments = {
            "account_id": account_id,
            "name": name,
            "hint": hint,
            "dialect": dialect,
            "hash": hash,
            "now": to_micros(now),
        }
        return await self._database.write(lambda connection: rows.key(_row(connection, ACCOUNT.insert_key, arguments)))

    async def find_key(self, hash: bytes) -> tuple[Account, Key] | None:
        def question(connection: apsw.Connection) -> tuple[Account, Key] | None:
            found = connection.execute(ACCOUNT.key_by_hash, {"hash": hash}).fetchone()
            if found is None:
                return None
            key = rows.key(found)
            return rows.account(_row(connection, ACCOUNT.by_id, {"id": key.account_id})), key

        return self._database.glance(question)

    async def keys(self, account_id: str) -> tuple[Key, ...]:
        return await self._database.read(
            lambda connection: tuple(
                rows.key(row) for row in connection.execute(ACCOUNT.keys, {"account_id": account_id})
            )
        )

    async def rename_key(self, account_id: str, number: int, name: str) -> Key:
        arguments = {"account_id": account_id, "number": number, "name": name}
        return await self._change_key(ACCOUNT.rename_key, arguments)

    async def revoke_key(self, account_id: str, number: int, *, now: datetime) -> Key:
        arguments = {"account_id": account_id, "number": number, "now": to_micros(now)}
        return await self._change_key(ACCOUNT.revoke_key, arguments)

    async def _change_key(self, query: str, arguments: dict[str, Any]) -> Key:
        missing = f"key {arguments['number']}"
        return await self._database.write(
            lambda connection: rows.key(_row(connection, query, arguments, missing=missing))
        )

    async def grant(self, account_id: str, amount: Credits, *, purse: Purse, note: str, now: datetime) -> Entry:
        entry = Entry(account_id=account_id, kind=Kind.GRANT, purse=purse, amount=amount, note=note)

        def verb(connection: apsw.Connection) -> Entry:
            connection.execute(LEDGER.open, {"account_id": account_id, "purse": purse})
            self._append(connection, [entry], at=now)
            return rows.entry(_row(connection, LEDGER.by_sequence, {"sequence": connection.last_insert_rowid()}))

        return await self._database.write(verb)

    async def balances(self, account_id: str) -> Mapping[Purse, Balance]:
        return await self._database.read(lambda connection: self._balances(connection, account_id))

    async def turnover(self, account_id: str, *, since: datetime) -> Mapping[Kind, Credits]:
        arguments = {"account_id": account_id, "since": to_micros(since)}

        def question(connection: apsw.Connection) -> dict[Kind, Credits]:
            return {Kind(kind): Credits(amount) for kind, amount in connection.execute(LEDGER.turnover, arguments)}

        return await self._database.read(question)

    async def in_flight(self, account_id: str) -> int:
        def question(connection: apsw.Connection) -> int:
            count: int = connection.execute(GENERATION.count_in_flight, {"account_id": account_id}).get
            return count

        return await self._database.read(question)

    async def list_entries(self, account_id: str, wanted: ListEntries) -> Page[Entry]:
        return await self._database.read(lambda connection: _list_entries(connection, account_id, wanted))

    async def audit(self) -> Audit:
        return await self._database.read(audited)

    def _balances(self, connection: apsw.Connection, account_id: str) -> dict[Purse, Balance]:
        found = connection.execute(LEDGER.balances, {"account_id": account_id})
        return {Purse(purse): rows.balance(*buckets) for purse, *buckets in found}

    def _holds(self, connection: apsw.Connection, generation_id: str) -> list[Entry]:
        found = connection.execute(LEDGER.holds, {"generation_id": generation_id})
        return [rows.entry(row) for row in found]

    def _append(self, connection: apsw.Connection, entries: Sequence[Entry], *, at: datetime) -> None:
        """Move what entries move, and write them; a CHECK refuses what would overdraw a bucket."""
        now = to_micros(at)
        self._append_all(connection, [(now, entry) for entry in entries])

    def _append_all(self, connection: apsw.Connection, entries: Sequence[tuple[int, Entry]]) -> None:
        """As `_append`, each with its instant; a balance is written once for all that move it."""
        moves: dict[tuple[str, Purse], dict[str, Any]] = {}
        values = []
        for at, entry in entries:
            move = moves.get((entry.account_id, entry.purse))
            if move is None:
                move = {**UNMOVED, "account_id": entry.account_id, "purse": entry.purse}
                moves[entry.account_id, entry.purse] = move
            source, target = FLOWS[entry.kind]
            move[source] -= entry.amount
            move[target] += entry.amount
            values.append(
                (at, entry.account_id, entry.generation_id, entry.kind, entry.purse, entry.amount, entry.note)
            )
        for move in moves.values():
            connection.execute(LEDGER.move, move)
        queries.insert(connection, LEDGER.append, values)


def available(connection: apsw.Connection, account_id: str) -> dict[Purse, Credits]:
    """What is left in each purse of an account."""
    found = connection.execute(LEDGER.balances, {"account_id": account_id})
    return {PURSES[purse]: Credits(left) for purse, _, left, _, _ in found}


def _row(connection: apsw.Connection, query: str, arguments: dict[str, Any], *, missing: str = "it") -> rows.Row:
    row: rows.Row | None = connection.execute(query, arguments).fetchone()
    if row is None:
        raise NotFound(missing)
    return row


def _list_entries(connection: apsw.Connection, account_id: str, wanted: ListEntries) -> Page[Entry]:
    query, arguments = entries_query(LEDGER.some_entries, account_id, wanted)
    return entries_page(wanted, connection.execute(query, arguments).fetchall())


def audited(connection: apsw.Connection) -> Audit:
    # One transaction, or a settlement in between would look like a difference.
    with connection:
        expected = ledger.replay(rows.entry(row) for row in connection.execute(LEDGER.every_entry))
        balances = connection.execute(LEDGER.every_balance).fetchall()
        unsettled = connection.execute(LEDGER.unsettled_books).fetchall()
        counts: rows.Row = connection.execute(LEDGER.counts).fetchall()[0]
    return audit(expected, balances, unsettled, counts)
