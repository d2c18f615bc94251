"""The native API's assets: uploaded whole or in parts, shown, listed, deleted."""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from darkroom import errors
from darkroom.asset import Arrival
from darkroom.dialects import wire
from darkroom.dialects.native_bodies import link_expiry
from darkroom.owned import OwnedAsset, Upload
from darkroom.verbs import (
    BeginUpload,
    CompleteUpload,
    DeleteAsset,
    DropUpload,
    ListAssets,
    Page,
    PutPart,
    ShowAsset,
    ShowUpload,
    StoreAsset,
)
from darkroom.wire import Reply, Route, WireRequest, WireResponse

SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST_NAME = 255
LONGEST_LIFE_S = 100 * 366 * 24 * 3600
UPLOAD_LIFE = timedelta(days=1)


class AssetBody(msgspec.Struct, kw_only=True):
    """An asset. Its `id` stands for it among a generation's inputs. `media_type` is what its bytes say; `url` is good
    until `url_expires_at`, and a new one each day that the asset is asked for."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    url: str
    url_expires_at: datetime | None
    created_at: datetime
    expires_at: datetime | None


class AssetList(msgspec.Struct, kw_only=True):
    """Newest first. `next_cursor` asks for the next page."""

    items: list[AssetBody]
    next_cursor: str | None


class BeginUploadBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`sha256` of the whole, in hexadecimal, is checked at the end where it is told."""

    size_bytes: int
    name: str = ""
    sha256: str | None = None
    expires_after_s: int | None = None


class UploadBody(msgspec.Struct, kw_only=True):
    """An asset on its way in parts. Each part has `part_bytes`, the last one what is left; `missing` are the numbers
    that have not come yet, from 1. What is not completed by `expires_at` is deleted."""

    id: str
    name: str
    size_bytes: int
    part_bytes: int
    part_count: int
    missing: list[int]
    created_at: datetime
    expires_at: datetime


def parse_store(request: WireRequest) -> StoreAsset:
    if request.is_form:
        return _parse_form(request)
    wire.only((name for name, _ in request.query), ("name", "expires_after_s"))
    assert isinstance(request.body, Arrival)
    after = wire.first(request, "expires_after_s")
    return StoreAsset(
        arrival=request.body, name=_name(wire.first(request, "name") or ""), expires_after_s=_life_in_text(after)
    )


def _parse_form(request: WireRequest) -> StoreAsset:
    fields = request.body
    wire.only(fields, ("file", "name", "expires_after_s"))
    file = fields.get("file", [None])
    if len(file) != 1 or not isinstance(file[0], Arrival):
        raise errors.InvalidInput.of("file", "must be one file")
    texts = {}
    for name in ("name", "expires_after_s"):
        texts[name] = fields.get(name, [""])[0]
        if not isinstance(texts[name], str):
            raise errors.InvalidInput.of(name, "must be a text, not a file")
    return StoreAsset(
        arrival=file[0],
        name=_name(texts["name"] or file[0].name),
        expires_after_s=_life_in_text(texts["expires_after_s"] or None),
    )


def _name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise errors.InvalidInput.of("name", f"must be at most {LONGEST_NAME} characters")
    return name


def _life_in_text(given: str | None) -> int | None:
    if given is None:
        return None
    return life(int(given) if given.isascii() and given.isdigit() and len(given) <= 18 else given)


