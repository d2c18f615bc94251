"""Every error that Darkroom raises on purpose. They ask whose turn it is, and know nothing of HTTP.

DarkroomError
├── Rejected                 the caller can mend it; nothing was stored, nothing was held
│   ├── Unauthenticated      no key came along, or not in the form the dialect asks for
│   │   ├── UnknownKey       a key came, and no account has it
│   │   └── RevokedKey       a key came that its account has revoked
│   ├── Forbidden            the key is good; this is not for its account
│   │   ├── NotYours         another account's work, told only where the dialect's documents tell it
│   │   ├── PlanTooLow       the account's plan does not include this
│   │   └── ModelNotAllowed  the plan does not include this model
│   ├── NotFound             no such thing, or no longer
│   │   ├── Gone             it was here: its bytes have been deleted
│   │   └── WrongMethod      there is such a path, for other methods
│   ├── UnknownModel         the catalogue has no such model
│   ├── ModelUnavailable     a model we know of and do not run
│   ├── InvalidInput         the request's words are off: which, how, and what is allowed
│   │   └── BodyTooLarge
│   │       ├── AssetTooLarge    one asset has more bytes than the plan takes
│   │       └── StorageFull      all of the account's together have
│   ├── IdempotencyConflict  a key that came with another request before
│   ├── InsufficientCredits
│   ├── LimitReached         too many calls in a window of time
│   ├── TooManyInFlight      too many generations at once
│   └── Unavailable          we are stopping; ask again in a moment
├── Failure                  accepted work that made no asset; its hold is released
│   ├── ContentRefused       the provider's content rules said no
│   ├── ProviderRejected     the provider said no, for good
│   ├── ProviderUnavailable  the provider did not take the work (may be tried again)
│   ├── ProviderTimedOut     the provider took the work and did not finish in time
│   ├── DeadlineExceeded     its caller gave it so much time, and that has passed
│   ├── InputUnusable        an input medium could not be fetched or read
│   └── Ambiguous            nobody knows whether the provider took the work
├── Broken                   a bug or a lost race: logged, never shown
│   ├── StaleAttempt         another attempt has taken over; ours no longer counts
│   └── MustWait             its account runs as many as its plan lets it; it is queued as before
└── Misconfigured            the operator can mend it; the start stops
    └── WrongFile            a file of the installation: which one, which line, and why
        ├── CatalogueError   a model file is wrong: which file, which line, and why
        └── ManifestError    a provider's file
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar


class StoreAway(ConnectionError):
    """The database does not answer: what was asked for may have been done, or not. It stands outside of the tree, as it
    says nothing about the work: whoever has something to write down asks again."""


class DarkroomError(Exception):
    code: ClassVar[str] = "internal_error"


class Rejected(DarkroomError):
    """The caller can mend it; nothing was stored, nothing was held. `modality` is that of the model asked for, where
    one was found before the refusal: some dialects' codes begin with it."""

    modality: str = ""


class Unauthenticated(Rejected):
    code = "unauthenticated"

    def __init__(self, message: str = "send your API key as 'Authorization: Bearer YOUR_KEY'") -> None:
        super().__init__(message)


class UnknownKey(Unauthenticated):
    code = "key_invalid"

    def __init__(self) -> None:
        super().__init__("this API key is not known here; make one with 'darkroom key create ACCOUNT'")


class RevokedKey(Unauthenticated):
    code = "key_revoked"

    def __init__(self) -> None:
        super().__init__("this API key was revoked; make another with 'darkroom key create ACCOUNT'")


class Forbidden(Rejected):
    code = "forbidden"


class NotYours(Forbidden):
    code = "not_yours"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} belongs to another account")
        self.what = what


class PlanTooLow(Forbidden):
    code = "plan_too_low"

    def __init__(self, *, plan: str, needs: str) -> None:
        super().__init__(f"plan '{plan}' does not include this; it needs {needs}")
        self.plan = plan
        self.needs = needs


class ModelNotAllowed(Forbidden):
    code = "model_not_allowed"

    def __init__(self, model: str, *, plan: str) -> None:
        super().__init__(f"plan '{plan}' does not include the model '{model}'")
        self.model = model
        self.plan = plan


class NotFound(Rejected):
    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was not found")
        self.what = what


class Gone(NotFound):
    """It was here, and its bytes have been deleted: `reason` is deleted (by its owner) or expired."""

    code = "gone"

    def __init__(self, what: str, *, reason: str, at: datetime | None) -> None:
        super().__init__(what)
        when = "" if at is None else f" at {at:%Y-%m-%dT%H:%M:%SZ}"
        self.args = (f"{what} is gone: it {'expired' if reason == 'expired' else 'was deleted'}{when}",)
        self.reason = reason
        self.at = at


class WrongMethod(NotFound):
    code = "wrong_method"

    def __init__(self, method: str, path: str, *, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} {path}")
        self.args = (f"{method} is not a method of {path}; allowed: {', '.join(allowed)}",)
        self.allowed = tuple(allowed)


