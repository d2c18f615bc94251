"""What only PostgreSQL has: migrations under a lock, an address with a password in it, a server that is away."""

import asyncio

import asyncpg
import pytest

from darkroom.credits import Credits
from darkroom.errors import Misconfigured
from darkroom.generation import Status
from darkroom.ports import Settlement
from darkroom.store.postgres.database import Database, connect, shown
from darkroom.store.postgres.migrate import LOCK, migrate, newest, standing
from darkroom.store.queries import POSTGRES, migrations
from tests.postgres import postgres
from tests.store.conftest import NOW, Dsn, a_new, an_account, buckets, opened, play


def test_an_empty_database_gets_every_table_once() -> None:
    async def act() -> None:
        connection = await connect(await postgres().empty())
        assert await migrate(connection) == [number for number, _ in migrations(POSTGRES)]
        assert await migrate(connection) == []
        assert (await standing(connection)).is_current
        assert await connection.fetchval("SELECT count(*) FROM generation") == 0
        await connection.close()

    play(act)


def test_of_many_processes_that_start_at_once_one_migrates() -> None:
    async def act() -> None:
        dsn = await postgres().empty()
        connections = [await connect(dsn) for _ in range(8)]
        applied = await asyncio.gather(*map(migrate, connections))
        every = [number for number, _ in migrations(POSTGRES)]
        assert sorted(applied) == [[]] * 7 + [every]
        for connection in connections:
            await connection.close()

    play(act)


def test_a_migration_is_waited_for_longer_than_a_verb_would_be() -> None:
    async def act() -> None:
        dsn = await postgres().fresh()
        first, second = await connect(dsn), await connect(dsn, command_limit_s=1.0)
        async with first.transaction():
            await first.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            waiting = asyncio.create_task(migrate(second))
            while not await first.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                pass
            await first.execute("SELECT pg_sleep(1.5)")
        assert await waiting == []
        await first.close()
        await second.close()

    play(act)


def test_the_database_of_a_newer_darkroom_is_refused_and_left_alone() -> None:
    async def act() -> None:
        dsn = await postgres().fresh()
        connection = await connect(dsn)
        await connection.execute("UPDATE installed SET version = version + 1")
        with pytest.raises(Misconfigured, match="newer Darkroom"):
            await Database(dsn).open()
        assert await connection.fetchval("SELECT version FROM installed") == newest() + 1
        await connection.close()

    play(act)


def test_changed_functions_are_put_back() -> None:
    async def act() -> None:
        connection = await connect(await postgres().fresh())
        await connection.execute("DROP FUNCTION new_id")
        await connection.execute("CREATE FUNCTION cancel(text) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        await connection.execute("UPDATE installed SET functions = 'of another build'")
        assert not (await standing(connection)).is_current
        assert await migrate(connection) == []
        assert len(await connection.fetchval("SELECT new_id()")) == 36
        assert await connection.fetchval("SELECT count(*) FROM pg_proc WHERE proname = 'cancel'") == 1
        await connection.close()

    play(act)


def test_a_migration_that_fails_leaves_nothing_behind() -> None:
    async def act() -> None:
        connection = await connect(await postgres().empty())
        await connection.execute("CREATE SCHEMA darkroom; CREATE TABLE webhook (mine TEXT)")
        with pytest.raises(asyncpg.DuplicateTableError):
            await migrate(connection)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'darkroom'")
        assert [row[0] for row in tables] == ["webhook"]
        await connection.close()

    play(act)


OLDER_LIFE = """
INSERT INTO account (id, name, plan, created_at) VALUES ('a', 'ann', 'open', 0);
INSERT INTO balance (account_id, purse, issued, available, held) VALUES ('a', 'permanent', -100, 60, 40);
INSERT INTO generation (id, account_id, dialect, model, modality, task, provider, inputs, wire, quote, held, status,
                        attempt, created_at, started_at)
VALUES ('g', 'a', 'native', 'reel', 'video', 't', 'sketch', '{}', '{}', 40, '{"permanent": 40}', 'running', 1, 0, 0);
INSERT INTO attempt (generation_id, number, provider, ticket, started_at) VALUES ('g', 1, 'sketch', 'up_1', 0);
INSERT INTO entry (at, account_id, kind, purse, amount) VALUES (0, 'a', 'grant', 'permanent', 100);
INSERT INTO entry (at, account_id, generation_id, kind, purse, amount) VALUES (0, 'a', 'g', 'hold', 'permanent', 40);
INSERT INTO event (generation_id, account_id, status, at) VALUES ('g', 'a', 'running', 0);
"""


@pytest.mark.parametrize("version", [number for number, _ in migrations(POSTGRES)])
def test_what_an_older_version_left_goes_on_after_the_upgrade(version: int) -> None:
    async def act() -> None:
        dsn = Dsn(await postgres().empty())
        connection = await connect(dsn)
        await migrate(connection, to=version)
        await connection.execute(OLDER_LIFE)
        await connection.close()
        async with opened(dsn) as store:
            ann = await store.find_account("ann")
            assert [attempt.ticket for attempt in await store.attempts("g")] == ["up_1"]
            settled = await store.settle("g", 1, Settlement(status=Status.COMPLETED, used=Credits(25)), now=NOW)
            assert settled.status is Status.COMPLETED
            assert await buckets(store, ann) == (75, 0, 25)
            again = await store.submit(a_new(ann, 5))
            assert await store.begin(again.id, now=NOW) is not None

    play(act)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:s3cr3t@127.0.0.1:9/darkroom",
        "postgresql://ann:s3cr3t@nowhere.invalid/darkroom",
        "postgresql://ann:s3cr3t@/darkroom?host=/nowhere",
        "mysql://ann:s3cr3t@127.0.0.1/darkroom",
        "postgresql://ann:s3cr3t@127.0.0.1:port/darkroom",
        "postgresql://ann:s3cr3t@127.0.0.1/darkroom?sslmode=s3cr3t",
    ],
)
def test_what_cannot_be_reached_is_told_without_the_password(address: str) -> None:
    async def act() -> None:
        with pytest.raises(Misconfigured) as refused:
            await Database(address).open()
        assert "s3cr3t" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__

    play(act)


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://ann:s3cr3t@db:5433/darkroom?password=s3cr3t") == "postgresql://ann@db:5433/darkroom"
    assert shown("postgresql://db/darkroom") == "postgresql://db/darkroom"
    assert shown("postgresql://ann@/darkroom?host=/run") == "postgresql://ann@/darkroom"


def test_a_dump_of_another_server_looks_no_newer_than_it_is() -> None:
    """Transactions are numbered anew there: an event of the former one must not be told again and again."""

    async def act() -> None:
        dsn = Dsn(await postgres().fresh())
        async with opened(dsn) as store:
            ann = await an_account(store)
            await store.submit(a_new(ann, 1))
        connection = await connect(dsn)
        await connection.execute("UPDATE event SET xid = '4000000000'")
        await connection.close()
        async with opened(dsn) as store:
            assert (await store.events_since(await store.here()))[1] == []

    play(act)
