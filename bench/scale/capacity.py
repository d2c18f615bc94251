"""How many of each a load needs, and at how many submits a second one of each is full."""

from dataclasses import dataclass
from math import ceil, exp

from bench.scale.figures import Measured
from bench.scale.simulation import EVENTS, NOTES_A_SECOND, Callers, Load, simulate

DAY_S = 86_400
PROCESS_BYTES = 2e9
"""What one process may have for those who wait."""
DISK_BYTES = 2e12
"""A database's disk, of which it is allowed half a year's rows."""
KEPT_DAYS = 180
NETWORK_BYTES = 10e9 / 8
"""A machine's network, each way, each second; a result comes in once and goes out to the bucket once."""
CONNECTIONS = 11
"""Of one process to PostgreSQL: `database_connections`, and one that listens."""
EVENT_READS = 50_000
"""Events that one process can read, decode and look up in a second: assumed."""


@dataclass(frozen=True)
class Needed:
    workers: int
    apis: int
    databases: int
    """PostgreSQL servers of the size that was measured: the accounts are divided among them."""
    connections: int
    """To each of the databases, if every process has its accounts at one of them."""
    notes: float
    """Notifications a second at each of the databases."""
    event_reads: float
    """Rows a second that the processes of one database read to hear of each other's events."""

    @property
    def processes(self) -> int:
        return self.workers + self.apis


def needed(load: Load, measured: Measured) -> Needed:
    held, carried = load.in_flight / measured.in_flight, load.asset_bytes / NETWORK_BYTES
    workers = ceil(max(held, carried, load.rate / measured.whole))
    busy = load.rate / measured.submits + load.polls / measured.reads
    waiting = load.waiters * measured.waiter_bytes + load.streams * measured.stream_bytes
    apis = max(ceil(busy), ceil(waiting / PROCESS_BYTES), 1)
    databases = max(ceil(load.rate / measured.postgres), 1)
    beside = (workers + apis) / databases
    events = load.events / databases
    return Needed(
        workers=workers,
        apis=apis,
        databases=databases,
        connections=ceil(beside) * CONNECTIONS,
        notes=notes(events, beside),
        event_reads=events * beside,
    )


def notes(events: float, processes: float) -> float:
    """Sent a second: each process sends one for all that it has done in 5 ms, and none where it has done nothing."""
    each = events / processes / NOTES_A_SECOND
    return processes * NOTES_A_SECOND * (1 - exp(-each))


def limits(measured: Measured, callers: Callers) -> dict[str, float]:
    """At how many submits a second one of each is full."""
    rate = 1_000
    load = simulate(rate, measured, callers)
    waiting = (load.waiters * measured.waiter_bytes + load.streams * measured.stream_bytes) / rate
    by_day = KEPT_DAYS * DAY_S * callers.day_share
    return {
        "a machine's 10 Gbit/s: results in, and out to a bucket": NETWORK_BYTES / callers.asset_bytes,
        "one process for everything, SQLite": measured.whole,
        "a worker process: 10,000 at upstreams": measured.in_flight / (load.in_flight / rate),
        "the PostgreSQL that was measured: whole lifecycles": measured.postgres,
        "SQLite alone: whole lifecycles": measured.sqlite,
        "an API process: durable submits": measured.submits,
        "an API process: status polls": measured.reads / (load.polls / rate),
        "an API process: 2 GB of who waits": PROCESS_BYTES / waiting,
        "2 TB for half a year's rows, PostgreSQL": DISK_BYTES / (by_day * measured.postgres_bytes),
        "2 TB for half a year's rows, SQLite": DISK_BYTES / (by_day * measured.sqlite_bytes),
        "a process reading everyone's events (assumed)": EVENT_READS / EVENTS,
    }
