"""The table of moves, stated by hand here, in `docs/generations.md` and in the code: all three are the same."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from darkroom.credits import Credits
from darkroom.errors import IllegalTransition
from darkroom.generation import TERMINAL, TRANSITIONS, Generation, Status
from darkroom.testing import FrozenClock

NOW = FrozenClock().now()
DOCS = Path(__file__).parents[2] / "docs"

MOVES = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "canceled"),
    ("running", "queued"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "canceled"),
}
ENDS = {"completed", "failed", "canceled"}


def a_generation(status: Status = Status.QUEUED) -> Generation:
    return Generation(
        id="g1",
        number=1,
        account_id="a1",
        dialect="native",
        model="reel",
        modality="video",
        task="text-to-video",
        provider="sketch",
        inputs={},
        wire={},
        quote=Credits(40),
        created_at=NOW,
        status=status,
    )


def test_the_code_has_these_moves_and_no_others() -> None:
    assert {(str(source), str(target)) for source, targets in TRANSITIONS.items() for target in targets} == MOVES
    assert set(TRANSITIONS) == set(Status)
    assert {str(status) for status in TERMINAL} == ENDS


def test_the_document_has_these_moves_and_no_others() -> None:
    assert {(row[0], row[1]) for row in rows_of(DOCS / "generations.md", "| from | to |")} == MOVES


@pytest.mark.parametrize(("source", "target"), list(product(Status, Status)))
def test_advance(source: Status, target: Status) -> None:
    if (source, target) not in MOVES:
        with pytest.raises(IllegalTransition):
            a_generation(source).advance(target, now=NOW)
        return
    moved = a_generation(source).advance(target, now=NOW)
    assert moved.status is target
    assert moved.attempt == (1 if target == "running" else 0)
    assert moved.settled_at == (NOW if target in ENDS else None)
    assert moved.is_terminal == (target in ENDS)


def test_a_second_attempt_counts_on_and_keeps_its_first_start() -> None:
    later = NOW + timedelta(minutes=1)
    once = a_generation().advance(Status.RUNNING, now=NOW).advance(Status.QUEUED, now=NOW)
    twice = once.advance(Status.RUNNING, now=later)
    assert (twice.attempt, twice.started_at) == (2, NOW)


def rows_of(file: Path, head: str) -> list[list[str]]:
    """The cells of the Markdown table that begins with `head`."""
    lines = file.read_text("utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(head))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
