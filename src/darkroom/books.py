"""The store's verbs about accounts, their keys and their credits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from darkroom.account import Account, Key
from darkroom.credits import Credits
from darkroom.ledger import Balance, Entry, Kind, Purse
from darkroom.records import Audit, CostLine
from darkroom.verbs import ListEntries, Page


class Books(Protocol):
    """Each verb is one transaction."""

    async def create_account(self, name: str, *, plan: str, now: datetime) -> Account: ...

    async def find_account(self, name: str) -> Account:
        """By name or id; raises `NotFound`."""
        ...

    async def accounts(self) -> list[Account]: ...

    async def rename_account(self, account_id: str, name: str) -> Account: ...

    async def set_plan(self, account_id: str, plan: str) -> Account: ...

    async def create_key(
        self, account_id: str, *, name: str, hint: str, dialect: str, hash: bytes, now: datetime
    ) -> Key: ...

    async def find_key(self, hash: bytes) -> tuple[Account, Key] | None: ...

    async def keys(self, account_id: str) -> tuple[Key, ...]: ...

    async def rename_key(self, account_id: str, number: int, name: str) -> Key: ...

    async def revoke_key(self, account_id: str, number: int, *, now: datetime) -> Key: ...

    async def grant(self, account_id: str, amount: Credits, *, purse: Purse, note: str, now: datetime) -> Entry: ...

    async def balances(self, account_id: str) -> Mapping[Purse, Balance]: ...

    async def turnover(self, account_id: str, *, since: datetime) -> Mapping[Kind, Credits]:
        """What has moved in an account since an instant, by kind of entry; a kind that has not is not there."""
        ...

    async def in_flight(self, account_id: str) -> int: ...

    async def list_entries(self, account_id: str, wanted: ListEntries) -> Page[Entry]: ...

    async def audit(self) -> Audit: ...

    async def costs(self, by: str, *, since: datetime) -> list[CostLine]:
        """`by` is model, provider or account (its id)."""
        ...

    async def billed(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        """Millionths of a US dollar that upstreams billed, by provider and credential."""
        ...
