"""What a caller can do: one method for each verb. It decides; it knows no wire format and no database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

import msgspec

from darkroom.account import Account, Key, KeyForm, Month, Plan, Principal, Statement, hash_key, is_same_hash
from darkroom.catalogue import Catalogue, Model
from darkroom.clock import Clock
from darkroom.credits import Credits
from darkroom.errors import (
    InvalidInput,
    ModelNotAllowed,
    ModelUnavailable,
    NotFound,
    NotYours,
    PlanTooLow,
    Rejected,
    RevokedKey,
    Unauthenticated,
    Unavailable,
    UnknownKey,
    UnknownModel,
)
from darkroom.generation import Generation, Status
from darkroom.guarded import GuardedClient, Refused
from darkroom.ids import is_id, new_id
from darkroom.intake import Admission, Intake
from darkroom.ledger import Entry, Kind
from darkroom.notify import Bell
from darkroom.ports import Desk, NewGeneration, Queue, Store
from darkroom.verbs import (
    Answer,
    Cancel,
    Fetch,
    FetchMany,
    KeyReference,
    List,
    ListEntries,
    ListKeys,
    MakeKey,
    Mark,
    NewKey,
    Page,
    Price,
    Quotation,
    Reference,
    Remove,
    RenameAccount,
    RenameKey,
    RevokeKey,
    ShowAccount,
    ShowModel,
    ShowModels,
    Submit,
    Tell,
    Verb,
    Watch,
)

OPEN = (ShowModels, ShowModel, Price, Tell)
"""Verbs that are about nobody's account."""

LARGEST_INPUTS_BYTES = 64 * 1024
"""A generation that is asked for is kept in memory: its words must not fill that. Media are assets, not counted."""

BREATH_S = 15.0
"""How long a stream may be silent before it says that it still lives."""


