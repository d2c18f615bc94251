"""The store's verbs on PostgreSQL: accounts, keys and the ledger."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import asyncpg

from darkroom import ledger
from darkroom.account import Account, Key
from darkroom.clock import to_micros
from darkroom.credits import Credits
from darkroom.errors import InvalidInput, NotFound
from darkroom.ids import new_id
from darkroom.ledger import Balance, Entry, Kind, Purse
from darkroom.ports import Audit
from darkroom.store import rows
from darkroom.store.auditing import audit
from darkroom.store.listing import entries_page, entries_query
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection, Query
from darkroom.verbs import ListEntries, Page

ACCOUNT = queries.load("account")
LEDGER = queries.load("ledger")
GENERATION = queries.load("generation")
LIFECYCLE = queries.load("lifecycle")
NOTE = queries.load("note")

PAGE = 5_000


class Books:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = new_id()

    @property
    def writer(self) -> str:
        """What this process's events and attempts are written under."""
        return self._writer

    async def create_account(self, name: str, *, plan: str, now: datetime) -> Account:
        return await self._name_account(ACCOUNT.insert, id=new_id(), name=name, plan=plan, now=to_micros(now))

    async def find_account(self, name: str) -> Account:
        row = await self._database.read(lambda connection: ACCOUNT.by_name.row(connection, name=name))
        return rows.account(_there(row, f"account '{name}'"))

    async def accounts(self) -> list[Account]:
        return [rows.account(row) for row in await self._database.read(ACCOUNT.every.rows)]

    async def rename_account(self, account_id: str, name: str) -> Account:
        return await self._name_account(ACCOUNT.rename, id=account_id, name=name)

    async def _name_account(self, query: Query, **arguments: Any) -> Account:
        try:
            return await self._change_account(query, **arguments)
        except asyncpg.UniqueViolationError:
            raise InvalidInput.of("name", f"there is an account '{arguments['name']}' already") from None

    async def set_plan(self, account_id: str, plan: str) -> Account:
        return await self._change_account(ACCOUNT.set_plan, id=account_id, plan=plan)

    async def _change_account(self, query: Query, **arguments: Any) -> Account:
        return rows.account(_there(await self._change(query, arguments), "it"))

    async def _change(self, query: Query, arguments: dict[str, Any]) -> rows.Row | None:
        async def verb(connection: Connection) -> rows.Row | None:
            row = await query.row(connection, **arguments)
            # With the commit: every process remembers keys, and whose key was revoked must not wait for a note.
            await NOTE.accounts.run(connection)
            return row

        return await self._database.write(verb)

    async def create_key(
        self, account_id: str, *, name: str, hint: str, dialect: str, hash: bytes, now: datetime
    ) -> Key:
        arguments = {"account_id": account_id, "name": name, "hint": hint, "dialect": dialect, "hash": hash}
        return await self._change_key(ACCOUNT.insert_key, **arguments, now=to_micros(now))

    async def find_key(self, hash: bytes) -> tuple[Account, Key] | None:
        row = await self._database.read(lambda connection: ACCOUNT.principal.row(connection, hash=hash))
        return None if row is None else (rows.account(row), rows.key(row[5:]))

    async def keys(self, account_id: str) -> tuple[Key, ...]:
        found = await self._database.read(lambda connection: ACCOUNT.keys.rows(connection, account_id=account_id))
        return tuple(rows.key(row) for row in found)

    async def rename_key(self, account_id: str, number: int, name: str) -> Key:
        return await self._change_key(ACCOUNT.rename_key, account_id=account_id, number=number, name=name)

    async def revoke_key(self, account_id: str, number: int, *, now: datetime) -> Key:
        return await self._change_key(ACCOUNT.revoke_key, account_id=account_id, number=number, now=to_micros(now))

    async def _change_key(self, query: Query, **arguments: Any) -> Key:
        return rows.key(_there(await self._change(query, arguments), f"key {arguments.get('number')}"))

    async def grant(self, account_id: str, amount: Credits, *, purse: Purse, note: str, now: datetime) -> Entry:
        async def verb(connection: Connection) -> Entry:
            await LIFECYCLE.lock.run(connection, account_ids=[account_id])
            await LEDGER.open.run(connection, account_id=account_id, purse=purse)
            arguments = {
                "account_id": account_id,
                "purse": purse,
                "amount": amount,
                "now": to_micros(now),
                "note": note,
            }
            sequence = await LEDGER.grant.value(connection, **arguments)
            return rows.entry(_there(await LEDGER.by_sequence.row(connection, sequence=sequence), "it"))

        return await self._database.write(verb)

    async def balances(self, account_id: str) -> Mapping[Purse, Balance]:
        found = await self._database.read(lambda connection: LEDGER.balances.rows(connection, account_id=account_id))
        return {Purse(purse): rows.balance(*buckets) for purse, *buckets in found}

    async def turnover(self, account_id: str, *, since: datetime) -> Mapping[Kind, Credits]:
        arguments = {"account_id": account_id, "since": to_micros(since)}
        found = await self._database.read(lambda connection: LEDGER.turnover.rows(connection, **arguments))
        return {Kind(kind): Credits(amount) for kind, amount in found}

    async def in_flight(self, account_id: str) -> int:
        count: int = await self._database.read(
            lambda connection: GENERATION.count_in_flight.value(connection, account_id=account_id)
        )
        return count

    async def list_entries(self, account_id: str, wanted: ListEntries) -> Page[Entry]:
        query, arguments = entries_query(LEDGER.some_entries.text, account_id, wanted)
        found = await self._database.read(lambda connection: queries.query(query).rows(connection, **arguments))
        return entries_page(wanted, found)

    async def audit(self) -> Audit:
        return await self._database.look(audited)


async def audited(connection: Connection) -> Audit:
    expected = ledger.Replay()
    async for entry in _every_entry(connection):
        expected.post(entry)
    balances = await LEDGER.every_balance.rows(connection)
    unsettled = await LEDGER.unsettled_books.rows(connection)
    (counts,) = await LEDGER.counts.rows(connection)
    return audit(expected.balances, balances, unsettled, counts)


async def _every_entry(connection: Connection) -> AsyncIterator[Entry]:
    """A page at a time: the books may be larger than the memory."""
    after = 0
    while True:
        found = await LEDGER.entries_after.rows(connection, after=after, limit=PAGE)
        for row in found:
            yield rows.entry(row)
        if len(found) < PAGE:
            return
        after = found[-1][0]


def _there(row: rows.Row | None, missing: str) -> rows.Row:
    if row is None:
        raise NotFound(missing)
    return row