def life(value: object, name: str = "expires_after_s") -> int | None:
    """Seconds until something may be deleted, or before it is; raises `InvalidInput`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_LIFE_S:
        raise errors.InvalidInput.of(name, f"must be a whole number of seconds from 1 to {LONGEST_LIFE_S}")
    return value


def parse_list(request: WireRequest) -> ListAssets:
    wire.only((name for name, _ in request.query), ("limit", "cursor"))
    cursor = wire.first(request, "cursor")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise errors.InvalidInput.of("cursor", "must be the cursor that the page before gave")
    limit = wire.whole_number(request, "limit", default=50, most=100)
    return ListAssets(limit=limit, before=int(cursor) if cursor else None)


def parse_begin(request: WireRequest) -> BeginUpload:
    body = wire.body_of(request)
    wire.only(body, BeginUploadBody.__struct_fields__)
    size = body.get("size_bytes")
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size < 2**50:
        raise errors.InvalidInput.of("size_bytes", "must be a whole number of bytes, at least 1")
    sha256 = body.get("sha256")
    if sha256 is not None and not (isinstance(sha256, str) and SHA256.fullmatch(sha256)):
        raise errors.InvalidInput.of("sha256", "must be 64 hexadecimal digits in lower case")
    name = body.get("name", "")
    if not isinstance(name, str):
        raise errors.InvalidInput.of("name", f"must be a string, not {wire.kind(name)}")
    return BeginUpload(
        size_bytes=size, name=_name(name), sha256=sha256, expires_after_s=life(body.get("expires_after_s"))
    )


def parse_part(request: WireRequest) -> PutPart:
    if request.is_form:
        raise errors.InvalidInput.of("", "must be the bytes of the part themselves, not a form")
    number = wire.number_in_path(request, "number", what="part")
    assert isinstance(request.body, Arrival)
    return PutPart(id=request.path["id"], number=number, arrival=request.body, sha256=_digest(request))


def _digest(request: WireRequest) -> str | None:
    """The SHA-256 that came along, in hexadecimal: as RFC 9530 writes it, `content-digest: sha-256=:BASE64:`."""
    given = request.headers.get("content-digest")
    if given is None:
        return None
    match = re.fullmatch(r"sha-256=:([A-Za-z0-9+/=]+):", given.strip(), re.IGNORECASE)
    try:
        digest = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise errors.InvalidInput.of("content-digest", "must be sha-256=:BASE64:, the part's SHA-256 in base64")
    return digest.hex()


def show_asset(owned: OwnedAsset, reply: Reply) -> AssetBody:
    url = reply.link(owned.asset)
    return AssetBody(
        id=owned.id,
        name=owned.name,
        media_type=owned.asset.media_type,
        size_bytes=owned.asset.size_bytes,
        sha256=owned.sha256,
        url=url,
        url_expires_at=link_expiry(url),
        created_at=owned.created_at,
        expires_at=owned.expires_at,
    )


def render_stored(owned: OwnedAsset, reply: Reply) -> WireResponse:
    return WireResponse(status=201, body=show_asset(owned, reply), headers={"location": f"/v1/assets/{owned.id}"})


def render_asset(owned: OwnedAsset, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_asset(owned, reply))


def render_list(page: Page[OwnedAsset], reply: Reply) -> WireResponse:
    items = [show_asset(owned, reply) for owned in page.items]
    return WireResponse(status=200, body=AssetList(items=items, next_cursor=page.cursor))


def render_nothing(nothing: None, reply: Reply) -> WireResponse:
    return WireResponse(status=204)


def show_upload(upload: Upload) -> UploadBody:
    return UploadBody(
        id=upload.id,
        name=upload.name,
        size_bytes=upload.size_bytes,
        part_bytes=upload.part_bytes,
        part_count=upload.part_count,
        missing=sorted(set(range(1, upload.part_count + 1)) - set(upload.parts)),
        created_at=upload.created_at,
        expires_at=upload.created_at + UPLOAD_LIFE,
    )


def render_begun(upload: Upload, reply: Reply) -> WireResponse:
    return WireResponse(status=201, body=show_upload(upload), headers={"location": f"/v1/uploads/{upload.id}"})


def render_upload(upload: Upload, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_upload(upload))


ROUTES: Sequence[Route] = (
    Route("POST", "/v1/assets", parse_store, render_stored, takes_file=True),
    Route("GET", "/v1/assets", parse_list, render_list),
    Route("GET", "/v1/assets/{id}", lambda request: ShowAsset(id=request.path["id"]), render_asset),
    Route("DELETE", "/v1/assets/{id}", lambda request: DeleteAsset(id=request.path["id"]), render_nothing),
    Route("POST", "/v1/uploads", parse_begin, render_begun),
    Route("GET", "/v1/uploads/{id}", lambda request: ShowUpload(id=request.path["id"]), render_upload),
    Route("PUT", "/v1/uploads/{id}/parts/{number}", parse_part, render_upload, takes_file=True, is_free=True),
    Route("POST", "/v1/uploads/{id}/complete", lambda request: CompleteUpload(id=request.path["id"]), render_stored),
    Route("DELETE", "/v1/uploads/{id}", lambda request: DropUpload(id=request.path["id"]), render_nothing),
)
