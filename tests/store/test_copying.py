"""An embedded installation moves to PostgreSQL: every row of it, or nothing."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from darkroom.asset import Asset
from darkroom.credits import Credits
from darkroom.errors import Misconfigured
from darkroom.generation import Cause, Status
from darkroom.ids import new_id
from darkroom.ledger import Purse
from darkroom.owned import Allowance, AssetHolder, Content, GenerationHolder, Upload
from darkroom.ports import Settlement, Webhook
from darkroom.store.copying import TABLES, copy
from darkroom.store.database import migrate
from darkroom.webhook import Try
from tests.postgres import postgres
from tests.store.conftest import (
    NOW,
    Dsn,
    a_new,
    an_account,
    buckets,
    by_hand,
    opened,
    opened_file,
    play,
    rows_of,
    tamper,
)

DONE = Settlement(
    status=Status.COMPLETED,
    used=Credits(25),
    outputs=(Asset(key="results/x/1/x.mp4", media_type="video/mp4", size_bytes=8, duration_s=5.0),),
)
FAILED = Settlement(status=Status.FAILED, used=Credits(0), cause=Cause("provider_rejected", "no"))


@pytest.fixture
def lived(file: Path) -> Path:
    """With rows in every table; generations 1 completed, 2 failed, 3 running, 4 queued, 5 canceled."""

    async def act() -> None:
        async with opened_file(file) as store:
            ann = await an_account(store, permanent=500, subscription=30)
            bob = await an_account(store, "bob")
            await store.create_key(bob.id, name="k\0ey", hint="dk_", dialect="native", hash=b"\0h" * 16, now=NOW)
            hook = Webhook(
                id="hook_1",
                account_id=ann.id,
                dialect="native",
                url="https://x/",
                secret="s",
                events=(),
                created_at=NOW,
            )
            await store.create_webhook(hook)
            new = a_new(
                ann, 40, inputs={"prompt": "no\0ne ☂"}, idempotency_key="key", fingerprint=b"\0f" * 16, run_limit=3
            )
            ids = [(await store.submit(each)).id for each in (new, *(a_new(ann, 40) for _ in range(4)))]
            for id in ids[:3]:
                await store.begin(id, now=NOW)
            await store.note_ticket(ids[2], 1, "up_1")
            await store.settle(ids[0], 1, DONE, now=NOW)
            await store.settle(ids[1], 1, FAILED, now=NOW)
            await store.cancel(ann.id, ids[4], now=NOW)
            await store.mark(ids[0], toggle_favorite=True, rating=5)
            (parcel, *_), _ = await store.due_deliveries(now=NOW, limit=9)
            made = Try(at=NOW, latency_ms=7, status=500, outcome="answered 500", headers={"a": "b"}, body="{}")
            await store.note_delivery(
                parcel.id, is_done=False, outcome="answered 500", due_at=NOW + timedelta(seconds=5), now=NOW, made=made
            )
            free = Allowance(plan="open", total_bytes=None)
            content = Content(
                id=new_id(), account_id=ann.id, sha256="ab", key="in/ab", media_type="image/png", size_bytes=9
            )
            holder = AssetHolder(id="asset_1", name="a.png", expires_at=None)
            await store.arrive(content, holder, allowance=free, now=NOW)
            await store.keep(content, holder, now=NOW)
            await store.arrive(content, GenerationHolder(id=ids[3]), allowance=free, now=NOW)
            upload = Upload(
                id="upload_1",
                account_id=ann.id,
                name="big",
                size_bytes=10,
                part_bytes=5,
                sha256=None,
                expires_after_s=None,
                created_at=NOW,
            )
            await store.begin_upload(upload, allowance=free)
            await store.note_part("upload_1", 2)

    play(act)
    assert [table for table in TABLES if rows_of(file, f"SELECT count(*) FROM {table}") == [(0,)]] == []
    return file


def a_database() -> Dsn:
    return Dsn(asyncio.run(postgres().empty()))


def columns_of(file: Path, table: str) -> list[str]:
    return [row[1] for row in rows_of(file, f"PRAGMA table_info({table})")]


def test_every_row_is_there_as_it_was(lived: Path) -> None:
    target = a_database()
    copied = asyncio.run(copy(lived, target))
    for table in TABLES:
        query = f"SELECT {', '.join(columns_of(lived, table))} FROM {table} ORDER BY 1, 2"
        theirs = [
            tuple(text.replace("\0", "\ufffd") if isinstance(text, str) else text for text in row)
            for row in rows_of(lived, query)
        ]
        assert by_hand(target, ["SET search_path = darkroom", query]) == theirs
        assert copied.rows[table] == len(theirs)
    # As the store itself writes it there.
    assert rows_of(target, "SELECT name FROM key") == [("k\ufffdey",)]
    assert (copied.audit.accounts, copied.audit.generations, copied.audit.discrepancies) == (2, 5, ())


def test_life_goes_on_where_it_was(lived: Path) -> None:
    target = a_database()
    tamper(lived, "DELETE FROM delivery WHERE number = (SELECT max(number) FROM delivery)")
    ((last,),) = rows_of(lived, "SELECT seq FROM sqlite_sequence WHERE name = 'delivery'")
    asyncio.run(copy(lived, target))

    async def act() -> None:
        async with opened(target) as store:
            ann = await store.find_account("ann")
            assert (await store.get(1)).outputs == DONE.outputs
            assert (await store.find_keyed(ann.id, "key", b"\0f" * 16, since=NOW)) == await store.get(1)
            running = await store.get(3)
            settled = await store.settle(running.id, 1, DONE, now=NOW)
            assert settled.status is Status.COMPLETED
            assert (await store.submit(a_new(ann, 1))).number == 6
            await store.grant(ann.id, Credits(7), purse=Purse.PERMANENT, note="", now=NOW)
            assert (await buckets(store, ann))[2] > 0

    play(act)
    ((after,),) = rows_of(
        target, "SELECT min(number) FROM delivery WHERE event = 'completed' AND number > 1 AND number >= 12"
    )
    assert after > last


def test_a_target_that_holds_anything_is_left_alone(lived: Path) -> None:
    async def act() -> None:
        target = Dsn(await postgres().fresh())
        async with opened(target) as store:
            await an_account(store, "cid")
        with pytest.raises(Misconfigured, match="not empty"):
            await copy(lived, target)
        async with opened(target) as store:
            assert [account.name for account in await store.accounts()] == ["cid"]

    play(act)


def test_cut_off_anywhere_it_leaves_nothing_and_is_begun_again(lived: Path) -> None:
    async def act() -> None:
        target = Dsn(await postgres().empty())
        for table in TABLES:

            def cut(text: str, at: str = table) -> None:
                if text.startswith(f"{at}:"):
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                await copy(lived, target, told=cut)
            async with opened(target) as store:
                assert await store.accounts() == []
        assert (await copy(lived, target)).audit.discrepancies == ()

    play(act)


def test_books_that_are_not_exact_are_not_copied(lived: Path) -> None:
    tamper(lived, "UPDATE balance SET available = available + 5, issued = issued - 5 WHERE purse = 'permanent'")
    target = a_database()
    with pytest.raises(Misconfigured, match="not exact"):
        asyncio.run(copy(lived, target))


def test_where_there_is_nothing_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nothing to copy"):
        asyncio.run(copy(tmp_path / "darkroom.db", a_database()))
    assert list(tmp_path.iterdir()) == []


def test_both_databases_have_the_same_tables_and_columns(file: Path) -> None:
    """A migration of the one is a migration of the other as well."""
    migrate(file)
    target = Dsn(asyncio.run(postgres().fresh()))
    tables = [row[0] for row in rows_of(file, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert {table for table in tables if not table.startswith("sqlite_")} == set(TABLES)
    own = {"event": {"account_id", "xid"}, "attempt": {"worker"}}
    for table in TABLES:
        theirs = by_hand(
            target,
            [
                f"SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'darkroom'"
                f" AND table_name = '{table}' ORDER BY ordinal_position"
            ],
        )
        shared = [name for (name,) in theirs if name not in own.get(table, set())]
        assert shared == columns_of(file, table), table


def test_the_file_is_only_read(lived: Path) -> None:
    before = [rows_of(lived, f"SELECT * FROM {table}") for table in TABLES]
    asyncio.run(copy(lived, a_database()))
    assert [rows_of(lived, f"SELECT * FROM {table}") for table in TABLES] == before
