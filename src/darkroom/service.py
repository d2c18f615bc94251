"""What a caller can do: one method for each verb. It decides; it knows no wire format and no database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from darkroom.access import Access
from darkroom.account import Plan, Principal, Statement
from darkroom.catalogue import Catalogue, Model
from darkroom.clock import Clock
from darkroom.costs import Costs
from darkroom.credits import Credits
from darkroom.endpoints import Endpoints
from darkroom.errors import (
    Gone,
    InvalidInput,
    ModelNotAllowed,
    ModelUnavailable,
    NotFound,
    NotYours,
    PlanTooLow,
    Rejected,
    Unauthenticated,
    Unavailable,
    UnknownModel,
)
from darkroom.generation import Generation, Status
from darkroom.guarded import GuardedClient, Refused
from darkroom.ids import is_id, new_id
from darkroom.intake import Admission, Intake
from darkroom.ledger import Entry
from darkroom.margins import ShowCosts
from darkroom.notify import Bell
from darkroom.ports import Desk, NewGeneration, Queue, Store, Turn
from darkroom.retention import Retention
from darkroom.retries import Retries
from darkroom.routing import Routing
from darkroom.shelf import Shelf, allowance_of
from darkroom.streams import Streams
from darkroom.told import Told
from darkroom.uploads import Uploads
from darkroom.verbs import (
    Answer,
    Cancel,
    DeleteAsset,
    Fetch,
    FetchMany,
    List,
    ListAssets,
    ListEntries,
    ListKeys,
    MakeKey,
    Mark,
    Page,
    Price,
    Quotation,
    Reference,
    Remove,
    RenameAccount,
    RenameKey,
    RevokeKey,
    ShowAccount,
    ShowAsset,
    ShowModel,
    ShowModels,
    StoreAsset,
    Submit,
    Tell,
    Verb,
    Watch,
    WatchAll,
)

OPEN = (ShowModels, ShowModel, Price, Tell)
"""Verbs that are about nobody's account."""

