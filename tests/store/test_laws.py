"""The laws that the database keeps by itself, each broken by hand; what the audit finds where they were taken away."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.credits import Credits
from darkroom.generation import Status
from darkroom.ports import Settlement
from darkroom.store.queries import POSTGRES, migrations
from tests.store.conftest import NOW, Dsn, Home, Refused, a_new, an_account, opened, play, rows_of, tamper


@pytest.fixture
def lived(home: Home) -> Home:
    """Generations 1 completed (25 of 40), 2 failed, 3 running."""

    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store, permanent=200)
            for number, used in ((1, 25), (2, None), (3, None)):
                stored = await store.submit(a_new(ann, 40))
                await store.begin(stored.id, now=NOW)
                if number == 1:
                    done = Settlement(status=Status.COMPLETED, used=Credits(used or 0))
                    await store.settle(stored.id, 1, done, now=NOW)
                if number == 2:
                    await store.settle(stored.id, 1, Settlement(status=Status.FAILED, used=Credits(0)), now=NOW)

    play(act)
    return home


TRIGGER: dict[type, str] = {
    Path: next(script for number, script in migrations() if number == 4),
    Dsn: re.search(r"CREATE TRIGGER generation_moves .*?;", migrations(POSTGRES)[0][1], re.DOTALL)[0],  # type: ignore[index]
}

IN_POSTGRES = {
    "UNIQUE": "UniqueViolation",
    "CHECK": "CheckViolation",
    "FOREIGN KEY": "ForeignKeyViolation",
    "INTEGER": "invalid input syntax for type bigint",
    "NOT NULL": "NotNullViolation",
}

A_GENERATION = "(SELECT id FROM generation WHERE number = 1)"
AN_ACCOUNT = "(SELECT id FROM account)"
ENTRY = "INSERT INTO entry (at, account_id, generation_id, kind, purse, amount) VALUES "


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        ("UPDATE entry SET amount = 1 WHERE sequence = 1", "append-only"),
        ("DELETE FROM entry WHERE sequence = 1", "append-only"),
        ("DELETE FROM entry", "append-only"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, {A_GENERATION}, 'hold', 'permanent', 1)", "UNIQUE"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, {A_GENERATION}, 'capture', 'permanent', 1)", "UNIQUE"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, {A_GENERATION}, 'release', 'permanent', 1)", "UNIQUE"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'grant', 'permanent', 0)", "CHECK"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'grant', 'permanent', -5)", "CHECK"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'grant', 'pocket', 5)", "CHECK"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'gift', 'permanent', 5)", "CHECK"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'capture', 'permanent', 5)", "CHECK"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, {A_GENERATION}, 'grant', 'permanent', 5)", "CHECK"),
        (f"{ENTRY} (0, 'nobody', NULL, 'grant', 'permanent', 5)", "FOREIGN KEY"),
        (f"{ENTRY} (0, {AN_ACCOUNT}, NULL, 'grant', 'permanent', 'five')", "INTEGER"),
        ("UPDATE balance SET available = available - 1000, spent = spent + 1000", "CHECK"),
        ("UPDATE balance SET held = -1, available = available + held + 1", "CHECK"),
        ("UPDATE balance SET spent = -1, available = available + spent + 1", "CHECK"),
        ("UPDATE balance SET available = available + 1", "CHECK"),
        ("UPDATE generation SET status = 'completed' WHERE number = 3", "CHECK"),
        ("UPDATE generation SET status = 'queued' WHERE number = 1", "cannot move"),
        ("UPDATE generation SET settled_at = NULL WHERE number = 1", "CHECK"),
        ("UPDATE generation SET settled_at = 1 WHERE number = 3", "CHECK"),
        ("UPDATE generation SET status = 'done' WHERE number = 1", "cannot move"),
        ("UPDATE generation SET quote = -1 WHERE number = 1", "CHECK"),
        ("DELETE FROM generation WHERE number = 1", "FOREIGN KEY"),
        ("DELETE FROM account", "FOREIGN KEY"),
        (
            f"INSERT INTO attempt (generation_id, number, provider, started_at) VALUES ({A_GENERATION}, 1, 'x', 0)",
            "UNIQUE",
        ),
        ("UPDATE account SET name = NULL", "NOT NULL"),
    ],
)
def test_the_database_refuses(lived: Home, statement: str, law: str) -> None:
    tables = [f"SELECT * FROM {table}" for table in ("account", "generation", "attempt", "entry", "balance")]
    before = [rows_of(lived, table) for table in tables]
    with pytest.raises(Refused, match=IN_POSTGRES.get(law, law) if isinstance(lived, Dsn) else law):
        tamper(lived, statement)
    assert [rows_of(lived, table) for table in tables] == before


UNLOCK = "DROP TRIGGER entry_is_never_updated ON entry"
FREE = "DROP TRIGGER generation_moves ON generation"
LOOSE = "ALTER TABLE balance DROP CONSTRAINT balance_check"


def in_sqlite(statement: str) -> str:
    if statement == LOOSE:
        return "PRAGMA ignore_check_constraints = 1"
    return re.sub(r"(DROP TRIGGER \w+) ON \w+", r"\1", statement)


@pytest.mark.parametrize(
    ("statements", "subject"),
    [
        ((LOOSE, "UPDATE balance SET available = available + 1"), "account "),
        (("UPDATE balance SET available = available + 5, issued = issued - 5",), "account "),
        (("DELETE FROM balance",), "account "),
        ((UNLOCK, "UPDATE entry SET amount = amount + 1 WHERE kind = 'grant'"), "account "),
        ((UNLOCK, "UPDATE entry SET amount = 1 WHERE kind = 'capture'"), "generation "),
        (("DROP TRIGGER entry_is_never_deleted ON entry", "DELETE FROM entry WHERE kind = 'release'"), "generation "),
        ((FREE, "UPDATE generation SET status = 'failed' WHERE number = 1"), "generation "),
        (("UPDATE generation SET status = 'completed', settled_at = 1 WHERE number = 3",), "generation "),
        ((FREE, "UPDATE generation SET status = 'queued', settled_at = NULL WHERE number = 2"), "generation "),
        (("UPDATE generation SET quote = 39 WHERE number = 1",), "generation "),
        (("UPDATE generation SET spent = '{\"permanent\": 24}' WHERE number = 1",), "generation "),
        (("UPDATE generation SET held = '{}' WHERE number = 3",), "generation "),
    ],
)
def test_the_audit_finds_what_was_tampered_with(lived: Home, statements: tuple[str, ...], subject: str) -> None:
    tamper(lived, *(statements if isinstance(lived, Dsn) else map(in_sqlite, statements)))

    async def act() -> None:
        async with opened(lived) as store:
            found = (await store.audit()).discrepancies
            assert any(discrepancy.subject.startswith(subject) for discrepancy in found), found

    play(act)


def test_the_audit_counts_and_agrees(lived: Home) -> None:
    async def act() -> None:
        async with opened(lived) as store:
            audit = await store.audit()
            # A grant, three holds, a capture and a release of the first, a release of the second.
            assert (audit.entries, audit.accounts, audit.generations, audit.discrepancies) == (7, 1, 3, ())

    play(act)


MOVES = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "canceled"),
    ("running", "queued"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "canceled"),
}


@pytest.mark.parametrize("source", list(Status))
def test_a_status_moves_by_the_table_whatever_the_application_believes(lived: Home, source: Status) -> None:
    settled = {status: "0" if status in ("completed", "failed", "canceled") else "NULL" for status in Status}
    put = f"UPDATE generation SET status = '{source}', settled_at = {settled[source]} WHERE number = 3"
    prepared = ("BEGIN", FREE if isinstance(lived, Dsn) else in_sqlite(FREE), put, TRIGGER[lived_on(lived)])
    for target in Status:
        move = f"UPDATE generation SET status = '{target}', settled_at = {settled[target]} WHERE number = 3"
        if source == target or (source, target) in MOVES:
            tamper(lived, *prepared, move, "ROLLBACK")
        else:
            with pytest.raises(Refused, match="cannot move like that"):
                tamper(lived, *prepared, move)


def lived_on(home: Home) -> type:
    return Dsn if isinstance(home, Dsn) else Path


def verify(home: Home, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "darkroom", "ledger", "verify", "--data", str(folder)]
    environment = {**os.environ, "DARKROOM_DATABASE": home if isinstance(home, Dsn) else ""}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)


def test_ledger_verify_says_so_with_its_exit_code(lived: Home, tmp_path: Path) -> None:
    good = verify(lived, tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    tamper(lived, "UPDATE balance SET available = available + 5, issued = issued - 5")
    bad = verify(lived, tmp_path)
    assert bad.returncode == 1
    assert "available 140" in bad.stdout + bad.stderr
    assert "available 135" in bad.stdout + bad.stderr
