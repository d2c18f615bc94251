"""The pictures of docs/scale.md, as SVG: what grows with the rate, where one of each is full, hot and cold."""

from collections.abc import Sequence
from math import log10

from bench.scale.capacity import DAY_S, limits, needed
from bench.scale.figures import Measured
from bench.scale.growth import grow
from bench.scale.simulation import Callers, simulate
from bench.scale.tables import STEPS

COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#4a5568")
GRID, MARKED, INK = "#dddddd", "#cc3333", "#222222"
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
        parts.append(_line(x(10**power), top - 8, x(10**power), bottom, colour))
        parts.append(_text(x(10**power), bottom + 18, f"{10**power:,}", anchor="middle"))
    for index, (name, rate) in enumerate(found):
        y = top + index * step
        parts.append(_text(left - 10, y + 14, name, anchor="end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{x(rate) - left:.0f}" height="18" fill="{COLOURS[0]}"/>')
        parts.append(_text(x(rate) + 6, y + 14, f"{rate:,.0f}"))
    parts.append(_text(left, bottom + 40, "submits a second at which one is full; red: the three steps"))
    return _picture(900, bottom + 56, parts)


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

    parts = [part for power in range(7) for part in _level(place(1, 10**power)[1], left, width, f"{10**power:,}")]
    for rate in (1, 10, 100, 1000, 10_000):
        x = place(rate, 1)[0]
        parts.append(_line(x, top, x, top + height, MARKED if rate in STEPS else GRID))
        parts.append(_text(x, top + height + 18, f"{rate:,}", anchor="middle"))
    for colour, (_, values) in zip(COLOURS, lines, strict=True):
        points = [place(rate, value) for rate, value in zip(rates, values, strict=True)]
        parts.append(_path(points, colour))
    # Named at their ends, from the top down, no two names on one line.
    y = 0.0
    for colour, (name, values) in sorted(zip(COLOURS, lines, strict=True), key=lambda item: -item[1][1][-1]):
        y = max(y + 16, place(rates[-1], values[-1])[1] + 4)
        parts.append(_text(left + width + 8, y, name, colour=colour))
    parts.append(_text(left, top + height + 40, "submits a second"))
    return _picture(820, top + height + 56, parts)


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
        parts += _level(place(0, terabytes * 1e12)[1], left, width, f"{terabytes} TB")
    for day in (0, 90, 180, 270, 360):
        parts.append(_text(place(day, 0)[0], top + height + 18, f"day {day}", anchor="middle"))
    kinds = (
        ("everything in the database", [day.whole_bytes for day in days]),
        ("hot: in the database", [day.hot_bytes for day in days]),
        ("cold: compressed, in the bucket", [day.cold_bytes for day in days]),
    )
    for colour, (name, values) in zip(COLOURS, kinds, strict=False):
        points = [place(day.day, value) for day, value in zip(days, values, strict=True)]
        parts.append(_path(points, colour))
        parts.append(_text(left + width + 8, points[-1][1] + 4, name, colour=colour))
    return _picture(820, top + height + 40, parts)


def _level(y: float, left: float, width: float, label: str) -> list[str]:
    return [_line(left, y, left + width, y, GRID), _text(left - 8, y + 4, label, anchor="end")]


def _picture(width: float, height: float, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif"'
    return "\n".join([f'{head} font-size="12"><rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{colour}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
