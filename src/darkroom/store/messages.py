"""Rows to values and back: endpoints, the messages on their way to them, and the log of each try."""

from datetime import datetime
from typing import Any

import msgspec

from darkroom.clock import from_micros, to_micros
from darkroom.generation import Generation
from darkroom.store import rows
from darkroom.webhook import Bulletin, Delivery, ListDeliveries, OldSecret, Parcel, Record, Stage, Try, Webhook

NEWEST = 2**62

_secrets = msgspec.json.Decoder(tuple[OldSecret, ...])


def webhook(row: rows.Row) -> Webhook:
    return Webhook(
        id=row[0],
        account_id=row[1],
        dialect=row[2],
        url=row[3],
        secret=row[4],
        events=rows.from_json_texts(row[5]),
        created_at=from_micros(row[6]),
        old_secrets=_secrets.decode(row[7]),
        disabled_at=_instant(row[8]),
        disabled_why=row[9],
        failing_since=_instant(row[10]),
    )


def webhook_columns(webhook: Webhook) -> dict[str, Any]:
    """What a new endpoint gives to be stored in its row, by column."""
    return {
        "id": webhook.id,
        "account_id": webhook.account_id,
        "dialect": webhook.dialect,
        "url": webhook.url,
        "secret": webhook.secret,
        "events": rows.to_json(webhook.events),
        "now": to_micros(webhook.created_at),
    }


def wants(events: str, event: str) -> bool:
    """Whether an endpoint is told of an event, by its list of them (JSON); an empty list is all."""
    return events == "[]" or event in rows.from_json_texts(events)


def page_of(account_id: str, wanted: ListDeliveries) -> dict[str, Any]:
    """What a page of deliveries is asked for by; one more than it holds, to know whether there is another."""
    return {
        "account_id": account_id,
        "webhook_id": wanted.webhook_id,
        "generation_id": wanted.generation_id,
        "stage": wanted.stage,
        "before": NEWEST if wanted.before is None else wanted.before,
        "limit": wanted.limit + 1,
    }


def rotated(before: Webhook, *, until: datetime, now: datetime) -> str:
    """The secrets that stay good for a while when an endpoint is given another (JSON)."""
    # None is good for longer than this rotation allows: whoever rotates at once after a leak means all of them.
    kept = [OldSecret(old.secret, min(old.until, until)) for old in before.old_secrets]
    return rows.to_json([each for each in (OldSecret(before.secret, until), *kept) if each.until > now])


def parcel(row: rows.Row, about: Generation | None, now: datetime) -> Parcel:
    """A message that is due; `about` is the generation that it tells of."""
    known = {
        "id": row[0],
        "url": row[4],
        "dialect": row[5],
        "tries": row[6],
        "created_at": from_micros(row[7]),
        "secret": row[8],
        "old_secrets": tuple(old.secret for old in _secrets.decode(row[9]) if old.until > now),
    }
    if about is None:
        return Bulletin(event=row[2], data=msgspec.json.decode(row[3]), **known)
    return Delivery(generation=about, state=rows.STATES[row[2]], **known)


def why_hopeless(failing_since: int | None, since: datetime | None) -> str:
    """Why an endpoint is to be disabled, where it has failed since before `since`."""
    if failing_since is None or since is None or failing_since > to_micros(since):
        return ""
    return f"every try has failed since {from_micros(failing_since):%Y-%m-%d %H:%M} UTC"


def without_nul(text: str) -> str:
    """PostgreSQL's texts hold every character but this one, and a stranger's answer may."""
    return text.replace("\0", "")


def try_columns(made: Try) -> dict[str, Any]:
    return {
        "at": to_micros(made.at),
        "latency_ms": made.latency_ms,
        "status": made.status,
        "outcome": without_nul(made.outcome),
        "headers": rows.to_json(made.headers),
        "body": without_nul(made.body),
    }


def record(row: rows.Row, tries: "list[Try]") -> Record:
    return Record(
        number=row[0],
        id=row[1],
        webhook_id=row[2],
        generation_id=row[3],
        event=row[4],
        url=row[5],
        stage=Stage(row[6]),
        created_at=from_micros(row[7]),
        next_try_at=_instant(row[8]),
        done_at=_instant(row[9]),
        outcome=row[10],
        tries=tuple(tries),
    )


def a_try(row: rows.Row) -> Try:
    headers: dict[str, Any] = msgspec.json.decode(row[4])
    return Try(at=from_micros(row[0]), latency_ms=row[1], status=row[2], outcome=row[3], headers=headers, body=row[5])


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
