"""Looks over the worker's shoulder: attempts, calls to providers and writes, told to whoever counts or traces them.

It stands around the worker's store and providers, so that neither knows of it, and no caller's request passes it.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar, cast

from structlog.contextvars import bind_contextvars

from darkroom.errors import DarkroomError, Failure
from darkroom.generation import Generation, Status
from darkroom.ports import Begun, NewGeneration, Output, Pending, Provider, Report, Settlement, Store, Ticket, Work
from darkroom.tracing import Tracer

Answer = TypeVar("Answer")

Handler = Callable[[str], Awaitable[None]]


class Observer(Protocol):
    """Counts. Called on the event loop: it must not wait."""

    def called(self, provider: str, call: str, outcome: str, seconds: float) -> None:
        """A provider was called: `start`, `poll`, `lookup` or `cancel`; the outcome is `ok` or an error's code."""
        ...

    def attempt_ended(self, provider: str, outcome: str) -> None: ...

    def wrote(self, verb: str, seconds: float) -> None: ...

    def settled(self, seconds: float) -> None:
        """So long after its provider had finished a result was ours and told."""
        ...


class Observing:
    """`tracer` is None where nobody traces: then no span costs anything."""

    def __init__(self, tracer: Tracer | None) -> None:
        self._tracer = tracer
        self._observers: list[Observer] = []
        self._finished: dict[str, float] = {}
        self._carried: dict[str, str] = {}

    def listen(self, observer: Observer) -> None:
        self._observers.append(observer)

    def handler(self, handle: Handler) -> Handler:
        """Whatever is logged while a generation is in hand carries its id: each call is a task of its own, whose
        context ends with it."""

        async def handle_observed(generation_id: str) -> None:
            bind_contextvars(generation=generation_id)
            try:
                with self.span("attempt", generation_id):
                    await handle(generation_id)
            finally:
                self._finished.pop(generation_id, None)
                self._carried.pop(generation_id, None)

        return handle_observed

    def submits(self, store: Store) -> Store:
        """For the service. The store itself where nobody traces: a submit passes nothing that it can do without."""
        return store if self._tracer is None else cast(Store, _TracedStore(store, self))

    def store(self, store: Store) -> Store:
        return cast(Store, _ObservedStore(store, self))

    def provider(self, provider: Provider) -> Provider:
        return cast(Provider, _ObservedProvider(provider, self))

    def span(self, name: str, generation_id: str, **about: str | int) -> AbstractContextManager[None]:
        if self._tracer is None:
            return nullcontext()
        return self._tracer.span(name, generation=generation_id, **about)

    def close(self) -> None:
        if self._tracer is not None:
            self._tracer.close()

    def noted(self, work: Work, answer: Answer) -> Answer:
        if isinstance(answer, Output):
            self._finished[work.reference] = time.perf_counter()
        return answer

    def began(self, generation: Generation) -> None:
        self._carried[generation.id] = generation.provider

    def carrier(self, generation_id: str) -> str:
        """Whose attempt is in hand; empty where none is: a parked one is not."""
        return self._carried.get(generation_id, "")

    def ended(self, provider: str, outcome: str) -> None:
        for observer in self._observers:
            observer.attempt_ended(provider, outcome)

    def settled(self, generation: Generation) -> None:
        self.ended(generation.provider, generation.status)
        began = self._finished.pop(generation.id, None)
        if began is not None and generation.status is Status.COMPLETED:
            for observer in self._observers:
                observer.settled(time.perf_counter() - began)

    def wrote(self, verb: str, began: float) -> None:
        for observer in self._observers:
            observer.wrote(verb, time.perf_counter() - began)

    async def called(self, provider: str, call: str, generation_id: str, asked: Awaitable[Answer]) -> Answer:
        """What a provider's call is answered."""
        began, outcome = time.perf_counter(), "ok"
        try:
            with self.span(f"provider.{call}", generation_id, provider=provider):
                return await asked
        except DarkroomError as error:
            outcome = error.code if isinstance(error, Failure) else type(error).__name__
            raise
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            for observer in self._observers:
                observer.called(provider, call, outcome, time.perf_counter() - began)


class _TracedStore:
    def __init__(self, store: Store, observing: Observing) -> None:
        self._store = store
        self._observing = observing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def submit(self, new: NewGeneration) -> Generation:
        with self._observing.span("submit", new.id, model=new.model, dialect=new.dialect):
            return await self._store.submit(new)


class _ObservedStore:
    """The verbs of an attempt; all others are the store's own."""

    def __init__(self, store: Store, observing: Observing) -> None:
        self._store = store
        self._observing = observing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def begin(self, generation_id: str, **given: Any) -> Begun | None:
        asked_at = time.perf_counter()
        begun = await self._store.begin(generation_id, **given)
        self._observing.wrote("begin", asked_at)
        if begun is not None:
            self._observing.began(begun.generation)
        return begun

    async def note_ticket(self, generation_id: str, attempt: int, ticket: str, **given: Any) -> None:
        asked_at = time.perf_counter()
        await self._store.note_ticket(generation_id, attempt, ticket, **given)
        self._observing.wrote("note_ticket", asked_at)

    async def note_outcome(self, generation_id: str, attempt: int, outcome: str, **given: Any) -> None:
        asked_at = time.perf_counter()
        await self._store.note_outcome(generation_id, attempt, outcome, **given)
        self._observing.wrote("note_outcome", asked_at)
        self._observing.ended(self._carrier(generation_id), outcome)

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, **given: Any) -> Generation:
        asked_at = time.perf_counter()
        with self._observing.span("settle", generation_id):
            settled = await self._store.settle(generation_id, attempt, settlement, **given)
        self._observing.wrote("settle", asked_at)
        self._observing.settled(settled)
        return settled

    async def hand_back(self, generation_id: str, attempt: int, outcome: str, **given: Any) -> Generation:
        # By the provider that it comes from: it may go on at another.
        carrier = self._carrier(generation_id)
        asked_at = time.perf_counter()
        queued = await self._store.hand_back(generation_id, attempt, outcome, **given)
        self._observing.wrote("hand_back", asked_at)
        self._observing.ended(carrier or queued.provider, outcome)
        return queued

    def _carrier(self, generation_id: str) -> str:
        # A store that others write to remembers nothing.
        known = self._store.peek(generation_id)
        return self._observing.carrier(generation_id) or (known.provider if known is not None else "")


class _ObservedProvider:
    """The calls that reach the upstream; all else is the provider's own."""

    def __init__(self, provider: Provider, observing: Observing) -> None:
        self._provider = provider
        self._observing = observing
        self.name = provider.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def start(self, work: Work) -> Ticket | Output:
        return await self._called("start", work, self._provider.start(work))

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        return await self._called("poll", work, self._provider.poll(work, ticket, report))

    async def lookup(self, work: Work) -> Ticket | Output | None:
        return await self._called("lookup", work, self._provider.lookup(work))

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        await self._called("cancel", work, self._provider.cancel(work, ticket))

    async def _called(self, call: str, work: Work, asked: Awaitable[Answer]) -> Answer:
        answer = await self._observing.called(self.name, call, work.reference, asked)
        return self._observing.noted(work, answer)
