"""The operator's report: what came in, and what upstreams billed for it."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.table import Table

from darkroom.cli import show
from darkroom.cli.app import OPERATING, Data, Json, app, settings_of, with_engine
from darkroom.credits import show as show_credits
from darkroom.dialects.native_bodies import show_costs
from darkroom.margins import CostReport, ShowCosts


@app.command(group=OPERATING)
def costs(
    *,
    by: Literal["model", "provider", "account"] = "model",
    since: Annotated[datetime | None, Parameter()] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Show what generations have brought in and cost: credits, revenue, what upstreams billed, and the margin.

    Parameters
    ----------
    by
        A line for each model, provider or account.
    since
        A day or an instant (UTC), such as 2026-11-01; without one the first of this month.
    """
    start = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    report = with_engine(settings_of(data), lambda engine: engine.costs.report(ShowCosts(by=by, since=start)))
    if json:
        print(msgspec.json.encode(show_costs(report)).decode())
    else:
        _show(report)


def _show(report: CostReport) -> None:
    table = Table(report.by, "generations", "credits", "revenue", "upstream", "margin", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for line in report.lines:
        margin = _usd(line.margin_usd)
        if line.margin_usd is not None and line.revenue_usd:
            margin += f" ({line.margin_usd / line.revenue_usd:.0%})"
        cells = (line.name, str(line.generations), show_credits(line.captured))
        table.add_row(*cells, _usd(line.revenue_usd), _usd(line.cost_usd), margin)
    show.console.print(f"since {report.since:%Y-%m-%d %H:%M} UTC")
    show.console.print(table)


def _usd(amount: float | None) -> str:
    return "" if amount is None else f"${amount:,.2f}"
