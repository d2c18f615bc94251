"""Sandbox directives in a prompt, as payment sandboxes have test cards: `[sandbox: fail content]` and the like."""

import re
from dataclasses import dataclass, replace

from darkroom.errors import InvalidInput

FAILURES = ("content", "provider", "timeout")
WAIT_AT_MOST_S = 3600.0
ALLOWED = "fail content, fail provider, fail timeout, unavailable NUMBER, wait SECONDS, lost"

_DIRECTIVE = re.compile(r"\[\s*sandbox\s*:([^\]]*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Directives:
    """`fail` is one of `FAILURES`; `is_lost` loses the answer to the submit; the first `unavailable` attempts fail."""

    fail: str | None = None
    wait_s: float | None = None
    is_lost: bool = False
    unavailable: int = 0


def read(prompt: str) -> tuple[Directives, str]:
    """The directives of a prompt and the prompt without them. Raises `InvalidInput` for one that is not known."""
    found = Directives()
    for order in _DIRECTIVE.findall(prompt):
        found = _obey(found, order.strip())
    rest = _DIRECTIVE.sub(" ", prompt)
    return found, prompt if rest == prompt else " ".join(rest.split())


def _obey(found: Directives, order: str) -> Directives:
    match order.lower().split():
        case ["fail", kind] if kind in FAILURES:
            return replace(found, fail=kind)
        case ["wait", number] if _is_number(number):
            return replace(found, wait_s=min(float(number), WAIT_AT_MOST_S))
        case ["unavailable", number] if number.isascii() and number.isdigit():
            return replace(found, unavailable=int(number))
        case ["lost"]:
            return replace(found, is_lost=True)
    raise InvalidInput.of("prompt", f"'[sandbox: {order}]' is not known here; allowed are {ALLOWED}")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII) is not None
