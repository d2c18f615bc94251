"""What an answer means: the manifest's rules first, then what its HTTP status says to everyone.

| | submit | poll, result |
|---|---|---|
| 2xx | taken | told |
| 400, 413, 422 | rejected | unavailable: asked again |
| 401, 402, 403, 404, 405, 408, 429 | unavailable: certainly not taken | unavailable (404: lost) |
| 5xx | nobody knows, but for those of `not_taken` | unavailable: asked again |
| anything else | unavailable | unavailable |

A submit under a key that is honoured can be made again: its 5xx is unavailable. A call before the submit is judged as
one, but that its 5xx says for certain that the work was not taken.
"""

from typing import Literal

import structlog

from darkroom.clock import Clock
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.providers.client import Answer
from darkroom.providers.credentials import Credential
from darkroom.providers.manifest.calls import retry_after_s, sanitized
from darkroom.providers.manifest.compiled import Manifest, Rule
from darkroom.providers.manifest.figures import seconds_of
from darkroom.providers.manifest.language import LanguageError, holds
from darkroom.providers.manifest.words import Words

log = structlog.get_logger(__name__)

Phase = Literal["before", "submit", "poll", "result"]

BUSY_S = 2.0
REST_S = 60.0
"""How long a key is left alone after it was used too often, and after the upstream would not have it."""

REFUSED = "the content rules of the provider said no"
REJECTED = "the provider did not take this request"
FAILED = "the provider could not make this"
LOST = "the provider does not know this work (any more)"


class LostThere(Exception):
    """The upstream says that it does not know an id that it gave."""


class Judge:
    def __init__(self, manifest: Manifest, clock: Clock) -> None:
        self._manifest = manifest
        self._clock = clock

    def check(self, answer: Answer, words: Words, credential: Credential, *, phase: Phase) -> None:
        """Returns for an answer that goes on; raises a `Failure`, or `LostThere`, for one that does not."""
        rule = self._rule(words, phase)
        if rule is not None:
            raise self._by_rule(rule, answer, words, credential, phase)
        if answer.is_fine:
            return
        log.warning(
            "an upstream said no",
            provider=self._manifest.name,
            phase=phase,
            status=answer.status,
            message=self.message(words, credential),
        )
        raise self._by_status(answer, words, credential, phase)

    def rest_s(self, answer: Answer, words: Words, phase: Phase) -> float | None:
        """How long the key that an answer was given to should be left alone; None where it goes on."""
        rule = self._rule(words, phase)
        means = rule.form.means if rule is not None else ""
        if means == "rate_limited" or answer.status == 429:
            return self._after(answer, words) or BUSY_S
        if means == "key_refused" or answer.status in (401, 402, 403):
            return self._after(answer, words) or REST_S
        return None

    def failed(self, words: Words, credential: Credential, *, cost_micro_usd: int | None) -> Failure:
        """What a status that means `failed` comes to, where no rule said more."""
        return ProviderRejected(self.message(words, credential) or FAILED, cost_micro_usd=cost_micro_usd)

    def message(self, words: Words, credential: Credential) -> str:
        message = self._manifest.message
        if message is None:
            return ""
        try:
            return sanitized(message(words), credential)
        except LanguageError:
            return ""

    def _rule(self, words: Words, phase: Phase) -> Rule | None:
        for rule in self._manifest.rules:
            if rule.form.during in ("", phase) and _holds(rule, words):
                return rule
        return None

    def _by_rule(
        self, rule: Rule, answer: Answer, words: Words, credential: Credential, phase: Phase
    ) -> Failure | LostThere:
        said = rule.form.say
        match rule.form.means:
            case "content_refused":
                return ContentRefused(said or self.message(words, credential) or REFUSED)
            case "rejected":
                return ProviderRejected(said or self.message(words, credential) or REJECTED)
            case "rate_limited":
                return self._busy(answer, words)
            case "unavailable" | "key_refused":
                return ProviderUnavailable(
                    said or "the provider is not available", retry_after_s=self._after(answer, words)
                )
            case _:
                return (
                    Ambiguous(said or "nobody knows whether the provider took it") if phase == "submit" else LostThere()
                )

    def _by_status(self, answer: Answer, words: Words, credential: Credential, phase: Phase) -> Failure | LostThere:
        if phase in ("poll", "result"):
            if answer.status in (404, 410):
                return LostThere()
            return ProviderUnavailable(
                f"the provider answered {answer.status}", retry_after_s=self._after(answer, words)
            )
        if answer.status in (400, 413, 422):
            return ProviderRejected(self.message(words, credential) or REJECTED)
        if answer.status == 429:
            return self._busy(answer, words)
        form = self._manifest.form.submit
        # Where our key is honoured, it is asked again under it.
        is_told = answer.status < 500 or answer.status in form.not_taken or form.idempotency
        if phase == "submit" and not is_told:
            return Ambiguous(f"the provider answered {answer.status}, which does not say whether it took the work")
        return ProviderUnavailable(f"the provider answered {answer.status}", retry_after_s=self._after(answer, words))

    def _busy(self, answer: Answer, words: Words) -> ProviderUnavailable:
        return ProviderUnavailable("the provider takes no more for now", retry_after_s=self._after(answer, words))

    def _after(self, answer: Answer, words: Words) -> float | None:
        told = retry_after_s(answer, self._clock)
        if told is not None or self._manifest.retry_after_s is None:
            return told
        try:
            found = self._manifest.retry_after_s(words)
        except LanguageError:
            return None
        return seconds_of(found) or None


def _holds(rule: Rule, words: Words) -> bool:
    try:
        return holds(rule.when(words))
    except LanguageError:
        return False  # a rule about a field that this answer does not have