class UnknownModel(Rejected):
    code = "unknown_model"

    def __init__(self, model: str, *, near: Sequence[str] = ()) -> None:
        hint = f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
        super().__init__(f"there is no model '{model}'{hint}")
        self.model = model
        self.near = tuple(near)


class ModelUnavailable(Rejected):
    code = "model_unavailable"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"the model '{model}' is not available here: {reason}")
        self.model = model


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: the field's path (`""` is the body itself), and what is allowed there. `allowed`
    lists the choices where there are some, for the dialects that word them in their own way."""

    field: str
    message: str
    allowed: tuple[str, ...] = dataclasses.field(default=(), compare=False)


class InvalidInput(Rejected):
    code = "invalid_input"

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems))
        self.problems = problems

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidInput":
        return cls(Problem(field, message))


class BodyTooLarge(InvalidInput):
    code = "body_too_large"

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(Problem("", f"the request is larger than {limit_bytes} bytes, the most that is taken here"))
        self.limit_bytes = limit_bytes

    def _say(self, message: str) -> None:
        self.problems = (Problem("", message),)
        self.args = (message,)


class AssetTooLarge(BodyTooLarge):
    code = "asset_too_large"

    def __init__(self, *, limit_bytes: int, plan: str) -> None:
        super().__init__(limit_bytes=limit_bytes)
        self._say(f"an asset may have {limit_bytes} bytes at most in plan '{plan}'")
        self.plan = plan


class StorageFull(BodyTooLarge):
    """`used_bytes` are what the account has stored already."""

    code = "storage_full"

    def __init__(self, *, limit_bytes: int, used_bytes: int, plan: str) -> None:
        super().__init__(limit_bytes=limit_bytes)
        self._say(
            f"an account may store {limit_bytes} bytes in plan '{plan}', and {used_bytes} are; delete some assets"
        )
        self.used_bytes = used_bytes
        self.plan = plan


class IdempotencyConflict(Rejected):
    """Never answered as a conflict of the moment: client libraries send a 409 again, up to ten times."""

    code = "idempotency_conflict"

    def __init__(self) -> None:
        super().__init__(
            "this idempotency key came with another request in the last 24 hours; send that request again, or a new key"
        )


class InsufficientCredits(Rejected):
    """The account cannot cover the quoted price. Both figures in micro-credits."""

    code = "insufficient_credits"

    def __init__(self, *, needed: int, available: int) -> None:
        super().__init__(f"this costs {needed / 1e6:g} credits and {available / 1e6:g} are available")
        self.needed = needed
        self.available = available


class LimitReached(Rejected):
    """Too many calls in a window of time. `limits` are all of the plan's, by window; None is no limit."""

    code = "rate_limited"

    def __init__(
        self,
        *,
        limit: int,
        window: str,
        plan: str,
        retry_after_s: int,
        title: str = "",
        limits: Mapping[str, int | None] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"plan '{plan}' allows {limit} calls per {window}; ask again in {retry_after_s} s")
        self.limit = limit
        self.window = window
        self.plan = plan
        self.retry_after_s = retry_after_s
        self.title = title
        self.limits = limits


class TooManyInFlight(Rejected):
    code = "too_many_in_flight"

    def __init__(self, *, limit: int, plan: str) -> None:
        super().__init__(f"plan '{plan}' allows {limit} unfinished generations at once; wait for one to finish")
        self.limit = limit
        self.plan = plan


class Unavailable(Rejected):
    code = "unavailable"

    def __init__(self, message: str = "the server is stopping; ask again in a moment") -> None:
        super().__init__(message)


class Failure(DarkroomError):
    """Accepted work that made no asset; its hold is released. `retry_after_s` is when the provider wants to be asked
    again; `cost_micro_usd` is what it billed all the same, where it said so."""

    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None, cost_micro_usd: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.cost_micro_usd = cost_micro_usd


class ContentRefused(Failure):
    code = "content_refused"


class ProviderRejected(Failure):
    code = "provider_rejected"


class ProviderUnavailable(Failure):
    """The work was certainly not taken, so trying again cannot pay twice."""

    code = "provider_unavailable"
    is_retryable = True


class ProviderTimedOut(Failure):
    code = "provider_timed_out"


class DeadlineExceeded(Failure):
    code = "deadline_exceeded"


class InputUnusable(Failure):
    code = "input_unusable"


class Ambiguous(Failure):
    """The paid call went out and its answer was lost: never taken for a yes, nor for a no."""

    code = "ambiguous"


class Broken(DarkroomError):
    """A bug or a lost race: logged, never shown."""


class StaleAttempt(Broken):
    pass


class MustWait(Broken):
    pass


class Misconfigured(DarkroomError):
    """The operator can mend it; the start stops."""

    code = "misconfigured"


class WrongFile(Misconfigured):
    """A file is wrong. `line` is counted from 1."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class CatalogueError(WrongFile):
    code = "catalogue_error"


class ManifestError(WrongFile):
    code = "manifest_error"
