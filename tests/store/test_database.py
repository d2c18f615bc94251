"""The file: batches, durability, other writers, migrations."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from darkroom.store import queries
from darkroom.store.database import Database, OfMany, connect, migrate
from tests.store.conftest import an_account, buckets, opened_file, play, rows_of, tamper

Verb = Callable[[apsw.Connection], Any]


def insert(name: str) -> Verb:
    return lambda connection: connection.execute(
        "INSERT INTO account (id, name, plan, created_at) VALUES (?, ?, 'open', 0)", (name, name)
    ).fetchall()


NAMES = "SELECT name FROM account ORDER BY name"


class Batch:
    """Holds the writer with a first verb until everything that is to share its transaction waits behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entered = threading.Event()
        self._door = threading.Event()

    async def run(self, *verbs: Verb) -> list[Any]:
        def hold(connection: apsw.Connection) -> None:
            self._entered.set()
            self._door.wait(10)

        holding = asyncio.ensure_future(self._database.write(hold))
        await asyncio.to_thread(self._entered.wait, 10)
        writing = [asyncio.ensure_future(self._database.write(verb)) for verb in verbs]
        await asyncio.sleep(0)
        self._door.set()
        await holding
        return await asyncio.gather(*writing, return_exceptions=True)


def test_a_refused_verb_takes_nothing_from_the_others_of_its_batch(file: Path) -> None:
    def half(connection: apsw.Connection) -> None:
        insert("half")(connection)
        raise ValueError("changed my mind")

    async def act() -> None:
        async with opened_file(file) as store:
            batch = Batch(store._database)
            answers = await batch.run(insert("ann"), half, insert("ann"), insert("bob"))
            assert [type(answer) for answer in answers] == [list, ValueError, apsw.ConstraintError, list]
            assert rows_of(file, NAMES) == [("ann",), ("bob",)]

    play(act)


def test_one_that_fails_takes_nothing_from_the_others_that_its_verb_was_for(file: Path) -> None:
    calls: list[list[str]] = []

    def insert_all(connection: apsw.Connection, names: list[str]) -> list[str | Exception]:
        calls.append(names)
        for name in names:
            insert(name)(connection)
            if name == "half":
                raise ValueError("changed my mind")
        return [KeyError(name) if name == "refused" else name.upper() for name in names]

    async def act() -> None:
        async with opened_file(file) as store:
            batch = Batch(store._database)
            well = [OfMany(insert_all, name) for name in ("ann", "refused", "bob")]
            answers = await batch.run(*well, insert("cid"))
            assert [answers[0], type(answers[1]), *answers[2:]] == ["ANN", KeyError, "BOB", []]
            assert calls == [["ann", "refused", "bob"]]
            answers = await batch.run(*[OfMany(insert_all, name) for name in ("dee", "half", "eve")])
            assert [answers[0], type(answers[1]), answers[2]] == ["DEE", ValueError, "EVE"]
            assert calls[1:] == [["dee", "half", "eve"], ["dee"], ["half"], ["eve"]]
            assert rows_of(file, NAMES) == [("ann",), ("bob",), ("cid",), ("dee",), ("eve",), ("refused",)]

    play(act)


def test_what_waits_together_is_committed_together(file: Path) -> None:
    """Whoever is answered first finds the others on the disk already."""

    async def act() -> None:
        async with opened_file(file) as store:
            seen: list[list[tuple[Any, ...]]] = []
            look = connect(file)

            async def tell(verb: Verb) -> None:
                await store._database.write(verb)
                seen.append(look.execute(NAMES).fetchall())

            await Batch(store._database).run(lambda connection: None)
            entered, door = threading.Event(), threading.Event()

            def hold(connection: apsw.Connection) -> None:
                entered.set()
                door.wait(10)

            holding = asyncio.ensure_future(store._database.write(hold))
            await asyncio.to_thread(entered.wait, 10)
            telling = [asyncio.ensure_future(tell(insert(name))) for name in ("ann", "bob", "cid")]
            await asyncio.sleep(0)
            assert look.execute(NAMES).fetchall() == []
            door.set()
            await asyncio.gather(holding, *telling)
            assert seen == [[("ann",), ("bob",), ("cid",)]] * 3
            look.close()

    play(act)


def test_a_batch_that_cannot_be_stored_is_refused_as_a_whole(file: Path) -> None:
    def roll_back(connection: apsw.Connection) -> None:
        connection.execute("ROLLBACK")  # as SQLite itself does when the disk is full

    async def act() -> None:
        async with opened_file(file) as store:
            answers = await Batch(store._database).run(insert("ann"), roll_back, insert("bob"))
            assert all(isinstance(answer, apsw.Error) for answer in answers)
            assert rows_of(file, NAMES) == []
            await store._database.write(insert("cid"))
            assert rows_of(file, NAMES) == [("cid",)]

    play(act)


