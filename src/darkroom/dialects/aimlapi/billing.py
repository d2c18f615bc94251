"""AIMLAPI's account pages: balance, transactions, and a log of what was asked for."""

import re
from datetime import datetime, timedelta
from typing import Any

from darkroom import errors
from darkroom.account import Statement
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import money
from darkroom.dialects.aimlapi.refusals import not_served
from darkroom.dialects.aimlapi.request import NAME, choose, model_name
from darkroom.generation import Generation, Status
from darkroom.ledger import Entry, Kind
from darkroom.verbs import List, ListEntries, Page, ShowAccount
from darkroom.wire import Reply, Route, WireRequest, WireResponse

LOW_BALANCE = 10_000
"""In AIMLAPI's credits: half a cent."""

DIRECTIONS = {"TOPUP": Kind.GRANT, "CHARGE": Kind.CAPTURE}
TYPES = ("PAYMENT", "BONUS", "REFUND", "ADJUSTMENT", "MODEL_USAGE", "CREDITS_EXPIRED", "INIT")
TOLD_AS = {Kind.GRANT: ("TOPUP", "ADJUSTMENT"), Kind.CAPTURE: ("CHARGE", "MODEL_USAGE")}
"""Direction and type of an entry. A hold and its release are no movement of money to AIMLAPI's callers."""

NOTHING = ("none",)
"""A kind that no entry has, for filters that nothing can pass."""

OUTCOMES = {"succeeded": (Status.COMPLETED,), "failed": (Status.FAILED, Status.CANCELED)}
PERIOD = re.compile(r"([1-9][0-9]{0,3})([hd])")
LONGEST_WINDOW = timedelta(days=92)
USUAL_WINDOW = timedelta(hours=24)
LARGEST_OFFSET = 1_000_000


def render_balance(statement: Statement, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body={"current_balance": _available(statement), "currency": "USD"})


def _available(statement: Statement) -> float:
    return money.dollars(money.balance(statement.available))


def render_detail(statement: Statement, reply: Reply) -> WireResponse:
    body = {
        "user_id": statement.account.number,
        "email": None,
        "current_balance": _available(statement),
        "currency": "USD",
        "autotopup_settings": {"is_enabled": False, "threshold": 0, "amount": 0, "currency": "USD"},
    }
    return WireResponse(status=200, body=body)


def render_old_balance(statement: Statement, reply: Reply) -> WireResponse:
    balance = money.balance(statement.available)
    is_low = balance < LOW_BALANCE
    told = "Balance is below the threshold" if is_low else "Balance is current and up to date"
    body = {
        "balance": balance,
        "lowBalance": is_low,
        "lowBalanceThreshold": LOW_BALANCE,
        "lastUpdated": wire.millis_z(reply.now),
        "autoDebitStatus": "disabled",
        "status": "current",
        "statusExplanation": told,
    }
    return WireResponse(status=200, body=body)


def parse_transactions(request: WireRequest) -> ListEntries:
    since, until = wire.instant(request, "from"), wire.instant(request, "to")
    if since is not None and until is not None and until <= since:
        raise errors.InvalidInput.of("to", "must be later than 'from'")
    return ListEntries(
        kinds=_kinds(request),
        since=since,
        # `to` itself is outside, and our instants are whole microseconds.
        until=None if until is None else _just_before(until),
        limit=wire.whole_number(request, "limit", default=50, most=100),
        cursor=wire.first(request, "cursor") or None,
    )


def _just_before(instant: datetime) -> datetime:
    try:
        return instant - timedelta(microseconds=1)
    except OverflowError:
        return instant


def _kinds(request: WireRequest) -> tuple[str, ...]:
    direction, kind = wire.first(request, "direction"), wire.first(request, "type")
    kept = {str(told): direction_and_type for told, direction_and_type in TOLD_AS.items()}
    if direction:
        choose("direction", direction, tuple(DIRECTIONS))
        kept = {told: pair for told, pair in kept.items() if pair[0] == direction}
    if kind:
        choose("type", kind, TYPES)
        kept = {told: pair for told, pair in kept.items() if pair[1] == kind}
    return tuple(kept) or NOTHING


def render_transactions(page: Page[Entry], reply: Reply) -> WireResponse:
    body = {
        "data": [_transaction(entry) for entry in page.items],
        "pagination": {"next_cursor": page.cursor, "has_more": page.cursor is not None},
    }
    return WireResponse(status=200, body=body)


