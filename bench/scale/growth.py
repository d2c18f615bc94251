"""What a database holds day by day: with everything kept in it, and with months that go cold and are taken out."""

from dataclasses import dataclass

MONTH_DAYS = 30


@dataclass(frozen=True)
class Day:
    day: int
    whole_bytes: float
    """Everything, as it is today."""
    hot_bytes: float
    """The tables of the months that callers and books still ask for."""
    cold_bytes: float
    """The months before them, compressed, in the bucket."""


def grow(daily_bytes: float, *, days: int, hot_months: int, squeezed: float) -> list[Day]:
    """A month is taken out when `hot_months` whole ones have begun after it; cold bytes are `squeezed` of hot ones."""
    return [_at(day, daily_bytes, hot_months, squeezed) for day in range(1, days + 1)]


def _at(day: int, daily_bytes: float, hot_months: int, squeezed: float) -> Day:
    gone_months = max(0, (day - 1) // MONTH_DAYS - hot_months)
    cold_days = gone_months * MONTH_DAYS
    return Day(
        day=day,
        whole_bytes=day * daily_bytes,
        hot_bytes=(day - cold_days) * daily_bytes,
        cold_bytes=cold_days * daily_bytes * squeezed,
    )
