"""The protocol on the real store, in any order and with crashes; and with each of its laws taken away, which shows."""

import os
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.model.beside import Broken
from tests.model.ground import LAWFUL, Grounds, Lawless, on_sqlite
from tests.model.machine import Machine
from tests.model.on_postgres import on_postgres

EXAMPLES = int(os.environ.get("DARKROOM_MODEL_EXAMPLES", "0"))
"""More of them, and others each time; hypothesis prints how to repeat the one that fails."""

BOUNDED = settings(
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SEARCH = settings(BOUNDED, max_examples=400, derandomize=True, phases=[Phase.generate])


def search(grounds: Grounds, lawless: Lawless, how: settings) -> None:
    """Raises `Broken`: it counts also when the same steps do not lead to it again, as in a race."""
    breaks: list[Broken] = []
    try:
        run_state_machine_as_test(cast("type[Machine]", lambda: Machine(grounds, lawless, breaks)), settings=how)
    except Flaky:
        if breaks:
            raise breaks[0] from None
        raise


@pytest.mark.parametrize(("grounds", "examples"), [(on_sqlite, 20), (on_postgres, 8)], ids=["sqlite", "postgres"])
def test_the_store_keeps_to_the_protocol(grounds: Grounds, examples: int) -> None:
    search(grounds, LAWFUL, settings(BOUNDED, max_examples=EXAMPLES or examples))


def without(words: str, said: str) -> Lawless:
    """One place where the words are said, without them."""
    return Lawless(reworded=((said, said.replace(words, "")),))


FENCE = "AND status = 'running' AND attempt = :attempt"
TELL = "INSERT INTO event (generation_id, status, at, writer) VALUES (?, ?, ?, ?)"

SQLITE = {
    # In settle, hand back and the ticket's note.
    "the attempt's number in the fence": Lawless(reworded=((FENCE, "AND status = 'running'"),)),
    "the status in the fence": Lawless(reworded=((FENCE, "AND attempt = :attempt"),)),
    "the fence": Lawless(reworded=((FENCE, ""),)),
    "the fence of a settlement": without(FENCE, f"* 1000000\n WHERE id = :id {FENCE}"),
    "the fence of a hand-back": without(FENCE, f"coalesce(:provider, provider)\n WHERE id = :id {FENCE}"),
    "the fence of a ticket": without(FENCE, f"AND EXISTS (SELECT 1 FROM generation WHERE id = :id {FENCE})"),
    "the fence of an outcome": without(FENCE, f"SELECT * FROM generation WHERE id = :id {FENCE}"),
    "what a key has led to": Lawless(reworded=(("AND key = :key AND at >= :since", "AND key = :key AND FALSE"),)),
    "begin only what is queued": Lawless(reworded=(("AND status = 'queued'\nRETURNING", "\nRETURNING"),)),
    "cancel only what has not ended": Lawless(reworded=(("AND status IN ('queued', 'running')", ""),)),
    "the unique index": Lawless(dropped="DROP INDEX entry_once"),
    "the table of moves": Lawless(dropped="DROP TRIGGER generation_moves"),
    "no entry is updated": Lawless(dropped="DROP TRIGGER entry_is_never_updated"),
    "no entry is deleted": Lawless(dropped="DROP TRIGGER entry_is_never_deleted"),
    "read and move under one lock": Lawless(reads_unlocked=True),
    "one transaction": Lawless(commits_each=True),
    "rescue all that ran": Lawless(
        reworded=(("WHERE settled_at IS NULL AND status = 'running'", "WHERE attempt = 1"),)
    ),
    "an event for each change": Lawless(
        reworded=((TELL, TELL.replace("VALUES (?, ?, ?, ?)", "SELECT ?1, ?2, ?3, ?4 WHERE ?2 != 'canceled'")),)
    ),
}

NOTED = "AND status = 'running'\n                          AND attempt = (one ->> 'attempt')::int"
FENCED = "AND status = 'running' AND attempt = (one ->> 'attempt')::int"
SETTLED = "AND CASE generation.status WHEN 'running' THEN attempt = (one ->> 'attempt')::int END"
LOCK = "PERFORM 1 FROM account WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;"
NUMBER = "numbers[one.place] := nextval('generation_number_seq');"

POSTGRES = {
    "the attempt's number in the fence": Lawless(
        reworded=((FENCED, "AND status = 'running'"), (SETTLED, "AND generation.status = 'running'"))
    ),
    "the status in the fence": Lawless(
        reworded=tuple((words, "AND attempt = (one ->> 'attempt')::int") for words in (FENCED, SETTLED))
    ),
    "the fence": Lawless(reworded=((FENCED, ""), (SETTLED, ""))),
    "the fence of a settlement": without(SETTLED, SETTLED),
    "the fence of a hand-back": without(FENCED, f"{FENCED}\n        RETURNING * INTO given_up"),
    "the fence of a ticket": without(NOTED, NOTED),
    "what a key has led to": Lawless(reworded=(("AND key = one.key AND at >= one.keys_since", "AND FALSE"),)),
    "begin only what is queued": Lawless(
        reworded=(("CASE status WHEN 'queued' THEN wanted.id != ALL(waiting) END", "wanted.id != ALL(waiting)"),)
    ),
    "cancel only what has not ended": Lawless(reworded=(("AND status IN ('queued', 'running')", ""),)),
    "the unique index": Lawless(dropped="DROP INDEX entry_once"),
    "the table of moves": Lawless(dropped="DROP TRIGGER generation_moves ON generation"),
    "no entry is updated": Lawless(dropped="DROP TRIGGER entry_is_never_updated ON entry"),
    "no entry is deleted": Lawless(dropped="DROP TRIGGER entry_is_never_deleted ON entry"),
    # A moment between the reading and the writing, in which another submit reads the same.
    "read and move under one lock": Lawless(
        reworded=((LOCK, "PERFORM 1;"), (NUMBER, f"PERFORM pg_sleep(0.02); {NUMBER}"))
    ),
    "rescue all that ran": Lawless(
        reworded=(("WHERE settled_at IS NULL AND status = 'running'", "WHERE attempt > 1 AND status = 'running'"),)
    ),
}

LAWS = [
    *(pytest.param(on_sqlite, lawless, id=f"sqlite: {law}") for law, lawless in SQLITE.items()),
    *(pytest.param(on_postgres, lawless, id=f"postgres: {law}") for law, lawless in POSTGRES.items()),
]


@pytest.mark.parametrize(("grounds", "lawless"), LAWS)
def test_a_law_that_is_taken_away_is_missed(grounds: Grounds, lawless: Lawless) -> None:
    # A disagreement, or another law that is met behind it: that the store breaks altogether would prove nothing.
    with pytest.raises(Broken, match=r"expected|ConstraintError|CheckViolationError|UniqueViolationError"):
        search(grounds, lawless, SEARCH)
