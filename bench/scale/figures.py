"""What was measured: read from the tables of docs/benchmarks.md by the names of their rows, and from nowhere else."""

import re
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Measured:
    reads: float
    """Status reads a second of one API process."""
    submits: float
    """Durable submits a second of one process, alone."""
    whole: float
    """Generations a second through one process from the submit to the stored result, SQLite."""
    sqlite: float
    postgres: float
    """Whole lifecycles a second through the store alone, client and server on the two cores of the benchmarks."""
    sqlite_bytes: float
    postgres_bytes: float
    """What one generation leaves in its tables and their indexes."""
    log_bytes: float
    """What one generation leaves in PostgreSQL's log: what a replica and an archive are sent."""
    waiter_bytes: float
    stream_bytes: float
    in_flight: float
    """What one worker process holds at upstreams."""
    polls_each: float
    """How often an upstream is asked about one generation."""


@dataclass(frozen=True)
class Source:
    """Where a figure stands in docs/benchmarks.md, and what docs/scale.md calls it."""

    row: str
    column: int = 1
    label: str = ""
    factor: float = 1

    @property
    def name(self) -> str:
        return self.label or self.row


SOURCES = {
    "reads": Source("status reads a second, completed, native"),
    "submits": Source("durable submits a second, 64 connections"),
    "whole": Source("whole generations a second, one process, SQLite"),
    "sqlite": Source("whole lifecycles a second, SQLite, the store alone"),
    "postgres": Source("whole lifecycles a second, PostgreSQL, the store alone"),
    "sqlite_bytes": Source("bytes of a generation in its tables, SQLite"),
    "postgres_bytes": Source("bytes of a generation in its tables, PostgreSQL"),
    "log_bytes": Source("bytes of a generation in PostgreSQL's log"),
    "waiter_bytes": Source(
        "memory of an idle long-poll, 10,000 at once", label="memory of an idle long-poll, KiB", factor=1024
    ),
    "stream_bytes": Source(
        "memory of an idle stream, 10,000 at once", label="memory of an idle stream, KiB", factor=1024
    ),
    "in_flight": Source(
        "10,000, finished after 60 to 300 s", column=0, label="work at an upstream, in flight in one worker"
    ),
    "polls_each": Source("10,000, finished after 60 to 300 s", column=5, label="work at an upstream, polls each"),
}


def measured(benchmarks: str) -> Measured:
    """From docs/benchmarks.md; raises `KeyError` for a row that is not there."""
    return Measured(**{f: figure(benchmarks, at.row, column=at.column) * at.factor for f, at in SOURCES.items()})


def measured_then(page: str) -> Measured:
    """From the table in docs/scale.md that says what its own tables were made from."""
    return Measured(**{field: figure(page, at.name) * at.factor for field, at in SOURCES.items()})


def figure(text: str, name: str, *, column: int = 1) -> float:
    """The first number in a cell of the row of that name, with its decimals; raises `KeyError` where there is none."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == name:
            found = re.search(r"\d[\d,]*(\.\d+)?", cells[column])
            if found is not None:
                return float(found[0].replace(",", ""))
    raise KeyError(name)
