"""Who may come in, and with which key: accounts, their keys, and what they have."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches

from darkroom.account import Account, Key, KeyForm, Month, Plan, Principal, Statement, hash_key, is_same_hash
from darkroom.clock import Clock
from darkroom.errors import InvalidInput, NotFound, PlanTooLow, RevokedKey, UnknownKey
from darkroom.ledger import Kind
from darkroom.ports import Store
from darkroom.verbs import KeyReference, ListKeys, MakeKey, NewKey, RenameAccount, RenameKey, RevokeKey, ShowAccount

MOST_PRINCIPALS = 10_000


class Access:
    def __init__(
        self, *, store: Store, plans: Mapping[str, Plan], clock: Clock, key_forms: Mapping[str, KeyForm]
    ) -> None:
        self._store = store
        self._plans = plans
        self._clock = clock
        self._key_forms = key_forms
        self._principals: dict[bytes, Principal] = {}

    async def authenticate(self, secret: str) -> Principal:
        """Raises `UnknownKey`, `RevokedKey`, `PlanTooLow`."""
        hash = hash_key(secret)
        principal = self._principals.get(hash)
        if principal is None:
            found = await self._store.find_key(hash)
            if found is None or not is_same_hash(found[1].hash, hash):
                raise UnknownKey
            account, key = found
            principal = self._principal(account, key)
            if len(self._principals) > MOST_PRINCIPALS:
                self._principals.clear()
            self._principals[hash] = principal
        if principal.key.revoked_at is not None:
            raise RevokedKey
        if not principal.plan.api_access:
            raise PlanTooLow(plan=principal.plan.name, needs="a plan with access to the API")
        return principal

    def _principal(self, account: Account, key: Key) -> Principal:
        # A plan that was taken out of the file allows nothing, rather than everything.
        plan = self._plans.get(account.plan, self._plans["blocked"])
        return Principal(account=account, key=key, plan=plan)

    def forget_keys(self) -> None:
        """Keys or accounts were changed: look each up again."""
        self._principals.clear()

    def is_current(self, principal: Principal) -> bool:
        """Whether a caller that came in before may come in again unasked; no where that is not known."""
        return self._principals.get(principal.key.hash) is principal

    async def show_account(self, principal: Principal, wanted: ShowAccount | None = None) -> Statement:
        account = principal.account
        balances, in_flight = await asyncio.gather(self._store.balances(account.id), self._store.in_flight(account.id))
        month = await self._month(account) if wanted is not None and wanted.with_month else None
        return Statement(account=account, plan=principal.plan, balances=balances, in_flight=in_flight, month=month)

    async def _month(self, account: Account) -> Month:
        starts_at = self._clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        moved = await self._store.turnover(account.id, since=starts_at)
        return Month(
            granted=moved.get(Kind.GRANT, 0),
            spent=moved.get(Kind.CAPTURE, 0),
            ends_at=(starts_at + timedelta(days=32)).replace(day=1),
        )

    async def rename_account(self, principal: Principal, wanted: RenameAccount) -> Statement:
        account = await self._store.rename_account(principal.account.id, wanted.name)
        self.forget_keys()
        return await self.show_account(self._principal(account, principal.key))

    async def make_key(self, principal: Principal, wanted: MakeKey) -> NewKey:
        """Another key of the caller's own account and dialect."""
        return await self.create_key(principal.account, name=wanted.name, dialect=principal.key.dialect)

    async def create_key(self, account: Account, *, name: str, dialect: str, form: KeyForm | None = None) -> NewKey:
        """Raises `InvalidInput` for a dialect that is not served."""
        if dialect not in self._key_forms:
            near = " or ".join(get_close_matches(dialect, self._key_forms)) or ", ".join(self._key_forms)
            raise InvalidInput.of("dialect", f"there is no dialect '{dialect}'; use {near}")
        form = form or self._key_forms[dialect]
        secret = form.make()
        key = await self._store.create_key(
            account.id, name=name, hint=form.hint(secret), dialect=dialect, hash=hash_key(secret), now=self._clock.now()
        )
        return NewKey(key, secret)

    async def list_keys(self, principal: Principal, wanted: ListKeys) -> tuple[Key, ...]:
        return await self._store.keys(principal.account.id)

    async def rename_key(self, principal: Principal, wanted: RenameKey) -> Key:
        number = await self._key_number(principal, wanted.key)
        key = await self._store.rename_key(principal.account.id, number, wanted.name)
        self.forget_keys()
        return key

    async def revoke_key(self, principal: Principal, wanted: RevokeKey) -> Key:
        number = await self._key_number(principal, wanted.key)
        key = await self._store.revoke_key(principal.account.id, number, now=self._clock.now())
        self.forget_keys()
        return key

    async def _key_number(self, principal: Principal, reference: KeyReference) -> int:
        if isinstance(reference, int):
            return reference
        for key in reversed(await self._store.keys(principal.account.id)):
            if key.hint == reference and key.revoked_at is None:
                return key.number
        raise NotFound(f"key {reference[:64]}")
