"""What the native API sends and takes, as types: the answers are made of them, and so is the OpenAPI document."""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from darkroom.account import Statement
from darkroom.asset import Asset
from darkroom.catalogue import Model
from darkroom.credits import ZERO, Credits, in_credits
from darkroom.dialects import wire
from darkroom.generation import Generation, Status
from darkroom.ledger import Balance, Entry, Purse
from darkroom.margins import CostReport
from darkroom.wire import Reply


class Output(msgspec.Struct, kw_only=True):
    """`sha256` is known of what an upstream made; `upstream_url`, where it had it, is told where the plan says so."""

    url: str
    media_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_s: float | None
    thumbnail_url: str | None
    url_expires_at: datetime | None
    sha256: str | None
    upstream_url: str | msgspec.UnsetType = msgspec.UNSET


class Failed(msgspec.Struct, kw_only=True):
    code: str
    message: str


class GenerationBody(msgspec.Struct, kw_only=True):
    """A generation. `quote` is held at submit, in credits; `spent` is what was captured and `released`
    what was given back: both are 0 until the end.
    `progress` is from 0 to 1. `outputs` are there once it is completed; their URLs are good for a week, and new on each
    day that the generation is asked for."""

    id: str
    number: int
    status: Status
    model: str
    modality: str
    task: str
    inputs: dict[str, Any]
    quote: int | float
    spent: int | float
    released: int | float
    priority: str
    progress: float | None
    attempts: int
    outputs: list[Output]
    error: Failed | None
    created_at: datetime
    started_at: datetime | None
    settled_at: datetime | None
    start_by: datetime | None
    deadline_at: datetime | None
    expires_at: datetime | None


class GenerationList(msgspec.Struct, kw_only=True):
    """Newest first. `next_cursor` asks for the next page."""

    items: list[GenerationBody]
    next_cursor: str | None


class QuoteBody(msgspec.Struct, kw_only=True):
    """What the inputs cost, in credits, with every default filled in."""

    model: str
    inputs: dict[str, Any]
    quote: int | float


class ModelBody(msgspec.Struct, kw_only=True):
    """`input_schema` is JSON Schema; `expected_wait_s` is the shortest and the longest usual wait."""

    slug: str
    name: str
    maker: str
    modality: str
    tasks: list[str]
    description: str
    pricing: str
    least: int | float
    most: int | float
    expected_wait_s: tuple[int, int]
    input_schema: dict[str, Any]


class ModelList(msgspec.Struct, kw_only=True):
    items: list[ModelBody]


class PurseBody(msgspec.Struct, kw_only=True):
    granted: int | float
    available: int | float
    held: int | float
    spent: int | float


class AccountBody(msgspec.Struct, kw_only=True):
    """Amounts in credits: granted = available + held + spent, in all and in each purse."""

    id: str
    name: str
    plan: str
    granted: int | float
    available: int | float
    held: int | float
    spent: int | float
    purses: dict[str, PurseBody]
    in_flight: int


class EntryBody(msgspec.Struct, kw_only=True):
    """One movement of credits."""

    sequence: int
    at: datetime
    kind: str
    purse: str
    amount: int | float
    generation_id: str | None
    note: str


class EntryList(msgspec.Struct, kw_only=True):
    items: list[EntryBody]
    next_cursor: str | None


PRIORITIES = {"low": -1, "normal": 0, "high": 1}
"""Among one account's own generations: others' turns do not depend on it."""


class MarginBody(msgspec.Struct, kw_only=True):
    name: str
    generations: int
    captured: int | float
    cost_usd: float
    revenue_usd: float | None
    margin_usd: float | None


class CostsBody(msgspec.Struct, kw_only=True):
    """What generations have brought in and cost since an instant, by model, provider or account: those that ended, the
    credits captured, what upstreams billed, and (where a credit has a price here) revenue and margin. For operators."""

    by: str
    since: datetime
    items: list[MarginBody]


class SubmitBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`inputs` are the model's own, see `GET /v1/models/{slug}`. `webhook_url` is told of each change after `queued`,
    or of the `webhook_events` only. It is deleted `expires_after_s` seconds after its end, where that is sooner than
    the plan's retention; `warn_before_s` seconds before that the event `generation.expiring` is sent."""

    model: str
    inputs: dict[str, Any]
    webhook_url: str | None = None
    webhook_events: list[str] | None = None
    expires_after_s: int | None = None
    warn_before_s: int | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    deadline_s: float | None = None
    start_within_s: float | None = None


class PriceBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    inputs: dict[str, Any]


class ErrorBody(msgspec.Struct, kw_only=True):
    """`code` is stable. `problems` names each field that is wrong, and what is allowed there."""

    code: str
    message: str
    problems: list[dict[str, str]]
    request_id: str


def show_generation(generation: Generation, reply: Reply) -> GenerationBody:
    return GenerationBody(
        id=generation.id,
        number=generation.number,
        status=generation.status,
        model=generation.model,
        modality=generation.modality,
        task=generation.task,
        inputs=wire.shown(generation.inputs, reply),
        quote=in_credits(generation.quote),
        spent=in_credits(generation.spent_total),
        released=in_credits(_released(generation)),
        priority=next((word for word, level in PRIORITIES.items() if level == generation.priority), "normal"),
        progress=1.0 if generation.status is Status.COMPLETED else generation.progress,
        attempts=generation.attempt,
        outputs=[_output(asset, reply) for asset in generation.outputs],
        error=Failed(code=generation.cause.code, message=generation.cause.message) if generation.cause else None,
        created_at=generation.created_at,
        started_at=generation.started_at,
        settled_at=generation.settled_at,
        start_by=generation.start_by,
        deadline_at=generation.deadline_at,
        expires_at=generation.expires_at,
    )


def _released(generation: Generation) -> Credits:
    """What was given back of the hold, which was the quote: nothing before the end."""
    return Credits(generation.quote - generation.spent_total) if generation.is_terminal else ZERO


def _output(asset: Asset, reply: Reply) -> Output:
    url = reply.link(asset)
    is_told = reply.principal is not None and reply.principal.plan.upstream_urls
    return Output(
        url=url,
        media_type=asset.media_type,
        size_bytes=asset.size_bytes,
        width=asset.width,
        height=asset.height,
        duration_s=wire.number(asset.duration_s),
        thumbnail_url=reply.link(asset.thumbnail) if asset.thumbnail else None,
        url_expires_at=link_expiry(url),
        sha256=asset.sha256,
        upstream_url=asset.origin_url if is_told and asset.origin_url else msgspec.UNSET,
    )


def link_expiry(url: str) -> datetime | None:
    """Until when a signed URL of ours is good: it says so itself."""
    _, _, after = url.partition("expires=")
    seconds = after.partition("&")[0]
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None


def show_model(model: Model) -> ModelBody:
    least, most = model.price_band
    return ModelBody(
        slug=model.slug,
        name=model.name,
        maker=model.maker,
        modality=model.modality,
        tasks=[str(task) for task in model.tasks],
        description=model.description,
        pricing=model.price.kind,
        least=in_credits(least),
        most=in_credits(most),
        expected_wait_s=model.expected_wait_s,
        input_schema=dict(model.schema),
    )


def show_account(statement: Statement) -> AccountBody:
    return AccountBody(
        id=statement.account.id,
        name=statement.account.name,
        plan=statement.plan.name,
        granted=in_credits(statement.granted),
        available=in_credits(statement.available),
        held=in_credits(statement.held),
        spent=in_credits(statement.spent),
        purses={str(purse): _purse(statement.balances[purse]) for purse in Purse if purse in statement.balances},
        in_flight=statement.in_flight,
    )


def show_costs(report: CostReport) -> CostsBody:
    return CostsBody(
        by=report.by,
        since=report.since,
        items=[
            MarginBody(
                name=line.name,
                generations=line.generations,
                captured=in_credits(line.captured),
                cost_usd=line.cost_usd,
                revenue_usd=line.revenue_usd,
                margin_usd=line.margin_usd,
            )
            for line in report.lines
        ],
    )


def _purse(balance: Balance) -> PurseBody:
    return PurseBody(
        granted=in_credits(balance.granted),
        available=in_credits(balance.available),
        held=in_credits(balance.held),
        spent=in_credits(balance.spent),
    )


def show_entry(entry: Entry, reply: Reply) -> EntryBody:
    return EntryBody(
        sequence=entry.sequence,
        at=entry.at or reply.now,
        kind=entry.kind,
        purse=entry.purse,
        amount=in_credits(entry.amount),
        generation_id=entry.generation_id,
        note=entry.note,
    )
