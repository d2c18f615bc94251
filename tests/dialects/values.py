"""What a dialect's tests render: generations, replies and refusals, made without a store."""

from datetime import UTC, datetime, timedelta
from typing import Any

from darkroom import catalogue, errors
from darkroom.account import Account, Key, Month, Plan, Principal, Statement
from darkroom.asset import Asset
from darkroom.credits import credits
from darkroom.generation import Generation, Status
from darkroom.ledger import Balance, Entry, Kind, Purse
from darkroom.wire import Reply, WireRequest

CREATED_AT = datetime(2026, 5, 10, 12, 34, 56, tzinfo=UTC)
ID = "5b91a581-ee19-4f86-9fea-bd29471d69d5"
MODELS = catalogue.load()
OPEN = Plan(name="open", title="Open")


def a_generation(status: Status = Status.QUEUED, **changes: Any) -> Generation:
    settled_at = CREATED_AT + timedelta(milliseconds=12420)
    values: dict[str, Any] = {
        "id": ID,
        "number": 7,
        "account_id": "account",
        "dialect": "native",
        "model": "grok-imagine-image-quality",
        "modality": "image",
        "task": "text-to-image",
        "provider": "sketch",
        "inputs": {"prompt": "a cat"},
        "wire": {},
        "quote": credits("21.1"),
        "created_at": CREATED_AT,
        "status": status,
        "started_at": None if status is Status.QUEUED else CREATED_AT,
        "settled_at": settled_at if status in (Status.COMPLETED, Status.FAILED, Status.CANCELED) else None,
    }
    return Generation(**{**values, **changes})


def an_asset(key: str = "results/r/1/cat.png", media_type: str = "image/png", **changes: Any) -> Asset:
    return Asset(**{"key": key, "media_type": media_type, "size_bytes": 8, "width": 1024, "height": 1024, **changes})


def a_reply(*, seconds: float = 4.2, **changes: Any) -> Reply:
    """`seconds` after the generation was submitted."""
    return Reply(
        **{
            "request": WireRequest(),
            "now": CREATED_AT + timedelta(seconds=seconds),
            "url": "https://here",
            "link": lambda asset: f"https://here/{asset if isinstance(asset, str) else asset.key}",
            "catalogue": MODELS,
            **changes,
        }
    )


def a_statement(plan: Plan = OPEN, *, month: Month | None = None, **amounts: str) -> Statement:
    """`amounts` of credits by purse."""
    balances = {}
    for purse, amount in amounts.items():
        balance = Balance()
        balance.post(Entry(account_id="account", kind=Kind.GRANT, purse=Purse(purse), amount=credits(amount)))
        balances[Purse(purse)] = balance
    return Statement(account=an_account(plan.name), plan=plan, balances=balances, month=month)


def an_account(plan: str = "open") -> Account:
    return Account(id="account", number=1, name="someone", plan=plan, created_at=CREATED_AT)


def a_principal(plan: Plan = OPEN) -> Principal:
    key = Key(number=1, account_id="account", name="", hint="", dialect="native", hash=b"", created_at=CREATED_AT)
    return Principal(account=an_account(plan.name), key=key, plan=plan)


def every_refusal() -> dict[type[errors.Rejected], errors.Rejected]:
    """One of each class that is raised; a class that is missing here fails `test_every_refusal_is_here`."""
    some: list[errors.Rejected] = [
        errors.Unauthenticated(),
        errors.UnknownKey(),
        errors.RevokedKey(),
        errors.NotYours("generation 7"),
        errors.PlanTooLow(plan="free", needs="plan 'pro'"),
        errors.ModelNotAllowed("big", plan="pro"),
        errors.NotFound("generation 7"),
        errors.WrongMethod("PUT", "/api/v1/credits", allowed=["GET"]),
        errors.UnknownModel("nope", near=["note"]),
        errors.ModelUnavailable("gpt", "text"),
        errors.InvalidInput.of("prompt", "is required"),
        errors.BodyTooLarge(limit_bytes=1),
        errors.IdempotencyConflict(),
        errors.InsufficientCredits(needed=21_100_000, available=1_250_000),
        errors.LimitReached(limit=240, window="minute", plan="pro", retry_after_s=17),
        errors.TooManyInFlight(limit=5, plan="pro"),
        errors.Unavailable(),
    ]
    return {type(error): error for error in some}


def leaves(cls: type[errors.Rejected] = errors.Rejected) -> set[type[errors.Rejected]]:
    below = cls.__subclasses__()
    return set().union(*(leaves(each) for each in below)) if below else {cls}
