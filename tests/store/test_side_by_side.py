"""Two versions on one database: what an older process asks is still understood, and answered in the columns it reads.

Each file in `calls/` is what the processes of one day ask. It is never changed: where a version cannot answer one of
these calls, it cannot run beside those processes. A version that is released adds a file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.credits import ZERO
from darkroom.generation import Status
from darkroom.ports import Settlement
from darkroom.store.postgres.database import connect
from darkroom.store.postgres.migrate import migrate
from darkroom.store.postgres.store import PostgresStore
from darkroom.store.queries import POSTGRES, migrations
from tests.postgres import postgres
from tests.store.conftest import NOW, Dsn, a_new, an_account, opened, play

CALLS = sorted(Path(__file__).parent.joinpath("calls").glob("*.sql"))

FIRST = 3
"""Migrations up to this one were never in use without those that followed them on the same day."""

TAKES_AWAY = re.compile(
    r"\bDROP\s+(?:TABLE|COLUMN|TYPE|SCHEMA)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b"
    r"|\bALTER\s+COLUMN\s+\w+\s+(?:SET\s+DATA\s+)?TYPE\b"
    r"|\bADD\s+COLUMN\s+(?![^,;]*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b",
    re.IGNORECASE,
)


def calls(file: Path) -> Iterator[tuple[str, list[str], str]]:
    """The name of each call, the columns it reads, and its text."""
    for part in file.read_text("utf-8").split("-- name: ")[1:]:
        name, _, rest = part.partition("\n")
        gives = [column for line in re.findall(r"-- gives: (.*)", rest) for column in line.rstrip(",").split(", ")]
        yield name, gives, rest


@pytest.mark.parametrize("file", CALLS, ids=lambda file: file.stem)
def test_what_an_older_process_asks_is_answered_in_the_columns_it_reads(file: Path) -> None:
    async def act() -> None:
        connection = await connect(await postgres().fresh())
        asked = list(calls(file))
        assert len(asked) > 80
        for name, gives, text in asked:
            statement = await connection.prepare(text)  # type: ignore[attr-defined]
            found = [f"{column.name} {column.type.name}" for column in statement.get_attributes() or ()]
            # It reads by place: what is new comes after what it knows.
            assert (name, found[: len(gives)]) == (name, gives)
        await connection.close()

    play(act)


def test_migrations_only_add() -> None:
    later = [(number, text) for number, text in migrations(POSTGRES) if number > FIRST]
    assert later
    for number, text in later:
        bare = re.sub(r"--[^\n]*", "", text)
        assert (number, TAKES_AWAY.findall(bare)) == (number, [])


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("ALTER TABLE a DROP COLUMN b;", True),
        ("ALTER TABLE a RENAME COLUMN b TO c;", True),
        ("ALTER TABLE a ADD COLUMN b TEXT NOT NULL;", True),
        ("ALTER TABLE a ALTER COLUMN b TYPE BIGINT;", True),
        ("ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';", False),
        ("ALTER TABLE a ADD COLUMN b TEXT;", False),
        ("DROP INDEX a;", False),
    ],
)
def test_what_counts_as_taking_away(text: str, is_refused: bool) -> None:
    assert bool(TAKES_AWAY.search(text)) is is_refused


def test_a_process_at_work_goes_on_while_another_brings_new_functions() -> None:
    """Its connections hold plans of the old ones."""

    async def act() -> None:
        home = Dsn(await postgres().fresh())
        async with opened(home) as older:
            assert isinstance(older, PostgresStore)
            ann = await an_account(older)
            before = [await older.submit(a_new(ann)) for _ in range(2)]
            await older.begin(before[0].id, now=NOW)
            newer = await connect(home)
            await newer.execute("UPDATE installed SET functions = 'of an older build'")
            assert await migrate(newer) == []
            await newer.close()
            settled = await older.settle(before[0].id, 1, Settlement(status=Status.FAILED, used=ZERO), now=NOW)
            assert settled.status is Status.FAILED
            assert (await older.begin(before[1].id, now=NOW)) is not None
            assert (await older.submit(a_new(ann))).status is Status.QUEUED
            assert (await older.audit()).discrepancies == ()

    play(act)
