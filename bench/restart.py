"""A restart with 100,000 unfinished generations: from the process's start to its first answer and its readiness."""

import asyncio
import tempfile
import time
import urllib.error
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

import apsw
import asyncpg

from bench.postgres import a_database
from bench.processes import DRIVEN, Server, darkroom

ROUNDS = 3
UNFINISHED = 100_000
RUNNING = 10_000
"""So many of them were being carried out; all others waited."""

FILE = """
INSERT INTO generation ({columns}) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT {copied} FROM generation AS g, n WHERE g.number = 1;
INSERT INTO entry (at, account_id, generation_id, kind, purse, amount)
SELECT e.at, e.account_id, g.id, e.kind, e.purse, e.amount FROM entry AS e, generation AS g
 WHERE e.kind = 'hold' AND e.generation_id = (SELECT id FROM generation WHERE number = 1) AND g.number > 1;
UPDATE balance SET available = available - held * {count}, held = held + held * {count} WHERE held > 0;
UPDATE generation SET status = 'running', attempt = 1, started_at = created_at WHERE number BETWEEN 2 AND 1 + {running};
INSERT INTO attempt (generation_id, number, provider, started_at{worker})
SELECT id, 1, provider, created_at{gone} FROM generation WHERE status = 'running';
"""
QUEUE = """
INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, status)
SELECT -g.number, g.provider, convert_to(g.id, 'UTF8'), g.id || ':0', 'queued' FROM generation AS g
 WHERE g.status = 'queued' AND g.number > 1;
"""


def run() -> list[str]:
    lines = [_line("embedded", _measure("", _fill_file))]
    with a_database(DRIVEN) as server:
        lines.append(_line("PostgreSQL", _measure(server.fresh(), _fill_postgres)))
    return lines


def _line(name: str, rounds: list[tuple[float, float, float]]) -> str:
    empty, answered, ready = (median(each[place] for each in rounds) for place in range(3))
    most = max(max(each[1:]) for each in rounds)
    return (
        f"restart {f'{UNFINISHED:,} unfinished, {name}':34} first answer {answered:.2f} s   ready {ready:.2f} s   "
        f"(most {most:.2f} s in {ROUNDS} rounds)   with nothing: {empty:.2f} s"
    )


def _measure(database: str, fill: Callable[[str, str], None]) -> list[tuple[float, float, float]]:
    """Seconds to the first answer with next to nothing in it; then to the first answer and to readiness."""
    with tempfile.TemporaryDirectory() as data:
        with darkroom(Path(data), database=database) as server:
            id = server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})["id"]
            key = server.key
        empty, _ = _restart(data, database, id, key)
        fill(database, data)
        return [(empty, *_restart(data, database, id, key)) for _ in range(ROUNDS)]


def _restart(data: str, database: str, id: str, key: str) -> tuple[float, float]:
    """With work that takes longer than the benchmark: what was unfinished stays so."""
    began = time.monotonic()
    with darkroom(Path(data), database=database, slots=50, after_s=3600.0) as server:
        server.key = key
        assert server.ask("GET", f"/v1/generations/{id}")["id"] == id
        answered = time.monotonic() - began
        _until_ready(server)
        return answered, time.monotonic() - began


def _until_ready(server: Server) -> None:
    while True:
        with suppress(urllib.error.HTTPError):
            server.read("/readyz")
            return
        time.sleep(0.01)


def _columns(names: list[str], id: str) -> dict[str, str]:
    named = [name for name in names if name != "number"]
    copied = [id if name == "id" else f"g.{name}" for name in named]
    return {"columns": ", ".join([*named, "number"]), "copied": ", ".join([*copied, "1 + i"])}


def _fill_file(database: str, data: str) -> None:
    connection = apsw.Connection(f"{data}/darkroom.db")
    names = [row[1] for row in connection.execute("PRAGMA table_xinfo(generation)")]
    id = "printf('%08x-0000-7000-8000-%012x', i, i)"
    counts = {"count": UNFINISHED, "running": RUNNING, "worker": "", "gone": ""}
    with connection:
        connection.execute(FILE.format(**counts, **_columns(names, id)))
    connection.close()


def _fill_postgres(database: str, data: str) -> None:
    async def fill() -> None:
        connection = await asyncpg.connect(database, server_settings={"search_path": "darkroom"})
        found = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'generation'::regclass AND attnum > 0"
        )
        id = "lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0')"
        counts = {"count": UNFINISHED, "running": RUNNING, "worker": ", worker", "gone": ", 'gone'"}
        async with connection.transaction():
            await connection.execute(FILE.format(**counts, **_columns([row[0] for row in found], id)) + QUEUE)
            await connection.execute("SELECT setval('generation_number_seq', (SELECT max(number) FROM generation))")
        await connection.close()

    asyncio.run(fill())


if __name__ == "__main__":
    print(*run(), sep="\n")
