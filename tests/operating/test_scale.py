"""The simulation of docs/scale.md, by hand: six generations, one rate, one month; and the laws in tables by month."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import numpy as np
import pytest

from bench.scale import figures, tables
from bench.scale.capacity import limits, needed, notes
from bench.scale.figures import BENCHMARKS, Measured
from bench.scale.growth import Day, grow
from bench.scale.partitions import PARTED, first_id, month_of, open_months
from bench.scale.simulation import Callers, Drawn, Load, busiest, draw, present
from darkroom.store.postgres.database import connect
from tests.postgres import postgres

about: Any = pytest.approx

MEASURED = Measured(
    reads=10.0,
    submits=5.0,
    whole=4.0,
    sqlite=8.0,
    postgres=3.0,
    sqlite_bytes=2_000.0,
    postgres_bytes=5_000.0,
    log_bytes=9_000.0,
    waiter_bytes=100_000_000.0,
    stream_bytes=200_000_000.0,
    in_flight=4.0,
    polls_each=7.0,
)

# Second:   0  1  2  3  4  5  6  7
# a         x  x  x  x                  poller, ends in second 4
# b            x  x                     poller, ends in second 3
# c               x  x  x  x  x         waits, ends in second 7
# d               x                     watches, ends in second 3
# e                     x  x            webhooks, ends in second 6
# f                           x  x  x   poller, does not end in these eight
DRAWN = Drawn(
    began=np.array([0.0, 1.0, 2.5, 2.0, 4.0, 5.9], dtype=np.float32),
    took=np.array([4.0, 2.5, 4.5, 1.9, 2.0, 40.0], dtype=np.float32),
    caller=np.array([0.1, 0.59, 0.7, 0.85, 0.95, 0.0], dtype=np.float32),
)


def test_who_is_there_is_counted_second_by_second() -> None:
    assert present(DRAWN.began, DRAWN.took, 8).tolist() == [1, 2, 4, 2, 2, 3, 2, 1]


def test_the_busiest_second_of_six_generations() -> None:
    callers = Callers(asset_bytes=1_000.0)
    assert busiest(2, DRAWN, MEASURED, callers, since_s=3, until_s=8) == Load(
        rate=2,
        in_flight=3,
        polls=about(0.2),
        waiters=1,
        streams=0,
        upstream_polls=14,
        webhooks=about(0.4),
        events=6,
        rows=14,
        asset_bytes=2_000,
    )


LOAD = Load(
    rate=12,
    in_flight=17,
    polls=30,
    waiters=3,
    streams=40,
    upstream_polls=0,
    webhooks=0,
    events=36,
    rows=84,
    asset_bytes=1,
)


def test_what_a_load_needs() -> None:
    found = needed(LOAD, MEASURED)
    # Workers: 17 of 4 each. Submits want 12/5 and polls 30/10 of an API process, 5.4 together; waiters 8.3 GB.
    assert (found.workers, found.apis, found.databases) == (5, 6, 4)
    # Eleven processes at four databases: three each, at most. Nine events a second are read by 2.75 processes each.
    assert (found.connections, found.event_reads) == (33, 24.75)


def test_notes_are_gathered_for_five_milliseconds() -> None:
    # One now and then is sent as it comes; a process that never rests sends two hundred.
    assert notes(1, 2) == about(1, rel=0.01)
    assert notes(1_000_000, 2) == about(400)


def test_where_one_of_each_is_full() -> None:
    found = limits(replace(MEASURED, in_flight=10_000.0), Callers(asset_bytes=1_250_000.0))
    assert found["a machine's 10 Gbit/s: results in, and out to a bucket"] == 1_000
    # 180 days of 28,800 generations for each submit a second, 5,000 bytes each: 25.92 GB.
    assert found["2 TB for half a year's rows, PostgreSQL"] == about(2_000 / 25.92)
    # Work takes 45 s × e^(0.8²/2) = 61.97 s on average; the busiest second of ten minutes is a little above it.
    at = found["a worker process: 10,000 at upstreams"]
    assert 10_000 / 61.97 * 0.97 < at < 10_000 / 61.97


def test_a_draw_is_the_same_again() -> None:
    one, two = draw(3, Callers()), draw(3, Callers())
    assert one.began.tolist() == two.began.tolist()
    assert one.took.tolist() == two.took.tolist()


def test_a_month_goes_cold_when_three_have_begun_after_it() -> None:
    days = grow(10, days=151, hot_months=3, squeezed=0.2)
    assert days[119] == Day(120, 1200, 1200, 0)
    assert days[120] == Day(121, 1210, 910, about(60))
    assert days[150] == Day(151, 1510, 910, about(120))


def test_figures_are_those_of_the_benchmarks() -> None:
    table = """
