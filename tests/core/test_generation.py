"""The table of moves, stated by hand here, in `docs/generations.md` and in the code: all three are the same."""

from pathlib import Path

from darkroom.credits import Credits
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
