"""Lists, newest first, filtered: the queries that are put together from parts, for either database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from darkroom.clock import to_micros
from darkroom.errors import InvalidInput
from darkroom.generation import Generation
from darkroom.ledger import Entry
from darkroom.store import rows
from darkroom.verbs import List, ListEntries, Page

# Every part of a condition is a literal of this file; what the caller gave is bound.
Arguments = dict[str, Any]


def generations_query(account_id: str, wanted: List, *, now: datetime) -> tuple[str, str | None, Arguments]:
    """The query for a page, the one for how many there are in all where that is wanted, and the arguments of both."""
    where, arguments = _of_generations(account_id, wanted, now)
    count = None
    offset = 0
    if wanted.page is not None:
        count = f"SELECT count(*) FROM generation WHERE {where}"  # noqa: S608
        offset = (wanted.page - 1) * wanted.limit
    elif wanted.cursor is not None:
        where += " AND number < :before"
        arguments["before"] = read_cursor(wanted.cursor)
    # One more than wanted tells whether there is a next page.
    query = (
        f"SELECT * FROM generation WHERE {where} "  # noqa: S608
        f"ORDER BY number DESC LIMIT {wanted.limit + 1} OFFSET {offset}"
    )
    return query, count, arguments


def generations_page(wanted: List, found: Sequence[rows.Row], total: int | None) -> Page[Generation]:
    items = tuple(rows.generation(row) for row in found[: wanted.limit])
    return Page(
        items=items,
        cursor=str(items[-1].number) if len(found) > wanted.limit else None,
        total=total,
        page=wanted.page or 1,
        limit=wanted.limit,
    )


def entries_query(some_entries: str, account_id: str, wanted: ListEntries) -> tuple[str, Arguments]:
    parts = ["account_id = :account_id"]
    arguments: Arguments = {"account_id": account_id}
    if wanted.kinds:
        parts.append(_among("kind", wanted.kinds, arguments))
    if wanted.since is not None:
        parts.append("at >= :since")
        arguments["since"] = to_micros(wanted.since)
    if wanted.until is not None:
        parts.append("at <= :until")
        arguments["until"] = to_micros(wanted.until)
    if wanted.cursor is not None:
        parts.append("sequence < :before")
        arguments["before"] = read_cursor(wanted.cursor)
    return f"{some_entries} WHERE {' AND '.join(parts)} ORDER BY sequence DESC LIMIT {wanted.limit + 1}", arguments


def entries_page(wanted: ListEntries, found: Sequence[rows.Row]) -> Page[Entry]:
    items = tuple(rows.entry(row) for row in found[: wanted.limit])
    more = len(found) > wanted.limit
    return Page(items=items, cursor=str(items[-1].sequence) if more else None, limit=wanted.limit)


def read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidInput.of("cursor", "must be the cursor that the page before gave")
    return int(cursor)


def _of_generations(account_id: str, wanted: List, now: datetime) -> tuple[str, Arguments]:
    parts = ["account_id = :account_id", "NOT is_hidden", "(expires_at IS NULL OR expires_at > :now)"]
    arguments: Arguments = {"account_id": account_id, "now": to_micros(now)}
    if wanted.model is not None:
        parts.append("model = :model")
        arguments["model"] = wanted.model
    if wanted.dialect is not None:
        parts.append("dialect = :dialect")
        arguments["dialect"] = wanted.dialect
    if wanted.favorites_only:
        parts.append("is_favorite")
    for column, values in (("status", wanted.status), ("modality", wanted.modality)):
        if values:
            parts.append(_among(column, values, arguments))
    for comparison, name, instant in (
        (">", "created_after", wanted.created_after),
        ("<", "created_before", wanted.created_before),
    ):
        if instant is not None:
            parts.append(f"created_at {comparison} :{name}")
            arguments[name] = to_micros(instant)
    return " AND ".join(parts), arguments


def _among(column: str, values: Sequence[str], arguments: Arguments) -> str:
    """A condition with a name for each value, and the values among the arguments."""
    # Letters, as names are made of them.
    names = [f"{column}_{chr(ord('a') + place)}" for place in range(len(values))]
    arguments.update(zip(names, map(str, values), strict=True))
    return f"{column} IN ({', '.join(f':{name}' for name in names)})"
