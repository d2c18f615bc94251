"""What upstreams bill beside what callers pay: the report of margins, and what is left of credentials' budgets."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from darkroom.account import Principal
from darkroom.clock import Clock
from darkroom.credits import MICRO
from darkroom.errors import InvalidInput, PlanTooLow
from darkroom.margins import CostReport, Margin, ShowCosts
from darkroom.ports import CostLine, Store

log = structlog.get_logger(__name__)

BY = ("model", "provider", "account")

LOOK_S = 60.0
"""How often each process hears what all of them together have spent."""

Billed = Mapping[tuple[str, str], int]
"""Millionths of a US dollar since the month began, by provider and credential."""


class Costs:
    """`credit_usd` is what one credit sells for; 0 is not known. `told` takes what has been billed."""

    def __init__(self, *, store: Store, clock: Clock, credit_usd: float, told: Callable[[Billed], None]) -> None:
        self._store = store
        self._clock = clock
        self._credit_usd = credit_usd
        self._told = told

    async def show(self, principal: Principal, wanted: ShowCosts) -> CostReport:
        """For operators: a plan that sees costs. Raises `PlanTooLow` for everyone else."""
        if not principal.plan.sees_costs:
            raise PlanTooLow(plan=principal.plan.name, needs="a plan for operators")
        return await self.report(wanted)

    async def report(self, wanted: ShowCosts) -> CostReport:
        if wanted.by not in BY:
            raise InvalidInput.of("by", f"must be one of {', '.join(BY)}")
        since = wanted.since or self._month()
        names: Mapping[str, str] = {}
        if wanted.by == "account":
            names = {account.id: account.name for account in await self._store.accounts()}
        lines = await self._store.costs(wanted.by, since=since)
        margins = tuple(self._margin(line, names.get(line.name, line.name)) for line in lines)
        return CostReport(by=wanted.by, since=since, lines=margins)

    def _margin(self, line: CostLine, name: str) -> Margin:
        cost_usd = line.cost_micro_usd / 1e6
        revenue_usd = line.captured / MICRO * self._credit_usd if self._credit_usd else None
        return Margin(
            name=name,
            generations=line.generations,
            captured=line.captured,
            cost_usd=cost_usd,
            revenue_usd=revenue_usd,
            margin_usd=None if revenue_usd is None else revenue_usd - cost_usd,
        )

    async def run(self) -> None:
        """Budgets are of the calendar month (UTC), and of all processes together."""
        while True:
            try:
                await self.tell()
            except Exception:
                log.exception("what upstreams have billed was not read; the next look follows")
            await asyncio.sleep(LOOK_S)

    async def tell(self) -> None:
        self._told(await self._store.billed(since=self._month()))

    def _month(self) -> datetime:
        return self._clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
