"""The conversation with one upstream: calls, what their answers come to, and what is not believed at once."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import structlog

from darkroom.clock import Clock
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Work
from darkroom.providers.client import Answer, Lost, NotSent, Request, UpstreamClient
from darkroom.providers.credentials import Credential, Signed, sign
from darkroom.providers.manifest.calls import Caller
from darkroom.providers.manifest.compiled import Before, Call, Manifest
from darkroom.providers.manifest.figures import micro_usd_of
from darkroom.providers.manifest.language import Expression, LanguageError, holds
from darkroom.providers.manifest.verdicts import Judge, LostThere, Phase
from darkroom.providers.manifest.words import Words, with_answer

log = structlog.get_logger(__name__)

STRIKES = 3
"""So often an upstream must say the same unlikely thing before it is believed: that it has lost our work, that it never
had it, that it is finished without a result. Their reads lag behind their writes."""


class Upstream:
    def __init__(self, manifest: Manifest, *, client: UpstreamClient, clock: Clock) -> None:
        self.manifest = manifest
        self.judge = Judge(manifest, clock)
        self._caller = Caller(manifest, client, clock)
        self._clock = clock
        self._strikes: Counter[tuple[str, str]] = Counter()

    async def prepare(self, words: Words, work: Work, credential: Credential) -> Words:
        """The calls before the submit, and the words with what they keep. Whatever goes wrong with one, the work was
        not taken."""
        kept: dict[str, Any] = {}
        words = {**words, "before": kept}
        for before in self.manifest.before:
            if before.when is not None and not holds(asked(before.when, words)):
                continue
            if before.each is None:
                kept[before.name] = await self._before(before, words, work, credential)
                continue
            items = [item for item in asked(before.each, words) or [] if item is not None]
            kept[before.name] = [
                await self._before(before, {**words, "item": item}, work, credential) for item in items
            ]
        return words

    async def _before(self, before: Before, words: Words, work: Work, credential: Credential) -> Any:
        try:
            answer = await self._caller.call(
                before.call,
                words,
                base_url=work.address.base_url,
                credential=credential,
                limit_s=self.manifest.form.limits.submit_s,
            )
            words = with_answer(words, answer)
            self.check(answer, words, credential, phase="before")
        except (NotSent, Lost, LostThere) as error:
            raise ProviderUnavailable(f"'{before.name}', before the submit: {error}") from None
        return asked(before.keep, words)

    async def submit(self, words: Words, work: Work, credential: Credential) -> Answer:
        """The call that costs. Raises `NotSent` and `Lost`."""
        return await self._caller.call(
            self.manifest.submit,
            words,
            base_url=work.address.base_url,
            credential=credential,
            limit_s=self.manifest.form.limits.submit_s,
            headers=self._key(work),
            is_paid=True,
        )

    async def rehearse(self, words: Words, work: Work, credential: Credential) -> Request:
        """What `submit` would send, and nothing is sent."""
        return await self._caller.request(
            self.manifest.submit,
            words,
            base_url=work.address.base_url,
            credential=credential,
            limit_s=self.manifest.form.limits.submit_s,
            headers=self._key(work),
        )

    def _key(self, work: Work) -> Mapping[str, str]:
        header = self.manifest.form.submit.idempotency
        return {header: work.reference} if header else {}

    async def ask(self, call: Call, words: Words, work: Work, credential: Credential) -> Answer:
        """A call that costs nothing: whatever goes wrong with it, it can be made again."""
        try:
            return await self._caller.call(
                call,
                words,
                base_url=work.address.base_url,
                credential=credential,
                limit_s=self.manifest.form.limits.answer_s,
            )
        except (NotSent, Lost) as error:
            raise ProviderUnavailable(f"the provider did not answer: {error}") from None
        except ProviderRejected as error:
            # An expression that does not fit what was kept: nothing is known of the work itself.
            raise Ambiguous(str(error)) from None

    async def request(self, call: Call, words: Words, work: Work, credential: Credential) -> Request:
        """A call, ready to be made: for a result to be downloaded, or to be looked at."""
        return await self._caller.request(
            call,
            words,
            base_url=work.address.base_url,
            credential=credential,
            limit_s=self.manifest.form.limits.result_s,
        )

    def signed(self, credential: Credential) -> Signed:
        return sign(self.manifest.form.auth, credential, now=self._clock.now().timestamp())

    def check(self, answer: Answer, words: Words, credential: Credential, *, phase: Phase) -> None:
        try:
            self.judge.check(answer, words, credential, phase=phase)
        except ProviderUnavailable:
            rest_s = self.judge.rest_s(answer, words, phase)
            if rest_s is not None:
                self._rest(credential, rest_s, answer.status)
            raise
        except (ContentRefused, ProviderRejected) as error:
            # What is refused in the end may have been billed all the same.
            error.cost_micro_usd = self.cost(words)
            raise

    def _rest(self, credential: Credential, rest_s: float, status: int) -> None:
        credential.resting_until = asyncio.get_running_loop().time() + rest_s
        log.warning(
            "a credential rests", provider=self.manifest.name, credential=credential.name, status=status, rest_s=rest_s
        )

    def strike(self, work: Work, what: str, out: Failure) -> NoReturn:
        """Believed at the third time; until then it is asked again."""
        if self.is_believed(work.reference, what):
            raise out
        raise ProviderUnavailable(str(out))

    def is_believed(self, reference: str, what: str) -> bool:
        self._strikes[reference, what] += 1
        if self._strikes[reference, what] < STRIKES:
            return False
        del self._strikes[reference, what]
        return True

    def forget(self, reference: str, *whats: str) -> None:
        for what in whats:
            self._strikes.pop((reference, what), None)

    def cost(self, words: Words) -> int | None:
        if self.manifest.usd is None:
            return None
        try:
            return micro_usd_of(self.manifest.usd(words))
        except LanguageError:
            return None


def asked(expression: Expression, words: Words) -> Any:
    """Null where the answer has another shape than the manifest expects: never an end, never a failure."""
    try:
        return expression(words)
    except LanguageError as error:
        log.warning("an answer does not fit its manifest", reason=str(error))
        return None