def _transaction(entry: Entry) -> dict[str, Any]:
    direction, kind = TOLD_AS[entry.kind]
    return {
        "created_at": wire.millis_z(entry.at),
        "direction": direction,
        "type": kind,
        "amount": _amount(entry.amount),
        "model": None,  # the books know the generation, and that knows its model
        "reference_id": entry.generation_id,
    }


def _amount(amount: int) -> dict[str, Any]:
    used = money.units(amount)
    return {"usd": money.dollars(used), "credits": used}


def parse_logs(request: WireRequest) -> List:
    """What has ended, newest first. Pages begin at whole pages: `offset` is a multiple of `limit`."""
    if wire.first(request, "key_prefix"):
        raise errors.InvalidInput.of(
            "key_prefix", "is not served: the log is kept by account, not by key; leave it out"
        )
    models = [value for name, value in request.query if name == "model" and value]
    if len(models) > 1:
        raise errors.InvalidInput.of("model", "must be given once; ask for one model at a time")
    since, until = _window(request)
    limit = wire.whole_number(request, "limit", default=50, most=100)
    offset = wire.whole_number(request, "offset", default=0, least=0, most=LARGEST_OFFSET)
    if offset % limit:
        raise errors.InvalidInput.of("offset", f"must be a multiple of the limit, which is {limit}")
    return List(
        model=models[0] if models else None,
        catalogue=NAME,
        status=_outcomes(request),
        created_after=since,
        created_before=until,
        limit=limit,
        page=offset // limit + 1,
    )


def _outcomes(request: WireRequest) -> tuple[Status, ...]:
    wanted = [value for name, value in request.query if name == "status" and value] or list(OUTCOMES)
    for value in wanted:
        choose("status", value, tuple(OUTCOMES))
    return tuple(status for value in dict.fromkeys(wanted) for status in OUTCOMES[value])


def _window(request: WireRequest) -> tuple[datetime, datetime]:
    start, end = wire.instant(request, "start"), wire.instant(request, "end")
    period = wire.first(request, "period")
    if period and (start or end):
        raise errors.InvalidInput.of("period", "stands alone; leave out 'start' and 'end'")
    if start is not None and end is not None:
        if not timedelta(0) <= end - start <= LONGEST_WINDOW:
            raise errors.InvalidInput.of("end", "must not be earlier than 'start', nor more than 92 days after it")
        return start, end
    if start or end:
        raise errors.InvalidInput.of("end" if start else "start", "is required")
    return request.at - _span(period), request.at


def _span(period: str | None) -> timedelta:
    if not period:
        return USUAL_WINDOW
    read = PERIOD.fullmatch(period)
    if read is None:
        raise errors.InvalidInput.of("period", "must be a whole number followed by h or d, such as 24h or 7d")
    count = int(read[1])
    span = timedelta(hours=count) if read[2] == "h" else timedelta(days=count)
    if span > LONGEST_WINDOW:
        raise errors.InvalidInput.of("period", "must be at most 92 days")
    return span


def render_logs(page: Page[Generation], reply: Reply) -> WireResponse:
    offset = (page.page - 1) * page.limit
    total = page.total or 0
    body = {
        "data": [_log(generation, reply) for generation in page.items],
        "pagination": {
            "limit": page.limit,
            "offset": offset,
            "total": total,
            "has_more": offset + len(page.items) < total,
        },
    }
    return WireResponse(status=200, body=body)


def _log(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "created": wire.millis_z(generation.created_at),
        "status": "succeeded" if generation.status is Status.COMPLETED else "failed",
        "origin": "api",
        "model": model_name(generation, reply),
        "cost": _amount(generation.spent_total),
        "tokens": {"input": 0, "output": 0, "total": 0},
        "request_id": None,
        "inference_id": generation.id,
        "client_request_id": generation.wire.get("client_request_id") if generation.dialect == NAME else None,
    }


SPENT = "nothing is summed by window and key; GET /v2/billing/transactions and GET /v2/logs have every single charge"
METRICS = "latencies are at GET /metrics, for Prometheus"

ROUTES = (
    Route("GET", "/v2/billing", lambda request: ShowAccount(), render_balance),
    Route("GET", "/v2/billing/detail", lambda request: ShowAccount(), render_detail),
    Route("GET", "/v2/billing/transactions", parse_transactions, render_transactions),
    Route("GET", "/v1/billing/balance", lambda request: ShowAccount(), render_old_balance),
    Route("GET", "/v2/logs", parse_logs, render_logs),
    not_served("GET", "/v2/usage", SPENT),
    not_served("GET", "/v2/usage/detail", SPENT),
    not_served("GET", "/models/metrics", METRICS),
)
