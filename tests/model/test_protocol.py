"""The protocol on the real store, in any order and with crashes; and with each of its laws taken away, which shows."""

import os
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.beside import Broken
from tests.model.ground import LAWFUL, Lawless, sqlite
from tests.model.machine import Machine

EXAMPLES = int(os.environ.get("DARKROOM_MODEL_EXAMPLES", "0"))
"""More of them, and others each time; hypothesis prints how to repeat the one that fails."""

BOUNDED = settings(
    max_examples=EXAMPLES or 30,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SEARCH = settings(BOUNDED, max_examples=400, derandomize=True, phases=[Phase.generate])


def search(lawless: Lawless, how: settings) -> None:
    run_state_machine_as_test(cast("type[Machine]", lambda: Machine(sqlite, lawless)), settings=how)


def test_the_store_keeps_to_the_protocol() -> None:
    search(LAWFUL, BOUNDED)


FENCE = "AND status = 'running' AND attempt = :attempt"
TELL = "VALUES (:id, :status, :now, :writer)"


LAWS = (
    # The fence, in settle, hand back and the ticket's note: its number, its status, and the whole of it.
    Lawless(reworded=(FENCE, "AND status = 'running'")),
    Lawless(reworded=(FENCE, "AND attempt = :attempt")),
    Lawless(reworded=(FENCE, "")),
    Lawless(reworded=("AND status = 'queued'\nRETURNING", "\nRETURNING")),
    Lawless(reworded=("AND status IN ('queued', 'running')", "")),
    Lawless(dropped="DROP INDEX entry_once"),
    Lawless(dropped="DROP TRIGGER generation_moves"),
    Lawless(dropped="DROP TRIGGER entry_is_never_updated"),
    Lawless(dropped="DROP TRIGGER entry_is_never_deleted"),
    Lawless(reads_unlocked=True),
    Lawless(commits_each=True),
    Lawless(reworded=("WHERE settled_at IS NULL AND status = 'running'", "WHERE attempt = 1")),
    Lawless(reworded=(TELL, "SELECT :id, :status, :now, :writer WHERE :status != 'canceled'")),
)


@pytest.mark.parametrize(
    "lawless",
    LAWS,
    ids=[
        "the attempt's number in the fence",
        "the status in the fence",
        "the fence",
        "begin only what is queued",
        "cancel only what has not ended",
        "the unique index",
        "the table of moves",
        "no entry is updated",
        "no entry is deleted",
        "read and move under one lock",
        "one transaction",
        "rescue all that ran",
        "an event for each change",
    ],
)
def test_a_law_that_is_taken_away_is_missed(lawless: Lawless) -> None:
    # A disagreement, or another law that is met behind it: that the store breaks altogether would prove nothing.
    with pytest.raises(Broken, match=r"expected|ConstraintError"):
        search(lawless, SEARCH)
