"""Rows to values and back. Instants are microseconds, JSON is text; columns come in the order of the migrations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from darkroom.account import Account, Key
from darkroom.asset import Asset
from darkroom.clock import from_micros, to_micros
from darkroom.credits import Credits
from darkroom.generation import Cause, Generation, Notice, Status
from darkroom.ledger import Balance, Bucket, Entry, Kind, Purse
from darkroom.ports import Address
from darkroom.records import Attempt, NewGeneration, Settlement, Took
from darkroom.survey import Survey, Unfinished

Row = tuple[Any, ...]

SECOND = 1_000_000

_outputs = msgspec.json.Decoder(tuple[Asset, ...])
_mapping = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()

STATUSES = {status.value: status for status in Status}
STATES: dict[str, Status | Notice] = {**STATUSES, **{notice.value: notice for notice in Notice}}


def to_json(value: object) -> str:
    return _encoder.encode(value).decode()


def mapping(text: str) -> dict[str, Any]:
    found: dict[str, Any] = _mapping.decode(text)
    return found


def generation(row: Row) -> Generation:
    return Generation(
        number=row[0],
        id=row[1],
        account_id=row[2],
        dialect=row[3],
        model=row[4],
        modality=row[5],
        task=row[6],
        provider=row[7],
        inputs=_mapping.decode(row[8]),
        wire=_mapping.decode(row[9]),
        quote=row[10],
        held=_mapping.decode(row[11]),
        spent=_mapping.decode(row[12]),
        status=STATUSES[row[13]],
        attempt=row[14],
        cause=None if row[15] is None else Cause(row[15], row[16]),
        outputs=() if row[17] == "[]" else _outputs.decode(row[17]),
        created_at=from_micros(row[18]),
        started_at=None if row[19] is None else from_micros(row[19]),
        settled_at=None if row[20] is None else from_micros(row[20]),
        expires_at=None if row[22] is None else from_micros(row[22]),
        callback_url=row[23],
        is_favorite=bool(row[24]),
        rating=row[25],
        is_hidden=bool(row[26]),
        priority=row[30],
        run_limit=row[31],
        start_by=None if row[34] is None else from_micros(row[34]),
        deadline_at=None if row[35] is None else from_micros(row[35]),
        callback_events=() if row[36] == "[]" else from_json_texts(row[36]),
    )


def columns(new: NewGeneration) -> dict[str, Any]:
    """What a submit gives to be stored in the row, by column, in their order."""
    return {
        "id": new.id,
        "account_id": new.account_id,
        "dialect": new.dialect,
        "model": new.model,
        "modality": new.modality,
        "task": new.task,
        "provider": new.provider,
        "inputs": to_json(new.inputs),
        "wire": to_json(new.wire),
        "quote": new.quote,
        "created_at": to_micros(new.created_at),
        "retention_days": new.retention_days,
        "expires_after_s": new.expires_after_s,
        "warn_before_s": new.warn_before_s,
        "callback_url": new.callback_url,
        "callback_events": to_json(new.callback_events),
        "fingerprint": new.fingerprint,
        "priority": new.priority,
        "run_limit": new.run_limit,
        "start_by": None if new.start_by is None else to_micros(new.start_by),
        "deadline_at": None if new.deadline_at is None else to_micros(new.deadline_at),
    }


def ending(settlement: Settlement) -> dict[str, Any]:
    """What a settlement gives to be stored in the row, by column; its credits are the books' affair."""
    return {"status": settlement.status, "outputs": to_json(settlement.outputs), **cause(settlement.cause)}


def cause(given: Cause | None) -> dict[str, str | None]:
    return {"cause_code": given.code if given else None, "cause_message": given.message if given else None}


def attempt(row: Row) -> Attempt:
    return Attempt(
        generation_id=row[0],
        number=row[1],
        provider=row[2],
        ticket=row[3],
        started_at=from_micros(row[4]),
        outcome=row[5],
        credential=row[6],
        base_url=row[7],
        sent_at=None if row[8] is None else from_micros(row[8]),
        ended_at=None if row[9] is None else from_micros(row[9]),
        reason=row[10],
        detail=row[11],
        cost_micro_usd=row[12],
    )


def ticket(
    generation_id: str, attempt: int, text: str, *, address: Address, sent_at: datetime | None, reason: str
) -> dict[str, Any]:
    """An attempt's reference upstream, and where it went, by column."""
    return {
        "id": generation_id,
        "attempt": attempt,
        "ticket": text,
        "credential": address.credential,
        "base_url": address.base_url,
        "sent_at": None if sent_at is None else to_micros(sent_at),
        "reason": reason,
    }


def took(row: Row) -> Took:
    model, provider, micros, upstream = row
    return Took(model, provider, micros / SECOND, None if upstream is None else upstream / SECOND)


def accepted(new: NewGeneration, number: int, held: Mapping[str, int], *, event: int) -> Generation:
    """What reading the row of a generation that was just stored would give, without the reading."""
    return Generation(
        number=number,
        id=new.id,
        account_id=new.account_id,
        dialect=new.dialect,
        model=new.model,
        modality=new.modality,
        task=new.task,
        provider=new.provider,
        inputs=new.inputs,
        wire=new.wire,
        quote=new.quote,
        held=held,
        created_at=new.created_at,
        callback_url=new.callback_url,
        callback_events=new.callback_events,
        priority=new.priority,
        run_limit=new.run_limit,
        start_by=new.start_by,
        deadline_at=new.deadline_at,
        event=event,
    )


def account(row: Row) -> Account:
    return Account(number=row[0], id=row[1], name=row[2], plan=row[3], created_at=from_micros(row[4]))


def key(row: Row) -> Key:
    return Key(
        number=row[0],
        account_id=row[1],
        name=row[2],
        hint=row[3],
        dialect=row[4],
        hash=row[5],
        created_at=from_micros(row[6]),
        revoked_at=None if row[7] is None else from_micros(row[7]),
    )


def entry(row: Row) -> Entry:
    return Entry(
        sequence=row[0],
        at=from_micros(row[1]),
        account_id=row[2],
        generation_id=row[3],
        kind=Kind(row[4]),
        purse=Purse(row[5]),
        amount=Credits(row[6]),
        note=row[7],
    )


def balance(issued: int, available: int, held: int, spent: int) -> Balance:
    return Balance({Bucket.ISSUED: issued, Bucket.AVAILABLE: available, Bucket.HELD: held, Bucket.SPENT: spent})


def from_json_texts(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def survey(unfinished: Sequence[Row], ambiguous: Sequence[Row], backlog: Sequence[Row]) -> Survey:
    ((messages, oldest_due_at),) = backlog
    return Survey(
        unfinished=tuple(
            Unfinished(provider=provider, status=Status(status), count=count, oldest_at=from_micros(oldest_at))
            for provider, status, count, oldest_at in unfinished
        ),
        ambiguous=dict(ambiguous),
        messages=messages,
        oldest_due_at=None if oldest_due_at is None else from_micros(oldest_due_at),
    )
