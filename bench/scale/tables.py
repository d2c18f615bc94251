"""The tables of docs/scale.md: what each step asks for, and where one of each is full."""

from bench.scale.capacity import DAY_S, Needed, limits, needed
from bench.scale.figures import SOURCES, Measured
from bench.scale.simulation import Callers, Load, simulate

STEPS = (1, 100, 10_000)
RETENTION_DAYS = 30


def sources(measured: Measured) -> list[str]:
    rows = [(at.name, getattr(measured, field) / at.factor) for field, at in SOURCES.items()]
    return ["| from the benchmarks | |", "|---|---|"] + [
        f"| {name} | {value:,.4g} |" if value < 100 else f"| {name} | {value:,.0f} |" for name, value in rows
    ]


def steps(measured: Measured, callers: Callers) -> list[str]:
    loads = [simulate(rate, measured, callers) for rate in STEPS]
    needs = [needed(load, measured) for load in loads]
    rows = _at_once(loads) + _by_day(measured, callers) + _machines(needs)
    head = ["| at the busiest second | 1 a second | 100 a second | 10,000 a second |", "|---|---|---|---|"]
    return head + [f"| {name} | {' | '.join(values)} |" for name, values in rows]


def full(measured: Measured, callers: Callers) -> list[str]:
    found = sorted(limits(measured, callers).items(), key=lambda item: item[1])
    return ["| what | full at so many submits a second |", "|---|---|"] + [
        f"| {name} | {_figures(at)} |" for name, at in found
    ]


def _at_once(loads: list[Load]) -> list[tuple[str, list[str]]]:
    return [
        ("generations in flight", [f"{load.in_flight:,.0f}" for load in loads]),
        ("rows written a second", [f"{load.rows:,.0f}" for load in loads]),
        ("status polls of callers a second", [_figures(load.polls) for load in loads]),
        ("long-polls and streams open", [f"{load.waiters + load.streams:,.0f}" for load in loads]),
        ("polls of upstreams a second", [_figures(load.upstream_polls) for load in loads]),
        ("events a second", [f"{load.events:,.0f}" for load in loads]),
        ("webhooks a second", [_figures(load.webhooks) for load in loads]),
        ("bytes of results a second", [size(load.asset_bytes) for load in loads]),
    ]


def _by_day(measured: Measured, callers: Callers) -> list[tuple[str, list[str]]]:
    day = [rate * callers.day_share * DAY_S for rate in STEPS]
    return [
        ("generations a day", [f"{count:,.0f}" for count in day]),
        ("SQLite grows by, a day", [size(count * measured.sqlite_bytes) for count in day]),
        ("PostgreSQL grows by, a day", [size(count * measured.postgres_bytes) for count in day]),
        ("its log, a day", [size(count * measured.log_bytes) for count in day]),
        ("results, a day", [size(count * callers.asset_bytes) for count in day]),
        (f"results, kept {RETENTION_DAYS} days", [size(count * callers.asset_bytes * RETENTION_DAYS) for count in day]),
    ]


def _machines(needs: list[Needed]) -> list[tuple[str, list[str]]]:
    return [
        ("worker processes", [f"{need.workers:,}" for need in needs]),
        ("API processes", [f"{need.apis:,}" for need in needs]),
        ("PostgreSQL servers of the measured size", [f"{need.databases:,}" for need in needs]),
        ("connections to each", [f"{need.connections:,}" for need in needs]),
        ("notifications a second at each", [_figures(need.notes) for need in needs]),
        ("rows of events read a second at each", [_figures(need.event_reads) for need in needs]),
    ]


def _figures(value: float) -> str:
    """Two figures that count: no more is known."""
    if value < 10:
        return f"{value:.1f}"
    digits = len(str(int(value)))
    return f"{round(value, 2 - digits):,.0f}"


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{_figures(count)} {unit}"
        count /= 1000
    return f"{_figures(count)} PB"
