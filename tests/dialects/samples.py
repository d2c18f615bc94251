"""Plain values to try a dialect with: no server, no store, no clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from darkroom import catalogue, errors
from darkroom.account import Account, Key, Plan, Principal, Statement
from darkroom.asset import Asset
from darkroom.catalogue import Catalogue
from darkroom.credits import credits
from darkroom.generation import Cause, Generation, Status
from darkroom.ledger import Balance, Entry, Kind, Purse
from darkroom.ports import Delivery
from darkroom.wire import LimitState, Reply, WireRequest

CREATED = datetime(2026, 3, 8, 12, 5, 0, tzinfo=UTC)
STARTED = CREATED + timedelta(seconds=1)
SETTLED = CREATED + timedelta(seconds=55)

ID = "01958a11-0000-7000-8000-000000018502"


@cache
def models() -> Catalogue:
    return catalogue.load()


def a_request(method: str = "POST", body: Any = None, **given: Any) -> WireRequest:
    """`query` may be a dictionary."""
    query = given.pop("query", {})
    pairs = tuple(query.items()) if isinstance(query, Mapping) else tuple(query)
    return WireRequest(method=method, body=body, query=pairs, id="req_1", **given)


def a_reply(request: WireRequest | None = None, **given: Any) -> Reply:
    def link(asset: Asset | str) -> str:
        return f"http://files/{asset if isinstance(asset, str) else asset.key}"

    values: dict[str, Any] = {"now": SETTLED, "url": "http://here", "link": link, "catalogue": models(), **given}
    return Reply(request=request or a_request(), **values)


def a_video(**given: Any) -> Asset:
    values: dict[str, Any] = {
        "key": "results/18502.mp4",
        "media_type": "video/mp4",
        "size_bytes": 1000,
        "width": 1920,
        "height": 1080,
        "duration_s": 5.0,
        "thumbnail": "results/18502.jpg",
        **given,
    }
    return Asset(**values)


def a_generation(status: Status = Status.QUEUED, **given: Any) -> Generation:
    """One of kling-v2.1 that has come as far as `status`."""
    is_settled = status in (Status.COMPLETED, Status.FAILED, Status.CANCELED)
    values: dict[str, Any] = {
        "id": ID,
        "number": 18502,
        "account_id": "a1",
        "dialect": "elumenta",
        "model": "kling-v2.1",
        "modality": "video",
        "task": "text-to-video",
        "provider": "sketch",
        "inputs": {"prompt": "A blooming flower", "duration": 5, "aspect_ratio": "16:9", "quality": "standard"},
        "wire": {},
        "quote": credits(26),
        "created_at": CREATED,
        "status": status,
        "attempt": 0 if status is Status.QUEUED else 1,
        "started_at": None if status is Status.QUEUED else STARTED,
        "settled_at": SETTLED if is_settled else None,
        "held": {} if is_settled else {"permanent": credits(26)},
        "spent": {"permanent": credits(26)} if status is Status.COMPLETED else {},
        "outputs": (a_video(),) if status is Status.COMPLETED else (),
        "cause": Cause("content_refused", "content policy violation") if status is Status.FAILED else None,
        **given,
    }
    return Generation(**values)


def a_plan(**given: Any) -> Plan:
    return Plan(**{"name": "vip", "title": "VIP", "calls_per_hour": 100, "calls_per_day": 1000, **given})


AN_ACCOUNT = Account(id="a1", number=42, name="Ivan", plan="vip", created_at=CREATED)


def a_key(**given: Any) -> Key:
    values: dict[str, Any] = {
        "number": 13,
        "account_id": "a1",
        "name": "Laptop",
        "hint": "nb_a1b2c3",
        "dialect": "elumenta",
        "hash": b"",
        "created_at": CREATED,
        **given,
    }
    return Key(**values)


def a_principal(plan: Plan | None = None) -> Principal:
    return Principal(account=AN_ACCOUNT, key=a_key(), plan=plan or a_plan())


def a_statement(**given: Any) -> Statement:
    """283.5 credits to spend, in two purses, and 26 held."""
    subscription, permanent = Balance(), Balance()
    for balance, purse, amount in ((subscription, Purse.SUBSCRIPTION, 300), (permanent, Purse.PERMANENT, "9.5")):
        balance.post(Entry(account_id="a1", kind=Kind.GRANT, purse=purse, amount=credits(amount)))
    subscription.post(
        Entry(account_id="a1", kind=Kind.HOLD, purse=Purse.SUBSCRIPTION, amount=credits(26), generation_id=ID)
    )
    balances = {Purse.SUBSCRIPTION: subscription, Purse.PERMANENT: permanent}
    return Statement(**{"account": AN_ACCOUNT, "plan": a_plan(), "balances": balances, "in_flight": 1, **given})


def some_limits() -> tuple[LimitState, ...]:
    return (
        LimitState(window="hour", limit=100, remaining=63, resets_at_s=1772974800),
        LimitState(window="day", limit=1000, remaining=941, resets_at_s=1773014400),
    )


def a_delivery(generation: Generation, **given: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": "msg_1",
        "state": generation.status,
        "url": "http://hook",
        "secret": "",
        "dialect": generation.dialect,
        "tries": 0,
        "created_at": CREATED,
        **given,
    }
    return Delivery(generation=generation, **values)


REFUSALS: tuple[errors.Rejected, ...] = (
    errors.Unauthenticated(),
    errors.UnknownKey(),
    errors.RevokedKey(),
    errors.Forbidden("no"),
    errors.NotYours("generation 7"),
    errors.PlanTooLow(plan="free", needs="plan 'basic'"),
    errors.ModelNotAllowed("sora-2", plan="basic"),
    errors.NotFound("generation 7"),
    errors.Gone("generation 7", reason="expired", at=None),
    errors.WrongMethod("PUT", "/v1/models", allowed=("GET",)),
    errors.UnknownModel("klin", near=("kling-v2.1",)),
    errors.UnknownModel("zzz"),
    errors.ModelUnavailable("gpt-5", "text is outside of our field"),
    errors.InvalidInput(errors.Problem("duration", "must be one of 5, 10", ("5", "10")), errors.Problem("x", "no")),
    errors.InvalidInput.of("", "the body is empty"),
    errors.BodyTooLarge(limit_bytes=1048576),
    errors.IdempotencyConflict(),
    errors.AssetTooLarge(limit_bytes=1048576, plan="open"),
    errors.StorageFull(limit_bytes=1048576, used_bytes=1000, plan="open"),
    errors.InsufficientCredits(needed=26_000_000, available=2_500_000),
    *(
        errors.LimitReached(
            limit=100,
            window=window,
            plan="vip",
            retry_after_s=847,
            title="VIP",
            limits={"minute": None, "hour": 100, "day": 1000},
        )
        for window in ("minute", "hour", "day")
    ),
    errors.TooManyInFlight(limit=5, plan="pro"),
    errors.Unavailable(),
)
"""Every way to be refused, as it is raised."""
