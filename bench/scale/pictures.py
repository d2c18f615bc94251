"""The pictures of docs/scale.md, as SVG: what grows with the rate, where one of each is full, hot and cold."""

from collections.abc import Sequence
from math import log10

from bench.drawing import COLOURS, GRID, MARKED, level, line, path, picture, text
from bench.scale.capacity import DAY_S, limits, needed
from bench.scale.figures import Measured
from bench.scale.growth import grow
from bench.scale.simulation import Callers, simulate
from bench.scale.tables import STEPS

DECADES = 4
HOT_MONTHS = 3
SQUEEZED = 0.2
"""Cold rows, compressed, of what they were with their indexes: assumed."""


def limits_picture(measured: Measured, callers: Callers) -> str:
    """A bar for each: the submits a second at which one is full, on a logarithmic scale."""
    found = sorted(limits(measured, callers).items(), key=lambda item: item[1])
    left, top, width, step = 400, 30, 420, 30
    bottom = top + step * len(found)

    def x(rate: float) -> float:
        return left + width * log10(max(rate, 1)) / 5

    parts = []
    for power in range(6):
        colour = MARKED if 10**power in STEPS else GRID
        parts.append(line(x(10**power), top - 8, x(10**power), bottom, colour))
        parts.append(text(x(10**power), bottom + 18, f"{10**power:,}", anchor="middle"))
    for index, (name, rate) in enumerate(found):
        y = top + index * step
        parts.append(text(left - 10, y + 14, name, anchor="end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{x(rate) - left:.0f}" height="18" fill="{COLOURS[0]}"/>')
        parts.append(text(x(rate) + 6, y + 14, f"{rate:,.0f}"))
    parts.append(text(left, bottom + 40, "submits a second at which one is full; red: the three steps"))
    return picture(900, bottom + 56, parts)


def loads_picture(measured: Measured, callers: Callers) -> str:
    """What each rate asks for, both scales logarithmic."""
    rates = [10 ** (tenth / 4) for tenth in range(DECADES * 4 + 1)]
    loads = [simulate(rate, measured, callers) for rate in rates]
    needs = [needed(load, measured) for load in loads]
    lines: list[tuple[str, Sequence[float]]] = [
        ("in flight", [load.in_flight for load in loads]),
        ("polls of upstreams a second", [load.upstream_polls for load in loads]),
        ("polls of callers a second", [load.polls for load in loads]),
        ("rows written a second", [load.rows for load in loads]),
        ("connections to all databases", [need.connections * need.databases for need in needs]),
        ("processes", [need.processes for need in needs]),
    ]
    left, top, width, height = 70, 20, 520, 380

    def place(rate: float, value: float) -> tuple[float, float]:
        return left + width * log10(rate) / DECADES, top + height * (1 - log10(max(value, 1)) / 6)

    parts = [part for power in range(7) for part in level(place(1, 10**power)[1], left, width, f"{10**power:,}")]
    for rate in (1, 10, 100, 1000, 10_000):
        x = place(rate, 1)[0]
        parts.append(line(x, top, x, top + height, MARKED if rate in STEPS else GRID))
        parts.append(text(x, top + height + 18, f"{rate:,}", anchor="middle"))
    for colour, (_, values) in zip(COLOURS, lines, strict=True):
        points = [place(rate, value) for rate, value in zip(rates, values, strict=True)]
        parts.append(path(points, colour))
    # Named at their ends, from the top down, no two names on one line.
    y = 0.0
    for colour, (name, values) in sorted(zip(COLOURS, lines, strict=True), key=lambda item: -item[1][1][-1]):
        y = max(y + 16, place(rates[-1], values[-1])[1] + 4)
        parts.append(text(left + width + 8, y, name, colour=colour))
    parts.append(text(left, top + height + 40, "submits a second"))
    return picture(820, top + height + 56, parts)


def growth_picture(measured: Measured, callers: Callers) -> str:
    """A year of 100 submits a second in PostgreSQL: everything kept, and months taken out."""
    daily = STEPS[1] * callers.day_share * DAY_S * measured.postgres_bytes
    days = grow(daily, days=365, hot_months=HOT_MONTHS, squeezed=SQUEEZED)
    left, top, width, height = 70, 20, 520, 300
    highest = days[-1].whole_bytes

    def place(day: int, value: float) -> tuple[float, float]:
        return left + width * day / 365, top + height * (1 - value / highest)

    parts = []
    for terabytes in range(int(highest / 1e12) + 1):
        parts += level(place(0, terabytes * 1e12)[1], left, width, f"{terabytes} TB")
    for day in (0, 90, 180, 270, 360):
        parts.append(text(place(day, 0)[0], top + height + 18, f"day {day}", anchor="middle"))
    kinds = (
        ("everything in the database", [day.whole_bytes for day in days]),
        ("hot: in the database", [day.hot_bytes for day in days]),
        ("cold: compressed, in the bucket", [day.cold_bytes for day in days]),
    )
    for colour, (name, values) in zip(COLOURS, kinds, strict=False):
        points = [place(day.day, value) for day, value in zip(days, values, strict=True)]
        parts.append(path(points, colour))
        parts.append(text(left + width + 8, points[-1][1] + 4, name, colour=colour))
    return picture(820, top + height + 40, parts)
