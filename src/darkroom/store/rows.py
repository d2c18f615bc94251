"""Rows to values and back. Instants are microseconds, JSON is text; columns come in the order of the migrations."""

from collections.abc import Sequence
from typing import Any

import msgspec

from darkroom.account import Account, Key
from darkroom.asset import Asset
from darkroom.clock import from_micros
from darkroom.credits import Credits
from darkroom.generation import Cause, Generation, Notice, Status
from darkroom.ledger import Balance, Bucket, Entry, Kind, Purse
from darkroom.records import NewGeneration

Row = tuple[Any, ...]

_outputs = msgspec.json.Decoder(tuple[Asset, ...])
_mapping = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()

STATUSES = {status.value: status for status in Status}
STATES: dict[str, Status | Notice] = {**STATUSES, **{notice.value: notice for notice in Notice}}


def to_json(value: object) -> str:
    return _encoder.encode(value).decode()


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


def accepted(new: NewGeneration, number: int, held: Sequence[Entry]) -> Generation:
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
        held={entry.purse.value: entry.amount for entry in held},
        created_at=new.created_at,
        callback_url=new.callback_url,
        callback_events=new.callback_events,
        priority=new.priority,
        run_limit=new.run_limit,
        start_by=new.start_by,
        deadline_at=new.deadline_at,
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
