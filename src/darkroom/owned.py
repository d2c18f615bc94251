"""An account's own assets: the values, and the store's verbs about them.

A *content* is the bytes of one SHA-256 in one account, stored once. Its holders are assets (each with an id that its
owner knows) and generations (whose inputs it is among). A content that nobody holds is doomed: its bytes are deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from darkroom.asset import Asset

ASSET_ID = "asset_"
"""What the id of an account's own asset begins with."""

UPLOAD_ID = "upload_"
"""What the id of an upload in parts begins with; the rest is that of the asset that it becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes as they are stored; `sha256` in hexadecimal."""

    id: str
    account_id: str
    sha256: str
    key: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetHolder:
    """Holds a content as an asset with an id and a name of its own."""

    id: str
    name: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationHolder:
    """Holds a content as an input, from before the generation is stored until its assets are deleted."""

    id: str


Holder = AssetHolder | GenerationHolder


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedAsset:
    """`ended_at` and `reason` (deleted, expired) are there once its owner or its retention has ended it."""

    id: str
    number: int
    account_id: str
    name: str
    sha256: str
    asset: Asset
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An asset on its way in parts: `size_bytes` in all, `part_bytes` in each but the last. `parts` are the numbers,
    from 1, of those that have come."""

    id: str
    account_id: str
    name: str
    size_bytes: int
    part_bytes: int
    sha256: str | None
    expires_after_s: int | None
    created_at: datetime
    parts: tuple[int, ...] = ()

    @property
    def asset_id(self) -> str:
        return ASSET_ID + self.id.removeprefix(UPLOAD_ID)

    @property
    def part_count(self) -> int:
        return -(-self.size_bytes // self.part_bytes)

    def size_of(self, number: int) -> int:
        """How many bytes part `number` has."""
        return min(self.part_bytes, self.size_bytes - (number - 1) * self.part_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many bytes an account may have stored in all; None is no limit."""

    plan: str
    total_bytes: int | None


class OwnedAssets(Protocol):
    """Each verb is one transaction."""

    async def arrive(self, content: Content, holder: Holder, *, allowance: Allowance, now: datetime) -> Content | None:
        """Let the holder hold the same bytes where the account has them already; otherwise note that they are coming,
        and answer None. Raises `StorageFull`."""
        ...

    async def keep(self, content: Content, holder: Holder, *, now: datetime) -> Content:
        """What was coming has come: let the holder hold it, or the same bytes that came by another way meanwhile."""
        ...

    async def claim(self, account_id: str, asset_id: str, generation_id: str, *, now: datetime) -> Content:
        """Let a generation hold what an asset holds; raises `NotFound`, `Gone`."""
        ...

    async def let_go(self, generation_ids: Sequence[str]) -> None:
        """These generations hold nothing any more."""
        ...

    async def owned_asset(self, asset_id: str) -> OwnedAsset:
        """Also one that has ended; raises `NotFound`."""
        ...

    async def owned_assets(self, account_id: str, *, limit: int, before: int | None, now: datetime) -> list[OwnedAsset]:
        """Newest first, those that have not ended."""
        ...

    async def end_asset(self, asset_id: str, *, reason: str, now: datetime) -> bool:
        """False where it has ended before."""
        ...

    async def expire_assets(self, *, now: datetime) -> int:
        """End the assets that are past their retention; returns how many."""
        ...

    async def doomed(self, *, after: str, limit: int) -> list[Content]:
        """Contents that nobody holds and whose bytes are still there, by id."""
        ...

    async def note_deleted(self, content_ids: Sequence[str]) -> None: ...

    async def tidy(self, *, before: datetime) -> None:
        """Doom what began to come before this and never did; forget holds for generations that never were stored."""
        ...

    async def begin_upload(self, upload: Upload, *, allowance: Allowance) -> None:
        """Raises `StorageFull`."""
        ...

    async def upload(self, upload_id: str) -> Upload:
        """Raises `NotFound`."""
        ...

    async def note_part(self, upload_id: str, number: int) -> None:
        """Raises `NotFound`."""
        ...

    async def end_upload(self, upload_id: str) -> None: ...

    async def stale_uploads(self, *, before: datetime) -> list[str]: ...
