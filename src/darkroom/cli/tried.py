"""The commands of an operator who looks after work at upstreams: what was tried where, and what waits for a word."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from darkroom.cli import show
from darkroom.cli.app import OPERATING, Data, Json, app, settings_of, with_engine
from darkroom.errors import InvalidInput
from darkroom.generation import Generation
from darkroom.ports import Attempt, Provider
from darkroom.wiring import Engine

attempts_app = App(name="attempts", help="Attempts: what was tried where, and what became of it.", group=OPERATING)
app.command(attempts_app)

Ambiguous = Annotated[bool, Parameter(negative=())]
Held = tuple[Attempt, Generation, str]


@attempts_app.default
def attempts(id: str | None = None, *, ambiguous: Ambiguous = False, json: Json = False, data: Data = None) -> None:
    """Show what was tried for a generation, or with --ambiguous what waits for your word.

    Parameters
    ----------
    id
        The generation's id.
    ambiguous
        All attempts whose outcome nobody knows. `darkroom resolve ID retry` or `fail` decides on one.
    """
    if (id is None) != ambiguous:
        raise InvalidInput.of("id", "give a generation's id, or --ambiguous")
    settings = settings_of(data)
    if id is not None:
        _show_tried(with_engine(settings, lambda engine: engine.store.attempts(id)), json)
    else:
        _show_held(*with_engine(settings, _held), json)


async def _held(engine: Engine) -> tuple[list[Held], datetime]:
    held = []
    for attempt in await engine.store.ambiguous():
        generation = await engine.store.get(attempt.generation_id)
        held.append((attempt, generation, what_can_be_done(attempt, engine.providers.get(attempt.provider))))
    return held, engine.clock.now()


def what_can_be_done(attempt: Attempt, provider: Provider | None) -> str:
    if provider is None:
        return "the provider is not configured here any more: resolve it"
    if attempt.ticket:
        return "its ticket is looked at until the hold ends; resolve it to end that"
    if provider.can_look_up:
        return "the provider is asked for it until the hold ends; resolve it to end that"
    return "look at the provider's own records, then resolve it"


def _show_held(held: list[Held], now: datetime, is_json: bool) -> None:
    if is_json:
        found = [
            {
                **_body(attempt),
                "model": generation.model,
                "age_s": round((now - (attempt.ended_at or attempt.started_at)).total_seconds()),
                "can_be_done": advice,
            }
            for attempt, generation, advice in held
        ]
        print(msgspec.json.encode(found).decode())
        return
    table = Table("generation", "age", "model", "provider", "what happened", "what can be done", box=None)
    table.columns[0].no_wrap = True
    for attempt, generation, advice in held:
        age_s = (now - (attempt.ended_at or attempt.started_at)).total_seconds()
        where = f"{attempt.provider} {attempt.credential}".strip()
        table.add_row(generation.id, _age(age_s), generation.model, where, attempt.detail, advice)
    show.console.print(table)


def _show_tried(tried: tuple[Attempt, ...], is_json: bool) -> None:
    if is_json:
        print(msgspec.json.encode([_body(attempt) for attempt in tried]).decode())
        return
    table = Table("attempt", "provider", "why there", "sent", "ticket", "outcome", "what happened", "cost", box=None)
    for attempt in tried:
        sent = f"{attempt.sent_at:%Y-%m-%d %H:%M:%S}" if attempt.sent_at else ""
        cost = "" if attempt.cost_micro_usd is None else f"${attempt.cost_micro_usd / 1e6:.4f}"
        where = f"{attempt.provider} {attempt.credential}".strip()
        outcome = Text(attempt.outcome or "running", show.COLOURS.get(attempt.outcome or "running", ""))
        cells = (str(attempt.number), where, attempt.reason, sent, attempt.ticket or "")
        table.add_row(*cells, outcome, attempt.detail, cost)
    show.console.print(table)


def _body(attempt: Attempt) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(attempt)
    return body


def _age(seconds: float) -> str:
    for length_s, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {name}"
    return f"{seconds:.0f} s"
