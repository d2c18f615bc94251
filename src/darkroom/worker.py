"""One attempt, from begin to settle. It owns the deadline and the retries; the row owns the truth."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from darkroom.attempts import HANDED_BACK, Errand, Rules, left_by
from darkroom.catalogue import Catalogue
from darkroom.clock import Clock
from darkroom.credits import ZERO
from darkroom.errors import (
    Ambiguous,
    DeadlineExceeded,
    Failure,
    ProviderTimedOut,
    ProviderUnavailable,
    StaleAttempt,
)
from darkroom.following import Follower
from darkroom.generation import Cause, Generation, Status
from darkroom.intake import Intake
from darkroom.notify import Bell
from darkroom.outside import Outside
from darkroom.pace import Pacer
from darkroom.parking import NOT_TAKEN, Parking, clear
from darkroom.ports import Assets, Begun, Desk, Lanes, Output, Provider, Settlement, Store, Ticket, Work
from darkroom.routing import Routing
from darkroom.settling import Settler

log = structlog.get_logger(__name__)

SAID = ("size", "resolution", "aspect_ratio")
"""The words that a provider is told as the caller said them."""


class Worker:
    """`rules_for` are those of single providers."""

    def __init__(
        self,
        *,
        store: Store,
        assets: Assets,
        catalogue: Catalogue,
        providers: Mapping[str, Provider],
        queue: Lanes,
        desk: Desk,
        bell: Bell,
        intake: Intake,
        outside: Outside,
        pacer: Pacer,
        routing: Routing,
        clock: Clock,
        rules: Rules,
        folder: Path,
        rules_for: Mapping[str, Rules] | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._providers = providers
        self._queue = queue
        self._desk = desk
        self._intake = intake
        self._outside = outside
        self._routing = routing
        self._pacer = pacer
        self._clock = clock
        self._rules = rules
        self._rules_for = rules_for or {}
        self._folder = folder
        self._settler = Settler(store=store, assets=assets, desk=desk, clock=clock, retry_s=rules.retry_s)
        self._follower = Follower(bell=bell, pacer=pacer)
        self._parking = Parking(
            settler=self._settler, follower=self._follower, pacer=pacer, queue=queue, clock=clock, folder=folder
        )

    async def handle(self, generation_id: str) -> None:
        """What the queue calls: carry a generation as far as it goes now."""
        begun = await self._store.begin(generation_id, now=self._clock.now())
        if begun is None:
            return  # canceled while it waited, or in another's hands: the queue may deliver twice
        generation = begun.generation
        self._parking.changed(generation)
        self._desk.changed(generation)
        folder = self._folder / f"{generation.id}-{generation.attempt}"
        try:
            await self._attempt(begun, folder)
        except StaleAttempt as error:
            # Another attempt has taken over, or the caller took it back. Ours no longer counts.
            log.warning("dropped a stale attempt", reason=str(error))
        except asyncio.CancelledError:
            if not self._settler.is_closing:
                return  # the caller took it back: the row says so already
            await self._settler.hand_back(generation, HANDED_BACK)
        finally:
            await clear(folder)

    async def _attempt(self, begun: Begun, folder: Path) -> None:
        generation = begun.generation
        errand = None
        try:
            errand = self._errand(begun, folder)
            try:
                output = await self._carry_out(errand)
            except Failure as error:
                await self._retry_or_fail(errand, error)
                return
            if output is not None:
                await self._settler.finish(generation, output)
        except StaleAttempt:
            raise
        except Exception:
            log.exception("a bug ended an attempt", generation=generation.id, attempt=generation.attempt)
            if errand is not None and errand.is_out:
                # What may have been paid for is not thrown away: it is looked at again, or an operator decides.
                await self._parking.take(errand, Ambiguous("an internal error, while the work was at the provider"))
                return
            cause = Cause("internal_error", "an internal error; nothing was spent")
            await self._settler.settle(generation, Settlement(status=Status.FAILED, used=ZERO, cause=cause))

    def _errand(self, begun: Begun, folder: Path) -> Errand:
        """What is to be done, with what earlier attempts left; its input media are not there yet."""
        generation = begun.generation
        model = self._catalogue.find(generation.model)
        provider = self._providers[generation.provider]
        left = left_by(begun.before)
        said = model.words(generation.inputs)
        brief = model.brief(generation.inputs, {}, said)
        work = Work(
            reference=generation.id,
            attempt=generation.attempt,
            upstream=self._routing.upstream(model, provider.name, brief, said),
            inputs=generation.inputs,
            brief=brief,
            expected_wait_s=model.expected_wait_s,
            scratch=folder,
            address=left.address,
            words={name: said[name] for name in SAID if name in said},
            callback_url=self._outside.callback_url(generation),
        )
        errand = Errand(
            begun=begun,
            model=model,
            provider=provider,
            work=work,
            rules=self._rules_for.get(provider.name, self._rules),
            left=left,
            ticket=left.ticket,
            sent_at=left.sent_at,
            is_asked=left.is_lost,
        )
        errand.reason = left.reason or self._routing.reason(errand)
        return errand

    async def _carry_out(self, errand: Errand) -> Output | None:
        """Its output; None where it waits for somebody to tell what came of it."""
        while True:
            try:
                return await self._in_time(errand)
            except Ambiguous as error:
                found = await self._look_up(errand)
                if found is None:
                    await self._parking.take(errand, error)
                    return None
                if isinstance(found, Output):
                    return found
                errand.go_on_with(found)

    async def _look_up(self, errand: Errand) -> Ticket | Output | None:
        """What the provider knows of a lost call; None where it does not tell. Raises `ProviderUnavailable` where it
        certainly was not taken."""
        if errand.ticket is not None or not errand.provider.can_look_up:
            return None
        try:
            async with asyncio.timeout(errand.rules.verdict_s):
                found = await errand.provider.lookup(errand.work)
        except (ProviderUnavailable, Ambiguous, TimeoutError):
            return None
        if found is None:
            raise ProviderUnavailable(NOT_TAKEN)
        return found

    async def _in_time(self, errand: Errand) -> Output:
        try:
            try:
                async with asyncio.timeout(self._limit_s(errand)):
                    return await self._send_and_follow(errand)
            except TimeoutError:
                return await self._late(errand)
        except asyncio.CancelledError:
            if not self._settler.is_closing:
                await self._follower.call_off(errand)
            raise

    def _limit_s(self, errand: Errand) -> float:
        """How long this attempt may take: the operator's limit, or what its caller has left it."""
        deadline_at = errand.generation.deadline_at
        if deadline_at is None:
            return errand.rules.limit_s
        left_s = (deadline_at - self._clock.now()).total_seconds()
        # What is the provider's already may be finished: it is asked once, however late we are.
        least_s = errand.rules.verdict_s if errand.ticket is not None else 0.0
        return min(errand.rules.limit_s, max(left_s, least_s))

    async def _late(self, errand: Errand) -> Output:
        """A limit is no verdict: the work may be done, and only its next look be due later."""
        if errand.ticket is None and errand.is_sending:
            self._routing.health.failed(errand.provider.name)
            raise Ambiguous("the provider did not answer in time whether it takes the work")
        deadline_at = errand.generation.deadline_at
        is_callers = deadline_at is not None and deadline_at <= self._clock.now()
        limit_s = f"{errand.rules.limit_s:g} s"
        too_late: Failure = ProviderTimedOut(f"the provider did not finish within {limit_s}")
        if is_callers:
            too_late = DeadlineExceeded("it was not finished in the time that its caller gave it")
        if errand.ticket is None:
            raise too_late
        state = await self._follower.verdict(errand)
        if isinstance(state, Output):
            return state
        if state is not None and state.word and not is_callers:
            raise Ambiguous(f"after {limit_s} the provider says '{state.word[:60]}', which nobody here knows")
        is_off = await self._follower.call_off(errand)
        if is_off or is_callers or errand.rules.when_ambiguous != "hold":
            raise too_late
        raise Ambiguous(f"the provider did not finish within {limit_s}, and could not be told to stop")

    async def _send_and_follow(self, errand: Errand) -> Output:
        if errand.left.held_since is not None:
            raise Ambiguous(errand.left.detail or "nobody knows what came of the paid call")
        if errand.ticket is None:
            started = await self._send(errand)
            if isinstance(started, Output):
                return started
            errand.ticket = started
        elif errand.is_here:
            await self._bring_media(errand)
        try:
            await self._settler.note(errand)
            await self._drop_media(errand)
            return await self._follower.follow(errand)
        except StaleAttempt:
            # Taken back by another process, which nobody here has noticed yet: what is remembered is old.
            self._store.forget()
            if (await self._store.get(errand.generation.id)).status is Status.CANCELED:
                await self._follower.call_off(errand)
            raise

    async def _send(self, errand: Errand) -> Ticket | Output:
        provider = errand.provider
        if errand.left.is_lost and not provider.may_restart:
            raise Ambiguous("the server stopped between sending the work and storing the provider's reference")
        if not errand.left.is_lost:
            self._routing.check(errand)
        await self._bring_media(errand)
        async with self._pacer.starting(provider.name):
            return await self._start(errand)

    async def _start(self, errand: Errand) -> Ticket | Output:
        provider = errand.provider
        if not errand.left.is_lost:
            address = provider.address()
            if address != errand.work.address:
                errand.work = replace(errand.work, address=address)
            errand.sent_at = self._clock.now()
        errand.is_asked = True
        errand.is_sending = not provider.may_restart
        if errand.is_sending or not errand.is_here:
            # If we die between here and the answer, the next attempt knows that a paid call may be out, and where.
            await self._settler.note(errand)
        health = self._routing.health
        health.sending(provider.name)
        try:
            started = await provider.start(errand.work)
        except (ProviderUnavailable, Ambiguous):
            health.failed(provider.name)
            raise
        except Failure:
            health.answered(provider.name)
            raise
        health.answered(provider.name)
        return started

    async def _bring_media(self, errand: Errand) -> None:
        collected = await self._intake.collect(errand.generation, errand.model, errand.work)
        if collected.files:
            brief = errand.model.brief(errand.generation.inputs, collected.files)
            links = self._outside.links(collected.keys)
            errand.work = replace(errand.work, brief=brief, media=collected.files, links=links)

    async def _drop_media(self, errand: Errand) -> None:
        """What an upstream has taken it need not be given again: ten thousand may wait."""
        if errand.is_here or not errand.work.brief.media:
            return
        files = [path for paths in errand.work.brief.media.values() for path in paths]
        errand.work = replace(errand.work, brief=replace(errand.work.brief, media={}), media={}, links={})
        await asyncio.to_thread(_delete, files)

    async def _retry_or_fail(self, errand: Errand, error: Failure) -> None:
        move = self._routing.after(errand, error) if error.is_retryable else None
        if move is None:
            await self._settler.fail(errand.generation, error)
            return
        queued = await self._settler.hand_back(
            errand.generation, move.outcome, error=error, provider=move.provider, after_s=move.after_s
        )
        if queued is not None:
            self._queue.again(queued.id, after_s=move.after_s, lane=move.provider)

    def changed(self, generation: Generation) -> None:
        """Stop at once what the caller has taken back, wherever that was said."""
        if generation.status is Status.CANCELED:
            self._queue.interrupt(generation.id)
        if generation.status is not Status.RUNNING:
            self._parking.changed(generation)

    async def close(self, *, limit_s: float) -> None:
        """Let what runs end within the limit; hand back the rest."""
        closing = asyncio.get_running_loop().call_later(limit_s, self._begin_closing)
        await self._queue.close(limit_s=limit_s + 0.01)
        closing.cancel()
        self._begin_closing()
        await self._parking.close()

    def _begin_closing(self) -> None:
        self._settler.is_closing = True


def _delete(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
