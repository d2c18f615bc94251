"""Rows to values and back: contents, the assets that hold them, uploads."""

from collections.abc import Sequence
from datetime import datetime

from darkroom.asset import Asset
from darkroom.clock import from_micros, to_micros
from darkroom.errors import Gone, NotFound
from darkroom.owned import Content, OwnedAsset, Upload
from darkroom.store import rows


def columns(content: Content) -> dict[str, str | int]:
    return {
        "id": content.id,
        "account_id": content.account_id,
        "sha256": content.sha256,
        "key": content.key,
        "media_type": content.media_type,
        "size_bytes": content.size_bytes,
    }


def content(row: rows.Row) -> Content:
    return Content(id=row[0], account_id=row[1], sha256=row[2], key=row[3], media_type=row[4], size_bytes=row[5])


def content_of(row: rows.Row) -> Content:
    """What an asset holds, from the asset's row."""
    return Content(id=row[12], account_id=row[2], sha256=row[4], key=row[5], media_type=row[6], size_bytes=row[7])


def claimable(row: rows.Row | None, account_id: str, asset_id: str, *, now: datetime) -> Content:
    """What an asset holds for an account that wants to use it; raises `NotFound` and `Gone`."""
    if row is None or row[2] != account_id:
        raise NotFound(f"asset {asset_id}")
    asset = owned(row)
    if asset.ended_at is not None:
        raise Gone(f"asset {asset_id}", reason=asset.reason, at=asset.ended_at)
    if asset.expires_at is not None and asset.expires_at <= now:
        raise Gone(f"asset {asset_id}", reason="expired", at=asset.expires_at)
    return content_of(row)


def owned(row: rows.Row) -> OwnedAsset:
    return OwnedAsset(
        id=row[0],
        number=row[1],
        account_id=row[2],
        name=row[3],
        sha256=row[4],
        asset=Asset(key=row[5], media_type=row[6], size_bytes=row[7]),
        created_at=from_micros(row[8]),
        expires_at=None if row[9] is None else from_micros(row[9]),
        ended_at=None if row[10] is None else from_micros(row[10]),
        reason=row[11],
    )


def upload_columns(upload: Upload) -> dict[str, str | int | None]:
    return {
        "id": upload.id,
        "account_id": upload.account_id,
        "name": upload.name,
        "size_bytes": upload.size_bytes,
        "part_bytes": upload.part_bytes,
        "sha256": upload.sha256,
        "expires_after_s": upload.expires_after_s,
        "now": to_micros(upload.created_at),
    }


def upload(row: rows.Row, parts: Sequence[int]) -> Upload:
    return Upload(
        id=row[0],
        account_id=row[1],
        name=row[2],
        size_bytes=row[3],
        part_bytes=row[4],
        sha256=row[5],
        expires_after_s=row[6],
        created_at=from_micros(row[7]),
        parts=tuple(parts),
    )