def test_one_who_goes_away_takes_nothing_along(file: Path) -> None:
    async def act() -> None:
        async with opened_file(file) as store:
            going = asyncio.ensure_future(store._database.write(insert("ann")))
            await asyncio.sleep(0)
            going.cancel()
            await store._database.write(insert("bob"))
            assert rows_of(file, NAMES) == [("ann",), ("bob",)]

    play(act)


def test_an_answer_means_that_it_is_on_the_disk(file: Path) -> None:
    """SIGKILL right after an answer was told."""

    async def prepare() -> None:
        async with opened_file(file) as store:
            await an_account(store, permanent=1_000_000)

    play(prepare)
    told: set[str] = set()
    for last in (1, 7, 200):
        command = [sys.executable, "-m", "tests.store.rival", "tells", str(file), "16"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(last):
                told.add(process.stdout.readline().strip())
            process.kill()
            told.update(line.strip() for line in process.stdout if len(line) == 37)
        assert process.returncode == -signal.SIGKILL
    stored = {id for (id,) in rows_of(file, "SELECT id FROM generation")}
    assert len(told) >= 208
    assert told <= stored

    async def look() -> None:
        async with opened_file(file) as store:
            ann = await store.find_account("ann")
            assert await buckets(store, ann) == (1_000_000 - len(stored), len(stored), 0)

    play(look)


def test_other_writers_are_noticed_and_we_are_not(file: Path) -> None:
    async def act() -> None:
        async with opened_file(file) as store:
            noticed = asyncio.Event()
            messages = asyncio.Event()
            store._database.on_foreign_change = lambda *, only_events=False: noticed.set()
            store._database.on_message = messages.set
            for name in ("ann", "bob"):
                await store._database.write(insert(name))
            await store._database.read(lambda connection: connection.execute(NAMES).fetchall())
            await store._database.write(lambda connection: None)
            assert not noticed.is_set()
            assert not messages.is_set()
            await asyncio.to_thread(tamper, file, "INSERT INTO account VALUES (NULL, 'c', 'c', 'open', 0)")
            await noticed.wait()
            # What they have written may be messages.
            await messages.wait()

    play(act)


def test_a_closed_store_says_so(file: Path) -> None:
    async def act() -> None:
        async with opened_file(file) as store:
            writing = asyncio.ensure_future(store._database.write(insert("ann")))
            await asyncio.sleep(0)
        await writing
        assert rows_of(file, NAMES) == [("ann",)]
        with pytest.raises(RuntimeError, match="closed"):
            await store.accounts()
        with pytest.raises(RuntimeError, match="closed"):
            await store._database.write(insert("bob"))
        with pytest.raises(RuntimeError, match="closed"):
            store._database.glance(lambda connection: None)

    play(act)


def test_readers_cannot_write(file: Path) -> None:
    async def act() -> None:
        async with opened_file(file) as store:
            with pytest.raises(apsw.ReadOnlyError):
                await store._database.read(insert("ann"))
            with pytest.raises(apsw.ReadOnlyError):
                store._database.glance(insert("ann"))

    play(act)


TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"


def test_an_empty_file_gets_every_table(file: Path) -> None:
    migrate(file)
    names = ["account", "asset", "attempt", "balance", "content", "content_use", "delivery"]
    names += ["delivery_try", "entry", "event"]
    names += ["generation", "idempotency", "key", "upload", "upload_part", "webhook"]
    assert rows_of(file, TABLES) == [(name,) for name in names]
    assert rows_of(file, "PRAGMA user_version") == [(len(queries.migrations()),)]
    assert rows_of(file, "PRAGMA journal_mode") == [("wal",)]
    assert rows_of(file, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_of_the_first_version_keeps_what_it_has(file: Path) -> None:
    number, script = queries.migrations()[0]
    tamper(file, script, f"PRAGMA user_version = {number}")
    tamper(file, "INSERT INTO account VALUES (7, 'a', 'ann', 'open', 0)")
    migrate(file)
    assert rows_of(file, "SELECT number, name FROM account") == [(7, "ann")]
    schema = rows_of(file, "SELECT sql FROM sqlite_schema ORDER BY name")
    migrate(file)
    assert rows_of(file, "SELECT sql FROM sqlite_schema ORDER BY name") == schema


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _ in queries.migrations()] == list(range(1, len(queries.migrations()) + 1))


def test_an_empty_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    """As when two commands are run on a new folder."""
    for round in range(60):
        file = tmp_path / f"{round}.db"
        faults: list[apsw.Error] = []
        line = threading.Barrier(6)

        def start(file: Path = file, line: threading.Barrier = line, faults: list[apsw.Error] = faults) -> None:
            line.wait(10)
            try:
                migrate(file)
            except apsw.Error as fault:
                faults.append(fault)

        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert faults == []
        assert rows_of(file, "PRAGMA user_version") == [(len(queries.migrations()),)]
