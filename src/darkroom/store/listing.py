"""An account's generations, newest first, filtered: the one query that is put together from parts."""

from datetime import datetime
from typing import Any

import apsw

from darkroom.clock import to_micros
from darkroom.errors import InvalidInput
from darkroom.generation import Generation
from darkroom.store import rows
from darkroom.verbs import List, Page


def list_generations(connection: apsw.Connection, account_id: str, wanted: List, *, now: datetime) -> Page[Generation]:
    where, arguments = _filters(account_id, wanted, now)
    total = None
    offset = 0
    if wanted.page is not None:
        total = connection.execute(f"SELECT count(*) FROM generation WHERE {where}", arguments).get  # noqa: S608
        offset = (wanted.page - 1) * wanted.limit
    elif wanted.cursor is not None:
        where += " AND number < :before"
        arguments["before"] = read_cursor(wanted.cursor)
    # Every part of `where` is a literal of this file; what the caller gave is bound.
    query = f"SELECT * FROM generation WHERE {where} ORDER BY number DESC LIMIT :limit OFFSET :offset"  # noqa: S608
    # One more than wanted tells whether there is a next page.
    found = connection.execute(query, {**arguments, "limit": wanted.limit + 1, "offset": offset}).fetchall()
    items = tuple(rows.generation(row) for row in found[: wanted.limit])
    return Page(
        items=items,
        cursor=str(items[-1].number) if len(found) > wanted.limit else None,
        total=total,
        page=wanted.page or 1,
        limit=wanted.limit,
    )


def read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidInput.of("cursor", "must be the cursor that the page before gave")
    return int(cursor)


def _filters(account_id: str, wanted: List, now: datetime) -> tuple[str, dict[str, Any]]:
    parts = ["account_id = :account_id", "is_hidden = 0", "(expires_at IS NULL OR expires_at > :now)"]
    arguments: dict[str, Any] = {"account_id": account_id, "now": to_micros(now)}
    if wanted.model is not None:
        parts.append("model = :model")
        arguments["model"] = wanted.model
    if wanted.dialect is not None:
        parts.append("dialect = :dialect")
        arguments["dialect"] = wanted.dialect
    if wanted.favorites_only:
        parts.append("is_favorite = 1")
    for column, values in (("status", wanted.status), ("modality", wanted.modality)):
        if values:
            parts.append(f"{column} IN (SELECT value FROM json_each(:{column}))")  # noqa: S608
            arguments[column] = rows.to_json([str(value) for value in values])
    for comparison, name, instant in (
        (">", "created_after", wanted.created_after),
        ("<", "created_before", wanted.created_before),
    ):
        if instant is not None:
            parts.append(f"created_at {comparison} :{name}")
            arguments[name] = to_micros(instant)
    return " AND ".join(parts), arguments
