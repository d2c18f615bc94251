"""An upstream that a manifest describes, as a provider: submit, poll, look up, cancel, fetch the results."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
import structlog

from darkroom.clock import Clock
from darkroom.errors import Ambiguous, Failure, Misconfigured, ProviderRejected, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ports import Address, Output, Pace, Pending, Report, Ticket, Work
from darkroom.providers.client import Answer, Lost, NotSent, Request, UpstreamClient
from darkroom.providers.credentials import Credential, freest
from darkroom.providers.manifest.batch import Batch, Items
from darkroom.providers.manifest.calls import retry_after_s
from darkroom.providers.manifest.collecting import Collector
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.figures import id_of, part_of, seconds_of
from darkroom.providers.manifest.results import Results
from darkroom.providers.manifest.upstream import Upstream, asked
from darkroom.providers.manifest.verdicts import LOST, LostThere
from darkroom.providers.manifest.words import Words, with_answer, words_of

log = structlog.get_logger(__name__)


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a ticket holds: the upstream's id, and what the manifest keeps beside it; or the whole answer of an upstream
    that works while one waits, and whose results are still to be fetched."""

    id: str = ""
    kept: Mapping[str, Any] | None = None
    answer: Any = None


LONGEST_REFERENCE = 64 << 10

LONGEST_WORD = 80

SAYS_NOTHING = frozenset({401, 403, 408, 425, 429})
"""Answers to a look-up that tell nothing of the work."""


