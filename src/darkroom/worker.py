"""One attempt, from begin to settle. It owns the loop, the deadline and the retries; the row owns the truth."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from darkroom.asset import Asset
from darkroom.attempts import AMBIGUOUS, HANDED_BACK, RETRY, SENDING, resumable, tries, was_sending
from darkroom.catalogue import Catalogue, Model
from darkroom.clock import Clock
from darkroom.credits import ZERO
from darkroom.errors import (
    Ambiguous,
    DarkroomError,
    DeadlineExceeded,
    Failure,
    NotFound,
    ProviderTimedOut,
    ProviderUnavailable,
    StaleAttempt,
)
from darkroom.generation import Cause, Generation, Status
from darkroom.intake import Intake
from darkroom.notify import Bell
from darkroom.ports import Assets, Begun, Desk, Output, Provider, Settlement, Store, Ticket, Work
from darkroom.queue import Dispatcher

Written = TypeVar("Written")

log = structlog.get_logger(__name__)

FINISH_LIMIT_S = 30.0
LAST_FINISH_LIMIT_S = 2.0
"""How long a result that is being stored may take once its attempt is cut off: by its caller, or by a shutdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`limit_s` is the longest that one attempt may take; `hold_s` how long an ambiguous one waits for an operator.
    `verdict_s` is how long a provider may take to say, at a limit, whether it has finished after all."""

    max_attempts: int
    limit_s: float
    when_ambiguous: str
    hold_s: float
    retry_s: float = 1.0
    verdict_s: float = 10.0


class Worker:
    def __init__(
        self,
        *,
        store: Store,
        assets: Assets,
        catalogue: Catalogue,
        providers: Mapping[str, Provider],
        queue: Dispatcher,
        desk: Desk,
        bell: Bell,
        intake: Intake,
        clock: Clock,
        rules: Rules,
        folder: Path,
    ) -> None:
        self._store = store
        self._assets = assets
        self._catalogue = catalogue
        self._providers = providers
        self._queue = queue
        self._desk = desk
        self._bell = bell
        self._intake = intake
        self._clock = clock
        self._rules = rules
        self._folder = folder
        self._parked: dict[str, asyncio.Task[None]] = {}
        self._is_closing = False

    async def handle(self, generation_id: str) -> None:
        """What the queue calls: carry a generation as far as it goes now."""
        begun = await self._store.begin(generation_id, now=self._clock.now())
        if begun is None:
            return  # canceled while it waited, or in another's hands: the queue may deliver twice
        generation = begun.generation
        self._unpark(generation)
        self._desk.changed(generation)
        folder = self._folder / f"{generation.id}-{generation.attempt}"
        try:
            await self._attempt(begun, folder)
        except StaleAttempt as error:
            # Another attempt has taken over, or the caller took it back. Ours no longer counts.
            log.warning("dropped a stale attempt", reason=str(error))
        except asyncio.CancelledError:
            if not self._is_closing:
                return  # the caller took it back: the row says so already
            await self._hand_back(generation, HANDED_BACK)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _attempt(self, begun: Begun, folder: Path) -> None:
        generation = begun.generation
        try:
            model = self._catalogue.find(generation.model)
            provider = self._providers[generation.provider]
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            async with asyncio.timeout(self._limit_s(begun)) as deadline:
                output = await self._carry_out(begun, model, provider, folder, deadline)
            await self._finish(generation, output)
            return
        except StaleAttempt:
            raise
        except TimeoutError:
            settlement = _failed(self._too_late(generation))
        except Ambiguous as error:
            await self._park(begun, error)
            return
        except Failure as error:
            count = tries(begun, error.code)
            if error.is_retryable and count < self._rules.max_attempts:
                await self._hand_back(generation, error.code)
                self._queue.again(generation.id, after_s=self._rules.retry_s * 2 ** (count - 1))
                return
            settlement = _failed(error)
        except Exception:
            log.exception("a bug ended an attempt", generation=generation.id, attempt=generation.attempt)
            settlement = Settlement(
                status=Status.FAILED, used=ZERO, cause=Cause("internal_error", "an internal error; nothing was spent")
            )
        await self._settle(generation, settlement)

    async def _carry_out(
        self, begun: Begun, model: Model, provider: Provider, folder: Path, deadline: asyncio.Timeout
    ) -> Output:
        generation = begun.generation
        media = await self._intake.collect(generation, model, folder)
        work = Work(
            reference=generation.id,
            attempt=generation.attempt,
            upstream=next((route.upstream for route in model.routes if route.provider == provider.name), model.slug),
            inputs=generation.inputs,
            brief=model.brief(generation.inputs, media),
            expected_wait_s=model.expected_wait_s,
            folder=folder,
            address=provider.address(),
            words=model.words(generation.inputs),
        )
        ticket = resumable(begun.before)
        if ticket is None:
            started = await self._start(begun, provider, work, deadline)
            if isinstance(started, Output):
                return started
            ticket = started
        try:
            await self._note_ticket(generation, ticket.ref)
            return await self._follow(generation, provider, work, ticket)
        except StaleAttempt:
            # Taken back by another process, which nobody here has noticed yet: what is remembered is old.
            self._store.forget()
            if (await self._store.get(generation.id)).status is Status.CANCELED:
                await _cancel_quietly(provider, work, ticket)
            raise
        except asyncio.CancelledError:
            if deadline.expired():
                output = await self._verdict(provider, work, ticket)
                if output is not None:
                    return output
            if not self._is_closing:
                await _cancel_quietly(provider, work, ticket)
            raise

    def _limit_s(self, begun: Begun) -> float:
        """How long this attempt may take: the operator's limit, or what its caller has left it."""
        deadline_at = begun.generation.deadline_at
        if deadline_at is None:
            return self._rules.limit_s
        left_s = (deadline_at - self._clock.now()).total_seconds()
        # What is the provider's already may be finished: it is asked once, however late we are.
        least_s = self._rules.verdict_s if resumable(begun.before) is not None else 0.0
        return min(self._rules.limit_s, max(left_s, least_s))

    def _too_late(self, generation: Generation) -> Failure:
        if generation.deadline_at is not None and generation.deadline_at <= self._clock.now():
            return DeadlineExceeded("it was not finished in the time that its caller gave it")
        return ProviderTimedOut(f"the provider did not finish within {self._rules.limit_s:g} s")

    async def _verdict(self, provider: Provider, work: Work, ticket: Ticket) -> Output | None:
        """A limit is no verdict: the work may be done, and only its poll be due later."""
        try:
            async with asyncio.timeout(self._rules.verdict_s):
                state = await provider.poll(work, ticket, lambda progress: None)
        except (ProviderUnavailable, TimeoutError):
            return None
        return state if isinstance(state, Output) else None

    async def _start(self, begun: Begun, provider: Provider, work: Work, deadline: asyncio.Timeout) -> Ticket | Output:
        generation = begun.generation
        if was_sending(begun.before):
            raise Ambiguous("the server stopped between sending the work and storing the provider's reference")
        if provider.may_restart:
            return await provider.start(work)
        # If we die between here and the answer, the next attempt knows that a paid call may have gone out.
        await self._note_ticket(generation, SENDING)
        try:
            return await provider.start(work)
        except asyncio.CancelledError:
            if deadline.expired():
                raise Ambiguous("the provider did not answer in time whether it takes the work") from None
            raise

    async def _follow(self, generation: Generation, provider: Provider, work: Work, ticket: Ticket) -> Output:
        misses = 0
        while True:
            try:
                state = await provider.poll(work, ticket, lambda progress: self._bell.report(generation, progress))
            except ProviderUnavailable:
                # The work is the provider's already: not reaching it to ask says nothing about the work.
                misses += 1
                await asyncio.sleep(self._pause_s(misses))
                continue
            if isinstance(state, Output):
                return state
            misses = 0
            if state.progress is not None:
                self._bell.report(generation, state.progress)
            await asyncio.sleep(provider.pace.interval_s if state.after_s is None else state.after_s)

    async def _finish(self, generation: Generation, output: Output) -> None:
        """Store the result and settle. Once begun it is not cut off halfway, where its assets would be nobody's: a
        caller that takes it back makes the settlement stale, and a stale settlement deletes its assets."""
        finishing = asyncio.ensure_future(self._keep_and_settle(generation, output))
        try:
            await asyncio.shield(finishing)
        except asyncio.CancelledError:
            try:
                await asyncio.wait({finishing}, timeout=LAST_FINISH_LIMIT_S if self._is_closing else FINISH_LIMIT_S)
            finally:
                finishing.cancel()
            if finishing.done():
                return finishing.result()
            raise

    async def _keep_and_settle(self, generation: Generation, output: Output) -> None:
        await self._settle(generation, await self._keep(generation, output))

    async def _keep(self, generation: Generation, output: Output) -> Settlement:
        """Our own copy of every file, before anyone is told that it is there."""
        kept = []
        for index, file in enumerate(output.files, 1):
            name = generation.id if len(output.files) == 1 else f"{generation.id}-{index}"
            key = f"results/{generation.id}/{generation.attempt}/{name}{file.path.suffix}"
            size_bytes = await self._assets.put(key, file.path)
            thumbnail = None
            if file.thumbnail is not None:
                thumbnail = f"thumbnails/{generation.id}/{generation.attempt}/{name}{file.thumbnail.suffix}"
                await self._assets.put(thumbnail, file.thumbnail)
            kept.append(
                Asset(
                    key=key,
                    media_type=file.media_type,
                    size_bytes=size_bytes,
                    width=file.width,
                    height=file.height,
                    duration_s=file.duration_s,
                    thumbnail=thumbnail,
                )
            )
        used = generation.quote if output.used is None else output.used
        return Settlement(status=Status.COMPLETED, used=used, outputs=tuple(kept))

    async def _settle(self, generation: Generation, settlement: Settlement) -> None:
        try:
            settled = await self._insist(
                lambda: self._store.settle(generation.id, generation.attempt, settlement, now=self._clock.now())
            )
        except StaleAttempt:
            keys = [key for asset in settlement.outputs for key in (asset.key, asset.thumbnail) if key is not None]
            await self._assets.delete(keys)
            raise
        log.info(
            "settled",
            generation=settled.id,
            model=settled.model,
            status=settled.status,
            cause=settled.cause.code if settled.cause else None,
            spent=settled.spent_total,
        )
        self._desk.changed(settled)

    async def _hand_back(self, generation: Generation, outcome: str) -> None:
        try:
            await self._insist(
                lambda: self._store.hand_back(generation.id, generation.attempt, outcome, now=self._clock.now())
            )
        except StaleAttempt as error:
            log.warning("dropped a stale attempt", reason=str(error))

    async def _note_ticket(self, generation: Generation, ref: str) -> None:
        await self._insist(lambda: self._store.note_ticket(generation.id, generation.attempt, ref))

    async def _insist(self, write: Callable[[], Awaitable[Written]]) -> Written:
        """Written down sooner or later: that the disk is full says nothing about the work, and what nobody had written
        down would run for ever. A shutdown leaves it to the next start."""
        misses = 0
        while True:
            try:
                return await write()
            except DarkroomError:
                raise
            except Exception as error:
                if self._is_closing:
                    raise asyncio.CancelledError from error
                log.exception("the store did not take it, and is asked again")
            misses += 1
            await asyncio.sleep(self._pause_s(misses))

    def _pause_s(self, misses: int) -> float:
        return min(self._rules.retry_s * 2.0 ** min(misses, 10), 30.0)

    async def _park(self, begun: Begun, error: Ambiguous) -> None:
        """Nobody knows whether the provider took the work: the operator's policy decides, never a guess."""
        generation = begun.generation
        log.warning("ambiguous", generation=generation.id, policy=self._rules.when_ambiguous, reason=str(error))
        if self._rules.when_ambiguous == "retry" and tries(begun, RETRY) < self._rules.max_attempts:
            await self._hand_back(generation, RETRY)
            self._queue.again(generation.id, after_s=self._rules.retry_s)
        elif self._rules.when_ambiguous == "hold":
            await self._insist(
                lambda: self._store.note_outcome(generation.id, generation.attempt, AMBIGUOUS, now=self._clock.now())
            )
            self._parked[generation.id] = asyncio.create_task(self._outwait(begun, error))
        else:
            await self._settle(generation, _failed(error))

    async def _outwait(self, begun: Begun, error: Ambiguous) -> None:
        generation = begun.generation
        since = min((a.started_at for a in begun.before if a.outcome == AMBIGUOUS), default=self._clock.now())
        left_s = (since + timedelta(seconds=self._rules.hold_s) - self._clock.now()).total_seconds()
        try:
            await asyncio.sleep(max(left_s, 0.0))
            await self._settle(generation, _failed(error))
        except StaleAttempt:
            pass  # an operator decided, or the caller took it back
        finally:
            if self._parked.get(generation.id) is asyncio.current_task():
                del self._parked[generation.id]

    def _unpark(self, generation: Generation) -> None:
        parked = self._parked.pop(generation.id, None)
        if parked is not None:
            parked.cancel()

    def changed(self, generation: Generation) -> None:
        """Stop at once what the caller has taken back, wherever that was said."""
        if generation.status is Status.CANCELED:
            self._queue.interrupt(generation.id)
        if generation.status is not Status.RUNNING:
            self._unpark(generation)

    async def close(self, *, limit_s: float) -> None:
        """Let what runs end within the limit; hand back the rest."""
        closing = asyncio.get_running_loop().call_later(limit_s, self._begin_closing)
        await self._queue.close(limit_s=limit_s + 0.01)
        closing.cancel()
        self._begin_closing()
        for task in self._parked.values():
            task.cancel()
        await asyncio.gather(*self._parked.values(), return_exceptions=True)

    def _begin_closing(self) -> None:
        self._is_closing = True


def _failed(error: Failure) -> Settlement:
    return Settlement(status=Status.FAILED, used=ZERO, cause=Cause(error.code, str(error)))


async def _cancel_quietly(provider: Provider, work: Work, ticket: Ticket) -> None:
    try:
        await asyncio.wait_for(provider.cancel(work, ticket), timeout=10)
    except (Failure, NotFound, TimeoutError) as error:
        log.warning("the provider was not reached to cancel", generation=work.reference, reason=str(error))
