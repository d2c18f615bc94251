"""What must hold of a data folder after any number of crashes, looked up in its tables and recomputed here."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import apsw

from darkroom.store.database import Database
from darkroom.store.sqlite import SqliteStore

ENDED = ("completed", "failed", "canceled")


@dataclass(frozen=True)
class Row:
    id: str
    status: str
    quote: int
    outputs: str
    moved: dict[str, int]
    events: tuple[str, ...]
    model: str = ""
    cause: str | None = None


def read_rows(file: Path) -> dict[str, Row]:
    connection = apsw.Connection(str(file))
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    purses: Counter[tuple[str, str, str]] = Counter()
    events: dict[str, list[str]] = defaultdict(list)
    for generation_id, kind, purse, amount in connection.execute(
        "SELECT generation_id, kind, purse, amount FROM entry WHERE generation_id IS NOT NULL"
    ):
        moved[generation_id][kind] += amount
        purses[generation_id, kind, purse] += 1
    assert set(purses.values()) <= {1}, "a hold, a capture or a release was written twice"
    for generation_id, status in connection.execute("SELECT generation_id, status FROM event ORDER BY sequence"):
        events[generation_id].append(status)
    rows = {
        id: Row(id, status, quote, outputs, dict(moved[id]), tuple(events[id]), model, cause)
        for id, model, status, cause, quote, outputs in connection.execute(
            "SELECT id, model, status, cause_code, quote, outputs FROM generation"
        )
    }
    connection.close()
    return rows


def billed_micro_usd(file: Path) -> int:
    """What upstreams have billed, over all attempts."""
    connection = apsw.Connection(str(file))
    total = connection.execute("SELECT coalesce(sum(cost_micro_usd), 0) FROM attempt").get
    connection.close()
    return int(total)


def check(row: Row) -> None:
    """A terminal state; what was held was captured or released, once; told once."""
    assert row.status in ENDED, row
    captured, released = row.moved.get("capture", 0), row.moved.get("release", 0)
    assert row.moved.get("hold", 0) == row.quote, row
    assert captured + released == row.quote, row
    assert (captured > 0) == (row.status == "completed"), row
    assert (row.outputs != "[]") == (row.status == "completed"), row
    assert [status for status in row.events if status in ENDED] == [row.status], row


async def audit(file: Path) -> list[str]:
    database = Database(file)
    await database.open()
    try:
        return [str(found) for found in (await SqliteStore(database).audit()).discrepancies]
    finally:
        await database.close()