class ManifestProvider:
    def __init__(
        self,
        manifest: Manifest,
        *,
        credentials: Mapping[str, Credential],
        client: UpstreamClient,
        guarded: GuardedClient,
        clock: Clock,
    ) -> None:
        form = manifest.form
        self.name = form.name
        self.slots = min(form.limits.slots, sum(each.slots for each in credentials.values() if not each.form.retired))
        self.may_restart = bool(form.submit.idempotency)
        self.bills_canceled = form.cost.bills_canceled if form.cost else False
        self.can_look_up = manifest.lookup is not None
        self.can_cancel = manifest.cancel is not None
        self.pace = Pace(interval_s=form.poll.interval_s, longest_s=form.poll.longest_s) if form.poll else Pace()
        self.manifest = manifest
        self.credentials = credentials
        self._client = client
        self._clock = clock
        self._upstream = Upstream(manifest, client=client, clock=clock)
        results = Results(client=client, guarded=guarded, hosts=form.hosts, limits=form.limits)
        self._collector = Collector(self._upstream, results)
        self._batches: dict[Address, Batch] = {}

    async def open(self) -> None:
        for credential in self.credentials.values():
            try:
                await asyncio.to_thread(credential.read)
                credential.check(self.manifest.form.auth)
            except Misconfigured as error:
                raise Misconfigured(f"provider '{self.name}', {error}") from None
        await self._client.open()

    async def close(self) -> None:
        for batch in self._batches.values():
            await batch.close()
        await self._client.close()

    def address(self) -> Address:
        credential = freest(self.credentials, asyncio.get_running_loop().time())
        if credential is None:
            raise ProviderUnavailable("each credential of the provider is at one of its limits", retry_after_s=1.0)
        return Address(base_url=self.manifest.form.base_url, credential=credential.name)

    async def start(self, work: Work) -> Ticket | Output:
        credential = self._credential(work)
        credential.running.add(work.reference)
        try:
            started = await self._start(work, credential)
        except Ambiguous:
            raise  # it may well run: it goes on counting until someone knows
        except BaseException as error:
            # A canceled submit too: nobody would ever say that it has ended.
            self._ended(work, credential, error.cost_micro_usd if isinstance(error, Failure) else None)
            raise
        if isinstance(started, Output):
            self._ended(work, credential, started.cost_micro_usd)
        return started

    async def _start(self, work: Work, credential: Credential) -> Ticket | Output:
        words = words_of(work, self.manifest)
        if self.manifest.before:
            words = await self._upstream.prepare(words, work, credential)
        try:
            answer = await self._upstream.submit(words, work, credential)
        except NotSent as error:
            raise ProviderUnavailable(f"the provider was not reached: {error}") from None
        except Lost as error:
            self._nobody_knows(f"the answer of the provider was lost: {error}")
        words = with_answer(words, answer)
        self._upstream.check(answer, words, credential, phase="submit")
        if self.manifest.id is None:
            return await self._at_once(work, credential, words, answer)
        id = id_of(asked(self.manifest.id, words))
        if id is None:
            self._nobody_knows("the provider took the work and gave no id")
        ticket = _ticket(id, asked(self.manifest.keep, words) if self.manifest.keep else None)
        if len(ticket.ref) > LONGEST_REFERENCE:
            self._nobody_knows("the provider took the work and gave more to remember than there is place for")
        return ticket

    async def _at_once(self, work: Work, credential: Credential, words: Words, answer: Answer) -> Ticket | Output:
        """The answer is the result, and has been paid for: no trouble with it may send the work out again."""
        if self._collector.is_elsewhere(words):
            ticket = Ticket(msgspec.json.encode(Reference(answer=words["answer"])).decode())
            # What is too long to be written down is fetched now or never.
            if len(ticket.ref) <= LONGEST_REFERENCE:
                return ticket
        try:
            return await self._collector.output(work, credential, words, answer)
        except (ProviderRejected, ProviderUnavailable) as error:
            raise ProviderRejected(str(error), cost_micro_usd=self._upstream.cost(words)) from None

    async def rehearse(self, work: Work) -> Request:
        """What `start` would send, and nothing is sent."""
        return await self._upstream.rehearse(words_of(work, self.manifest), work, self._credential(work))

    def _nobody_knows(self, reason: str) -> NoReturn:
        """An upstream that honours our key may be asked again; any other may have been paid already."""
        if self.may_restart:
            raise ProviderUnavailable(reason)
        raise Ambiguous(reason)

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        credential = self._credential(work)
        credential.running.add(work.reference)
        try:
            state = await self._poll(work, ticket, credential)
        except ProviderUnavailable:
            raise
        except Failure as error:
            self._ended(work, credential, error.cost_micro_usd)
            raise
        if isinstance(state, Output):
            self._ended(work, credential, state.cost_micro_usd)
        return state

    async def _poll(self, work: Work, ticket: Ticket, credential: Credential) -> Output | Pending:
        words = _with_reference(words_of(work, self.manifest), ticket)
        if words["answer"] is not None:
            told = Answer(status=200, headers={}, body=b"", value=words["answer"])
            return await self._collector.output(work, credential, words, told)
        assert self.manifest.poll is not None
        try:
            if self.manifest.batch is not None:
                answer, item = await self._batch(work, credential).poll(str(words["id"]))
                words = {**with_answer(words, answer), "answer": item}
                if item is None:
                    raise LostThere
            else:
                answer = await self._upstream.ask(self.manifest.poll, words, work, credential)
                words = with_answer(words, answer)
            self._upstream.check(answer, words, credential, phase="poll")
        except LostThere:
            self._upstream.strike(work, "lost", Ambiguous(LOST))
        self._upstream.forget(work.reference, "lost")
        return await self._state(work, credential, words, answer)

    async def _state(self, work: Work, credential: Credential, words: Words, answer: Answer) -> Output | Pending:
        assert self.manifest.status is not None
        word = asked(self.manifest.status, words)
        match self.manifest.statuses.get(word if isinstance(word, str) else msgspec.json.encode(word).decode()):
            case "completed":
                return await self._collector.completed(work, credential, words, answer)
            case "failed":
                raise self._upstream.judge.failed(words, credential, cost_micro_usd=self._upstream.cost(words))
            case "canceled":
                raise ProviderRejected("it was canceled at the provider", cost_micro_usd=self._upstream.cost(words))
            case "queued" | "running":
                return Pending(after_s=self._after_s(words, answer), progress=self._progress(words))
            case _:
                said = _printable(credential.blank(str(word)))
                log.warning("an upstream's status is not known", provider=self.name, status=said)
                return Pending(after_s=self._after_s(words, answer), word=said)

    async def lookup(self, work: Work) -> Ticket | Output | None:
        assert self.manifest.lookup is not None
        assert self.manifest.found_id is not None
        assert self.manifest.absent is not None
        credential = self._credential(work)
        words = words_of(work, self.manifest)
        answer = await self._upstream.ask(self.manifest.lookup, words, work, credential)
        words = with_answer(words, answer)
        id = id_of(asked(self.manifest.found_id, words))
        if id is not None:
            return _ticket(id, asked(self.manifest.found_keep, words) if self.manifest.found_keep else None)
        # Whatever `absent` makes of the body of an error: who is out of order does not say what it knows.
        if answer.status in SAYS_NOTHING or answer.status >= 500 or not asked(self.manifest.absent, words):
            raise ProviderUnavailable("the provider does not say whether it took the work")
        # What was sent last may be written there after it can be looked up.
        if not self._upstream.is_believed(work.reference, "absent"):
            raise ProviderUnavailable("the provider does not know of the work yet")
        credential.running.discard(work.reference)
        return None

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        credential = self._credential(work)
        credential.running.discard(work.reference)
        if self.manifest.cancel is None:
            raise ProviderUnavailable("this provider cannot cancel")
        words = _with_reference(words_of(work, self.manifest), ticket)
        answer = await self._upstream.ask(self.manifest.cancel, words, work, credential)
        if not answer.is_fine:
            raise ProviderUnavailable(f"the provider answered {answer.status}")

    def _batch(self, work: Work, credential: Credential) -> Batch:
        known = self._batches.get(work.address)
        if known is None:
            assert self.manifest.batch is not None
            known = Batch(self._ask_many(work, credential), most=self.manifest.batch.most)
            self._batches[work.address] = known
        return known

    def _ask_many(self, work: Work, credential: Credential) -> "Callable[[Sequence[str]], Any]":
        batch = self.manifest.batch
        assert batch is not None

        async def ask(ids: Sequence[str]) -> tuple[Answer, Items]:
            words: Words = {"id": list(ids)}
            answer = await self._upstream.ask(batch.call, words, work, credential)
            words = with_answer(words, answer)
            self._upstream.check(answer, words, credential, phase="poll")
            items = asked(batch.items, words) or []
            if not isinstance(items, list):
                raise ProviderUnavailable("the provider's answer is no list of works")
            return answer, {str(asked(batch.item_id, {"item": item})): item for item in items}

        return ask

    def _credential(self, work: Work) -> Credential:
        try:
            return self.credentials[work.address.credential]
        except KeyError:
            log.error(
                "a credential that work was sent with is gone", provider=self.name, credential=work.address.credential
            )
            raise ProviderUnavailable("the credential that this was sent with is not here any more") from None

    def _ended(self, work: Work, credential: Credential, cost_micro_usd: int | None) -> None:
        credential.running.discard(work.reference)
        credential.spent_usd += (cost_micro_usd or 0) / 1e6
        self._upstream.forget(work.reference, "lost", "lost result", "empty")

    def _progress(self, words: Words) -> float | None:
        return part_of(asked(self.manifest.progress, words)) if self.manifest.progress else None

    def _after_s(self, words: Words, answer: Answer) -> float | None:
        told = seconds_of(asked(self.manifest.after_s, words)) if self.manifest.after_s else None
        return retry_after_s(answer, self._clock) if told is None else told


def _ticket(id: str, kept: Any) -> Ticket:
    reference = Reference(id=id, kept=kept if isinstance(kept, Mapping) else None)
    return Ticket(msgspec.json.encode(reference).decode())


def _printable(word: str) -> str:
    return "".join(letter for letter in word[:LONGEST_WORD] if letter.isprintable())


def _with_reference(words: Words, ticket: Ticket) -> Words:
    reference = msgspec.json.decode(ticket.ref, type=Reference)
    return {**words, "id": reference.id, "kept": dict(reference.kept or {}), "answer": reference.answer}


__all__ = ["ManifestProvider", "Reference"]