LARGEST_INPUTS_BYTES = 64 * 1024
"""A generation that is asked for is kept in memory: its words must not fill that. Media are assets, not counted."""


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
        streams: Streams,
        access: Access,
        retries: Retries,
        intake: Intake,
        client: GuardedClient,
        shelf: Shelf,
        uploads: Uploads,
        endpoints: Endpoints,
        retention: Retention,
        clock: Clock,
        routing: Routing,
        costs: Costs,
        billed: Collection[str],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._plans = plans
        self._queue = queue
        self._desk = desk
        self._bell = bell
        self._streams = streams
        self.access = access
        self._retries = retries
        self._intake = intake
        self._client = client
        self._retention = retention
        self._clock = clock
        self._routing = routing
        self._billed = billed
        self.is_closing = False
        self._verbs: Mapping[type, Callable[[Any, Any], Awaitable[Answer | Statement]]] = {
            Submit: self.submit,
            Fetch: self.fetch,
            FetchMany: self.fetch_many,
            Watch: self.fetch,
            WatchAll: self.tell,
            Cancel: self.cancel,
            List: self.list_generations,
            Mark: self.mark,
            Remove: self.remove,
            Price: self.price,
            ShowModels: self.show_models,
            ShowModel: self.show_model,
            ShowCosts: costs.show,
            ShowAccount: access.show_account,
            RenameAccount: access.rename_account,
            ListEntries: self.list_entries,
            MakeKey: access.make_key,
            ListKeys: access.list_keys,
            RenameKey: access.rename_key,
            RevokeKey: access.revoke_key,
            Tell: self.tell,
            StoreAsset: shelf.store_asset,
            ShowAsset: shelf.show_asset,
            ListAssets: shelf.list_assets,
            DeleteAsset: shelf.delete_asset,
            **uploads.verbs,
            **endpoints.verbs,
        }

    def perform(self, principal: Principal | None, verb: Verb) -> Awaitable[Answer | Statement]:
        """Answer any verb; raises `Rejected`. Without a principal only what is open to all."""
        if principal is None and not isinstance(verb, OPEN):
            raise Unauthenticated
        return self._verbs[type(verb)](principal, verb)

    def close(self) -> None:
        self.is_closing = True

    async def submit(self, principal: Principal, wanted: Submit) -> Generation:
        """As `accept`, and as it is after the wait that was asked for."""
        if not self.may_wait(wanted):
            return await self.accept(principal, wanted)
        # A caller that hangs up has submitted all the same: only its wait ends.
        generation = await asyncio.shield(self.accept(principal, wanted))
        wait_s = wanted.at_once_s if wanted.at_once_s > 0 and self._is_quick(generation.model) else wanted.wait_s
        if wait_s > 0:
            return await self._reach(generation, Fetch(id=generation.id, until=Status.COMPLETED, wait_s=wait_s))
        return generation

    def may_wait(self, wanted: Submit) -> bool:
        """Whether the answer to a submit waits for more than the store."""
        return wanted.wait_s > 0 or (wanted.at_once_s > 0 and self._is_quick(wanted.model, wanted.catalogue))

    def _is_quick(self, model: str, dialect: str = "") -> bool:
        try:
            return self._catalogue.find(model, dialect=dialect or None).answers_at_once
        except Rejected:
            return False  # a submit that came again, of a model that the operator took out since

    async def accept(self, principal: Principal, wanted: Submit) -> Generation:
        """Stored, told and queued; or what it led to when it came before. Raises `Rejected`."""
        if self.is_closing:
            raise Unavailable
        asking = wanted.asking
        if asking is None:
            return await self._begin(principal, wanted)
        generation_id = None
        try:
            generation = await self._retries.first(asking) or await self._begin(principal, wanted)
            generation_id = generation.id
        finally:
            self._retries.end(asking, generation_id)
        return generation

    async def _begin(self, principal: Principal, wanted: Submit) -> Generation:
        model = self._catalogue.find(wanted.model, dialect=wanted.catalogue or None)
        if wanted.modality not in ("", model.modality):
            raise UnknownModel(wanted.model)
        admission = Admission(new_id())
        try:
            generation = await self._take(principal, wanted, model, admission)
        except Rejected as error:
            error.modality = model.modality
            raise
        if generation.id != admission.generation_id:
            # The same request came twice at once, and the other was first.
            assert wanted.asking is not None
            await self._intake.withdraw(admission)
            return self._retries.known(wanted.asking, generation, "key")
        self._desk.changed(generation)
        self._queue.enqueue(Turn.of(generation))
        return generation

    async def _take(self, principal: Principal, wanted: Submit, model: Model, admission: Admission) -> Generation:
        self._check_plan(principal.plan, model)
        if wanted.callback_url is not None:
            self._check_callback(wanted.callback_url, wanted.callback_field)
        given = model.read_form(wanted.inputs) if wanted.is_form else wanted.inputs
        given = model.without_strangers(given, wanted.may_drop)
        inputs = model.accept(self._intake.plant(given, admission))
        inputs = await self._intake.admit(principal.account.id, model, inputs, admission)
        if len(msgspec.json.encode((inputs, wanted.wire))) > LARGEST_INPUTS_BYTES:
            raise InvalidInput.of("", f"the inputs are larger than {LARGEST_INPUTS_BYTES} bytes without their media")
        words = model.words(inputs)
        now = self._clock.now()
        queues = principal.plan.over_limit == "queue"
        new = NewGeneration(
            id=admission.generation_id,
            account_id=principal.account.id,
            dialect=wanted.dialect or principal.key.dialect,
            model=model.slug,
            modality=model.modality,
            task=model.task_of(inputs, words),
            provider=self._routing.first(model, inputs, admission.generation_id),
            inputs=inputs,
            wire=wanted.wire,
            quote=model.quote(inputs, words),
            created_at=now,
            callback_url=wanted.callback_url,
            callback_events=wanted.callback_events,
            in_flight_limit=None if queues else principal.plan.in_flight,
            run_limit=principal.plan.in_flight if queues else None,
            priority=wanted.priority,
            start_by=_in(now, wanted.start_within_s),
            deadline_at=_in(now, wanted.deadline_s),
            retention_days=principal.plan.retention_days,
            expires_after_s=wanted.expires_after_s,
            warn_before_s=wanted.warn_before_s,
            plan=principal.plan.name,
            idempotency_key=wanted.asking.key if wanted.asking else None,
            fingerprint=wanted.asking.fingerprint if wanted.asking else None,
        )
        if not admission.has_media:
            return await self._store.submit(new)
        return await self._place(new, admission, principal.plan)

    async def _place(self, new: NewGeneration, admission: Admission, plan: Plan) -> Generation:
        try:
            inputs = await self._intake.store(admission, new, allowance_of(plan))
            return await self._store.submit(msgspec.structs.replace(new, inputs=inputs))
        except Exception:
            await self._intake.withdraw(admission)
            raise

    def _check_plan(self, plan: Plan, model: Model) -> None:
        if not plan.allows(model.slug):
            raise ModelNotAllowed(model.slug, plan=plan.name)
        needs = self._plans.get(model.plan)
        if needs is not None and plan.level < needs.level:
            raise PlanTooLow(plan=plan.name, needs=f"plan '{needs.name}'")

    def _check_callback(self, url: str, field: str) -> None:
        try:
            self._client.check(url)
        except Refused as error:
            raise InvalidInput.of(field, str(error)) from None

    async def fetch(self, principal: Principal, wanted: Fetch | Watch) -> Generation:
        generation = await self._own(principal, wanted.id)
        if isinstance(wanted, Watch) or wanted.wait_s <= 0:
            return self._bell.with_progress(generation)
        return await self._reach(generation, wanted)

    def is_as_told(self, principal: Principal, generation: Generation, *, now: datetime) -> bool:
        """Whether both are what they were when this generation was last shown to this caller. Asks nobody: it may say
        no where it does not know."""
        known = self._store.peek(generation.id)
        return (
            known is not None
            and self._bell.with_progress(known) is generation
            and self.access.is_current(principal)
            and (generation.expires_at is None or generation.expires_at > now)
        )

    def _reach(self, generation: Generation, wanted: Fetch) -> Coroutine[Any, Any, Generation]:
        return self._bell.reach(generation.id, wanted.until, limit_s=wanted.wait_s, read=self._store.get)

    async def fetch_many(self, principal: Principal, wanted: FetchMany) -> tuple[Generation, ...]:
        """In the order asked for; one that is not there refuses the whole."""
        # Found first, then waited for: a refusal must leave nobody waiting.
        found = [await self._own(principal, id) for id in wanted.ids]
        if wanted.wait_s <= 0:
            return tuple(self._bell.with_progress(generation) for generation in found)
        if wanted.is_any:
            await self._bell.reach_any(
                [generation.id for generation in found], wanted.until, limit_s=wanted.wait_s, read=self._store.get
            )
            return tuple([self._bell.with_progress(await self._store.get(each.id)) for each in found])
        fetches = [Fetch(id=id, until=wanted.until, wait_s=wanted.wait_s) for id in wanted.ids]
        return tuple(await asyncio.gather(*map(self._reach, found, fetches)))

    def watch(
        self, principal: Principal, generation: Generation | None, *, after: str | None = None
    ) -> AsyncIterator[Told | None]:
        """What a stream tells: of a generation that its caller was given, or of all of the caller's."""
        if generation is None:
            return self._streams.of_account(principal.account.id, after)
        return self._streams.of_generation(generation, after)

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
            reason = "deleted" if generation.is_hidden else "expired"
            raise Gone(f"generation {reference}", reason=reason, at=generation.expires_at)
        return generation

    async def cancel(self, principal: Principal, wanted: Cancel) -> Generation:
        """One that has ended already stays as it is: canceling twice is no error. Its hold is released; or captured,
        where it runs at a provider that bills what it has begun."""
        generation = await self._own(principal, wanted.id)
        if generation.is_terminal:
            return generation
        canceled = await self._store.cancel(
            principal.account.id, generation.id, now=self._clock.now(), billed=self._billed
        )
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
        removed = await self._store.remove(generation.id, now=self._clock.now())
        if removed is None:
            raise InvalidInput.of(
                "id", f"generation {wanted.id} is {generation.status}; cancel it before you remove it"
            )
        await self._retention.delete_now(removed)

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

    async def list_entries(self, principal: Principal, wanted: ListEntries) -> Page[Entry]:
        return await self._store.list_entries(principal.account.id, wanted)

    async def tell(self, principal: Principal | None, wanted: Tell | WatchAll) -> None:
        return None


def _in(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