| what | got | beside it |
|---|---|---|
| a read | 1,234.5 ms | 99 |
| a wait | | 7 |
"""
    assert figures.figure(table, "a read") == 1234.5
    assert figures.figure(table, "a read", column=2) == 99
    with pytest.raises(KeyError):
        figures.figure(table, "a wait")
    # How often each generation was asked about is no more than the longest, 300 s, every 15 s, and once.
    found = figures.measured(BENCHMARKS.read_text("utf-8"))
    assert (found.in_flight, 1 < found.polls_each < 21) == (10_000, True)


def test_the_document_has_the_tables_of_the_simulation() -> None:
    page = (BENCHMARKS.parent / "scale.md").read_text("utf-8")
    found, callers = figures.measured_then(page), Callers()
    for table in (tables.sources(found), tables.steps(found, callers), tables.full(found, callers)):
        assert "\n".join(table) in page


def test_sizes_have_two_figures() -> None:
    assert [tables.size(count) for count in (7, 999, 1_234, 14_700_000, 2.5e15, 49e15)] == [
        "7.0 B",
        "1,000 B",
        "1.2 kB",
        "15 MB",
        "2.5 PB",
        "49 PB",
    ]


JANUARY, FEBRUARY = (first_id(month_of(number)[1])[:13] + "-7000-8000-00000000000" for number in (0, 1))

A_GENERATION = """
INSERT INTO parted.generation (id, account_id, dialect, model, modality, task, provider, inputs, wire, quote, held,
                               status, created_at)
VALUES ($1, 'a', 'native', 'm', 'video', 't', 'p', '{}', '{}', 5, '{}', 'queued', 0)
"""
AN_ENTRY = """
INSERT INTO parted.entry (at, account_id, generation_id, kind, purse, amount) VALUES (0, 'a', $1, $2, 'permanent', 5)
"""


def test_tables_by_month_keep_the_laws() -> None:
    tables_by_month = PARTED.read_text("utf-8")

    async def run() -> None:
        connection = await connect(await postgres().fresh())
        await connection.execute(tables_by_month)
        await open_months(connection, 2)
        await connection.execute("INSERT INTO account (id, name, plan, created_at) VALUES ('a', 'a', 'open', 0)")
        for id in (JANUARY + "1", FEBRUARY + "1"):
            await connection.execute(A_GENERATION, id)
            await connection.execute(AN_ENTRY, id, "hold")
        await connection.execute(AN_ENTRY, None, "grant")
        await connection.execute(AN_ENTRY, None, "grant")
        counted = [
            await connection.fetchval(f"SELECT count(*) FROM parted.{table}")
            for table in ("generation_2026_01", "generation_2026_02", "entry_2026_01", "entry_grants")
        ]
        assert counted == [1, 1, 1, 2]
        refused = (
            (A_GENERATION, (JANUARY + "1",), asyncpg.UniqueViolationError),
            (AN_ENTRY, (JANUARY + "1", "hold"), asyncpg.UniqueViolationError),
            (AN_ENTRY, (JANUARY + "2", "hold"), asyncpg.ForeignKeyViolationError),
            (AN_ENTRY, (JANUARY + "1", "theft"), asyncpg.CheckViolationError),
            ("DELETE FROM parted.entry", (), asyncpg.CheckViolationError),
            ("UPDATE parted.entry SET amount = 6", (), asyncpg.CheckViolationError),
            # Back to where it came from, or ended without an end.
            ("UPDATE parted.generation SET status = 'completed'", (), asyncpg.CheckViolationError),
            # January is not over while anything in it is unfinished.
            ("SELECT parted.close_month('2026_01')", (), asyncpg.RaiseError),
        )
        for command, values, kind in refused:
            with pytest.raises(kind):
                await connection.execute(command, *values)
        await connection.execute("UPDATE parted.generation SET status = 'canceled', settled_at = 1")
        await connection.execute(AN_ENTRY, JANUARY + "1", "release")
        await connection.execute("SELECT parted.close_month('2026_01')")
        closed = await connection.fetch("SELECT kind, amount FROM parted.closed ORDER BY kind")
        assert [tuple(row) for row in closed] == [("hold", 5), ("release", 5)]
        assert await connection.fetchval("SELECT count(*) FROM parted.generation") == 1
        # What was taken out lies beside, whole.
        assert await connection.fetchval("SELECT count(*) FROM parted.entry_2026_01") == 2
        await connection.close()

    asyncio.run(run())