class Service:
    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        plans: Mapping[str, Plan],
        queue: Queue,
        desk: Desk,
        bell: Bell,
        intake: Intake,
        client: GuardedClient,
        clock: Clock,
        key_forms: Mapping[str, KeyForm],
        providers: Collection[str],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._plans = plans
        self._queue = queue
        self._desk = desk
        self._bell = bell
        self._intake = intake
        self._client = client
        self._clock = clock
        self._key_forms = key_forms
        self._providers = providers
        self._principals: dict[bytes, Principal] = {}
        self.is_closing = False
        self._verbs: Mapping[type, Callable[[Any, Any], Awaitable[Answer | Statement]]] = {
            Submit: self.submit,
            Fetch: self.fetch,
            FetchMany: self.fetch_many,
            Watch: self.fetch,
            Cancel: self.cancel,
            List: self.list_generations,
            Mark: self.mark,
            Remove: self.remove,
            Price: self.price,
            ShowModels: self.show_models,
            ShowModel: self.show_model,
            ShowAccount: self.show_account,
            RenameAccount: self.rename_account,
            ListEntries: self.list_entries,
            MakeKey: self.make_key,
            ListKeys: self.list_keys,
            RenameKey: self.rename_key,
            RevokeKey: self.revoke_key,
            Tell: self.tell,
        }

    async def perform(self, principal: Principal | None, verb: Verb) -> Answer | Statement:
        """Answer any verb; raises `Rejected`. Without a principal only what is open to all."""
        if principal is None and not isinstance(verb, OPEN):
            raise Unauthenticated
        return await self._verbs[type(verb)](principal, verb)

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
            if len(self._principals) > 10_000:
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

    def close(self) -> None:
        self.is_closing = True

    async def submit(self, principal: Principal, wanted: Submit) -> Generation:
        if self.is_closing:
            raise Unavailable
        model = self._catalogue.find(wanted.model, dialect=wanted.catalogue or None)
        if wanted.modality not in ("", model.modality):
            raise UnknownModel(wanted.model)
        if not wanted.may_wait:
            return await self._accept(principal, wanted, model)
        # A caller that hangs up has submitted all the same: only its wait ends.
        generation = await asyncio.shield(self._accept(principal, wanted, model))
        wait_s = wanted.at_once_s if model.answers_at_once and wanted.at_once_s > 0 else wanted.wait_s
        if wait_s > 0:
            return await self._reach(generation, Fetch(id=generation.id, until=Status.COMPLETED, wait_s=wait_s))
        return generation

    async def _accept(self, principal: Principal, wanted: Submit, model: Model) -> Generation:
        """Stored, told and queued."""
        try:
            generation = await self._take(principal, wanted, model)
        except Rejected as error:
            error.modality = model.modality
            raise
        self._desk.changed(generation)
        self._queue.enqueue(generation.id, lane=generation.provider)
        return generation

    async def _take(self, principal: Principal, wanted: Submit, model: Model) -> Generation:
        self._check_plan(principal.plan, model)
        if wanted.callback_url is not None:
            self._check_callback(wanted.callback_url)
        admission = Admission(new_id())
        given = model.read_form(wanted.inputs) if wanted.is_form else wanted.inputs
        given = model.without_strangers(given, wanted.may_drop)
        inputs = model.accept(self._intake.plant(given, admission))
        inputs = await self._intake.admit(principal.account.id, model, inputs, admission)
        if len(msgspec.json.encode((inputs, wanted.wire))) > LARGEST_INPUTS_BYTES:
            raise InvalidInput.of("", f"the inputs are larger than {LARGEST_INPUTS_BYTES} bytes without their media")
        new = NewGeneration(
            id=admission.generation_id,
            account_id=principal.account.id,
            dialect=wanted.dialect or principal.key.dialect,
            model=model.slug,
            modality=model.modality,
            task=model.task_of(inputs),
            provider=self._provider_of(model),
            inputs=inputs,
            wire=wanted.wire,
            quote=model.quote(inputs),
            created_at=self._clock.now(),
            callback_url=wanted.callback_url,
            in_flight_limit=principal.plan.in_flight,
            retention_days=principal.plan.retention_days,
            plan=principal.plan.name,
        )
        return await self._place(new, admission)

    def _provider_of(self, model: Model) -> str:
        for route in model.routes:
            if route.provider in self._providers:
                return route.provider
        raise ModelUnavailable(model.slug, "no provider of this server runs it")

    async def _place(self, new: NewGeneration, admission: Admission) -> Generation:
        if not admission.blobs:
            return await self._store.submit(new)
        try:
            await self._intake.store(admission)
            return await self._store.submit(new)
        except Exception:
            await self._intake.withdraw(admission)
            raise

    def _check_plan(self, plan: Plan, model: Model) -> None:
        if not plan.allows(model.slug):
            raise ModelNotAllowed(model.slug, plan=plan.name)
        needs = self._plans.get(model.plan)
        if needs is not None and plan.level < needs.level:
            raise PlanTooLow(plan=plan.name, needs=f"plan '{needs.name}'")

    def _check_callback(self, url: str) -> None:
        try:
            self._client.check(url)
        except Refused as error:
            raise InvalidInput.of("callback_url", str(error)) from None

    async def fetch(self, principal: Principal, wanted: Fetch | Watch) -> Generation:
        generation = await self._own(principal, wanted.id)
        if isinstance(wanted, Watch) or wanted.wait_s <= 0:
            return self._bell.with_progress(generation)
        return await self._reach(generation, wanted)

    async def _reach(self, generation: Generation, wanted: Fetch) -> Generation:
        reached = await self._bell.reach(
            generation.id, wanted.until, limit_s=wanted.wait_s, read=lambda: self._store.get(generation.id)
        )
        return self._bell.with_progress(reached)

    async def fetch_many(self, principal: Principal, wanted: FetchMany) -> tuple[Generation, ...]:
        """In the order asked for; one that is not there refuses the whole."""
        # Found first, then waited for: a refusal must leave nobody waiting.
        found = [await self._own(principal, id) for id in wanted.ids]
        if wanted.wait_s <= 0:
            return tuple(self._bell.with_progress(generation) for generation in found)
        fetches = [Fetch(id=id, until=wanted.until, wait_s=wanted.wait_s) for id in wanted.ids]
        return tuple(await asyncio.gather(*map(self._reach, found, fetches)))

    async def watch(self, generation: Generation) -> AsyncIterator[Generation | None]:
        """Each change of a generation that its caller was given; None now and then while nothing changes."""
        async for change in self._bell.watch(
            generation.id, read=lambda: self._store.get(generation.id), every_s=BREATH_S
        ):
            yield change

    async def _own(self, principal: Principal, reference: Reference) -> Generation:
        if isinstance(reference, str) and not is_id(reference):
            raise NotFound(f"generation {reference[:64]}")
        if isinstance(reference, int) and reference >= 2**63:
            raise NotFound(f"generation {reference}")
        generation = await self._store.get(reference)
        if generation.account_id != principal.account.id:
            raise NotYours(f"generation {reference}")
        is_past = generation.expires_at is not None and generation.expires_at <= self._clock.now()
        if generation.is_hidden or is_past:
            raise NotFound(f"generation {reference}")
        return generation

    async def cancel(self, principal: Principal, wanted: Cancel) -> Generation:
        """One that has ended already stays as it is: canceling twice is no error."""
        generation = await self._own(principal, wanted.id)
        if generation.is_terminal:
            return generation
        canceled = await self._store.cancel(principal.account.id, generation.id, now=self._clock.now())
        self._desk.changed(canceled)
        return canceled

    async def list_generations(self, principal: Principal, wanted: List) -> Page[Generation]:
        if wanted.model is not None and wanted.catalogue:
            # A name that the catalogue no longer has is nobody's slug: it finds nothing.
            with suppress(UnknownModel, ModelUnavailable):
                wanted = replace(wanted, model=self._catalogue.find(wanted.model, dialect=wanted.catalogue).slug)
        return await self._store.list_generations(principal.account.id, wanted, now=self._clock.now())

    async def mark(self, principal: Principal, wanted: Mark) -> Generation:
        generation = await self._own(principal, wanted.id)
        return await self._store.mark(generation.id, toggle_favorite=wanted.toggle_favorite, rating=wanted.rating)

    async def remove(self, principal: Principal, wanted: Remove) -> None:
        generation = await self._own(principal, wanted.id)
        if await self._store.remove(generation.id, now=self._clock.now()) is None:
            raise InvalidInput.of(
                "id", f"generation {wanted.id} is {generation.status}; cancel it before you remove it"
            )

    async def price(self, principal: Principal | None, wanted: Price) -> Quotation:
        model = self._catalogue.find(wanted.model, dialect=wanted.catalogue or None)
        given = model.without_strangers(wanted.inputs, wanted.may_drop)
        inputs = model.draft(given) if wanted.is_draft else model.accept(given)
        return Quotation(model=model, inputs=inputs, amount=Credits(model.quote(inputs) * wanted.count))

    async def show_models(self, principal: Principal | None, wanted: ShowModels) -> tuple[Model, ...]:
        models = self._catalogue.of(wanted.catalogue) if wanted.catalogue else tuple(self._catalogue)
        return tuple(model for model in models if wanted.modality in (None, model.modality))

    async def show_model(self, principal: Principal | None, wanted: ShowModel) -> Model:
        return self._catalogue.find(wanted.model, dialect=wanted.catalogue or None)

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

    async def list_entries(self, principal: Principal, wanted: ListEntries) -> Page[Entry]:
        return await self._store.list_entries(principal.account.id, wanted)

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

    async def tell(self, principal: Principal | None, wanted: Tell) -> None:
        return None
