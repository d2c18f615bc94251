"""What the conformance suite asks of which manifest, and why not where it does not; `python -m tests.providers.matrix`
prints the table that `docs/providers.md` shows."""

from collections.abc import Callable

import pytest

from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.reading import SHIPPED, read, shipped
from tests.providers.fakes import FAKES
from tests.providers.fakes.fake import Fake

YES = "✓"

AT_ONCE = "at once"
Because = Callable[[Fake, Manifest], str]


def always(fake: Fake, manifest: Manifest) -> str:
    return ""


def polled(fake: Fake, manifest: Manifest) -> str:
    return AT_ONCE if fake.is_sync else ""


def fetched(fake: Fake, manifest: Manifest) -> str:
    return "" if fake.has_files else "in its answers"


def worded(fake: Fake, manifest: Manifest) -> str:
    return polled(fake, manifest) or ("" if fake.has_status_words else "no words")


def canceled(fake: Fake, manifest: Manifest) -> str:
    return worded(fake, manifest) or ("" if "canceled" in manifest.statuses.values() else "no word")


def cancelable(fake: Fake, manifest: Manifest) -> str:
    return polled(fake, manifest) or ("no call" if manifest.cancel is None else "")


def ruled(fake: Fake, manifest: Manifest) -> str:
    return "" if fake.has_content_rules else "no rules"


PARTS: dict[str, Because] = {"polled": polled, "fetched": fetched}
"""What is about some of them, and has no column."""

CASES: dict[str, tuple[str, Because]] = {
    "submit": ("submit, completed", always),
    "failed": ("failed", polled),
    "canceled": ("canceled", canceled),
    "odd word": ("odd word", worded),
    "lost id": ("lost id", polled),
    "cancel": ("cancel", cancelable),
    "429": ("429", always),
    "5xx": ("5xx", always),
    "cut": ("cut", always),
    "slow": ("slow result", always),
    "large": ("large result", always),
    "refusal": ("refusal", ruled),
}
"""By their names in the suite: the column's title, and why a manifest is not asked."""


def needs(name: str, case: str) -> None:
    """Goes on where the case is about this manifest, and skips the test where it is not."""
    reason = why_not(name, case)
    if reason:
        pytest.skip(reason)


def why_not(name: str, case: str) -> str:
    because = PARTS[case] if case in PARTS else CASES[case][1]
    return because(FAKES[name](), read(SHIPPED / f"{name}.toml"))


def table() -> str:
    """A row for each shipped manifest, a column for each case."""
    rows = [["manifest", *(title for title, _ in CASES.values())], ["---"] * (len(CASES) + 1)]
    rows += [[f"`{name}`", *(why_not(name, case) or YES for case in CASES)] for name in shipped()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    print(table(), end="")
