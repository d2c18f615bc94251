"""What came in and what upstreams billed: how it is asked for, and what is told."""

from dataclasses import dataclass
from datetime import datetime

from darkroom.credits import Credits


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCosts:
    """`by` is model, provider or account; from `since` on, or from the first of the month."""

    by: str = "model"
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What one name's generations have brought in and cost, in US dollars; None where a credit has no price."""

    name: str
    generations: int
    captured: Credits
    cost_usd: float
    revenue_usd: float | None
    margin_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    by: str
    since: datetime
    lines: tuple[Margin, ...]
