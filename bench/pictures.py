"""`python -m bench.pictures` draws docs/pictures/benchmarks.svg from a table of docs/benchmarks.md."""

import re
from math import ceil, log10
from pathlib import Path

from bench.drawing import COLOURS, GRID, line, picture, text

DOCS = Path(__file__).parents[1] / "docs"
SECTION = "## Beside others"

OURS, THEIRS = COLOURS[0], COLOURS[5]

Rates = dict[str, list[tuple[str, float]]]


def rates_of(page: str) -> Rates:
    """Of the section's table, by what was measured: who, and how many a second."""
    section = page[page.index(SECTION) + len(SECTION) :].split("\n## ")[0]
    found: Rates = {}
    for row in section.splitlines():
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if len(cells) > 2 and re.match(r"\d", cells[2]):
            found.setdefault(cells[0], []).append((cells[1], float(cells[2].replace(",", ""))))
    return found


def bars(rates: Rates) -> str:
    """A bar for each, on a logarithmic scale; ours in blue."""
    left, top, width, step = 190, 40, 480, 26
    decades = ceil(log10(max(rate for group in rates.values() for _, rate in group)))
    parts, y = [], top

    def x(rate: float) -> float:
        return left + width * log10(max(rate, 1)) / decades

    for what, group in rates.items():
        parts.append(text(left, y + 12, f"{what} a second"))
        y += 22
        for who, rate in group:
            colour = OURS if who == "Darkroom" else THEIRS
            parts.append(text(left - 10, y + 13, who, anchor="end"))
            parts.append(f'<rect x="{left}" y="{y}" width="{x(rate) - left:.0f}" height="18" fill="{colour}"/>')
            parts.append(text(x(rate) + 6, y + 13, f"{rate:,.0f}"))
            y += step
        y += 14
    grid = [
        part
        for power in range(decades + 1)
        for part in (
            line(x(10**power), top - 10, x(10**power), y, GRID),
            text(x(10**power), y + 16, f"{10**power:,}", anchor="middle"),
        )
    ]
    return picture(left + width + 90, y + 30, [*grid, *parts])


if __name__ == "__main__":
    page = (DOCS / "benchmarks.md").read_text("utf-8")
    (DOCS / "pictures" / "benchmarks.svg").write_text(bars(rates_of(page)), "utf-8")
