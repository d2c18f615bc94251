"""Assets in parts: begun, sent in any order and as often as it takes, completed. A restart forgets nothing."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from darkroom.account import Principal
from darkroom.asset import Arrival
from darkroom.clock import Clock
from darkroom.errors import InvalidInput, NotFound, NotYours
from darkroom.ids import new_id
from darkroom.owned import ASSET_ID, UPLOAD_ID, Allowance, AssetHolder, OwnedAsset, Upload
from darkroom.ports import Store
from darkroom.shelf import Shelf, allowance_of, check_size, expiry
from darkroom.verbs import BeginUpload, CompleteUpload, DropUpload, PutPart, ShowAsset, ShowUpload

PART_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
LIFE = timedelta(days=1)
"""What is not completed by then is swept."""


class Uploads:
    """Parts are put at their places in one file in `folder`; the store knows which of them have come."""

    def __init__(self, *, store: Store, shelf: Shelf, clock: Clock, folder: Path) -> None:
        self._store = store
        self._shelf = shelf
        self._clock = clock
        self.folder = folder
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.verbs: Mapping[type, Callable[[Any, Any], Awaitable[OwnedAsset | Upload | None]]] = {
            BeginUpload: self.begin,
            PutPart: self.put_part,
            ShowUpload: self.show,
            CompleteUpload: self.complete,
            DropUpload: self.drop,
        }

    async def begin(self, principal: Principal, wanted: BeginUpload) -> Upload:
        """Raises `InvalidInput`, `AssetTooLarge`, `StorageFull`: before a byte is sent."""
        check_size(wanted.size_bytes, principal.plan)
        upload = Upload(
            id=UPLOAD_ID + new_id(),
            account_id=principal.account.id,
            name=wanted.name,
            size_bytes=wanted.size_bytes,
            part_bytes=PART_BYTES,
            sha256=wanted.sha256,
            expires_after_s=wanted.expires_after_s,
            created_at=self._clock.now(),
        )
        await self._store.begin_upload(upload, allowance=allowance_of(principal.plan))
        return upload

    async def put_part(self, principal: Principal, wanted: PutPart) -> Upload:
        """A part that comes again takes the place of the one before. Raises `InvalidInput`, `NotFound`."""
        upload = await self._own(principal, wanted.id)
        _check_part(upload, wanted)
        async with self._turn(upload.id):
            await asyncio.to_thread(_write_part, self.folder / upload.id, upload, wanted)
            await self._store.note_part(upload.id, wanted.number)
        return await self._store.upload(upload.id)

    async def show(self, principal: Principal, wanted: ShowUpload) -> Upload:
        return await self._own(principal, wanted.id)

    async def complete(self, principal: Principal, wanted: CompleteUpload) -> OwnedAsset:
        """The asset; asking again answers the same one. Raises `InvalidInput` where a part is missing."""
        async with self._turn(wanted.id):
            try:
                upload = await self._own(principal, wanted.id)
            except NotFound:
                return await self._shelf.show_asset(principal, ShowAsset(id=_asset_id(wanted.id)))
            await self._finish(principal, upload)
            return await self._store.owned_asset(upload.asset_id)

    async def _finish(self, principal: Principal, upload: Upload) -> None:
        missing = sorted(set(range(1, upload.part_count + 1)) - set(upload.parts))
        if missing:
            listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
            raise InvalidInput.of("parts", f"{len(missing)} of {upload.part_count} have not come: {listed}")
        path = self.folder / upload.id
        sha256, head = await asyncio.to_thread(_hash, path)
        if upload.sha256 is not None and sha256 != upload.sha256:
            raise InvalidInput.of("sha256", f"is {sha256} of what has come, and {upload.sha256} was announced")
        holder = AssetHolder(
            id=upload.asset_id,
            name=upload.name,
            expires_at=expiry(self._clock.now(), principal.plan.retention_days, upload.expires_after_s),
        )
        arrival = Arrival(source=path, size_bytes=upload.size_bytes, sha256=sha256, head=head)
        # Its room was kept free since it was begun.
        room = Allowance(plan=principal.plan.name, total_bytes=None)
        await self._shelf.hold(upload.account_id, arrival, holder, room)
        await self._end(upload.id)

    async def drop(self, principal: Principal, wanted: DropUpload) -> None:
        upload = await self._own(principal, wanted.id)
        async with self._turn(upload.id):
            await self._end(upload.id)

    async def sweep(self) -> None:
        """End what was not completed within its life, and delete what a cut-off request left."""
        before = self._clock.now() - LIFE
        for upload_id in await self._store.stale_uploads(before=before):
            async with self._turn(upload_id):
                await self._end(upload_id)
        await asyncio.to_thread(_delete_old, self.folder, before.timestamp())

    async def _end(self, upload_id: str) -> None:
        await self._store.end_upload(upload_id)
        await asyncio.to_thread((self.folder / upload_id).unlink, missing_ok=True)

    async def _own(self, principal: Principal, upload_id: str) -> Upload:
        upload = await self._store.upload(upload_id)
        if upload.account_id != principal.account.id:
            raise NotYours(f"upload {upload_id}")
        return upload

    def _turn(self, upload_id: str) -> asyncio.Lock:
        """One at a time for each upload: its file is moved away when it is completed."""
        return self._turns.setdefault(upload_id, asyncio.Lock())


def _asset_id(upload_id: str) -> str:
    return ASSET_ID + upload_id.removeprefix(UPLOAD_ID)


def _check_part(upload: Upload, wanted: PutPart) -> None:
    if not 1 <= wanted.number <= upload.part_count:
        raise InvalidInput.of("number", f"must be a number from 1 to {upload.part_count}")
    size_bytes = upload.size_of(wanted.number)
    if wanted.arrival.size_bytes != size_bytes:
        raise InvalidInput.of(
            "", f"part {wanted.number} must have {size_bytes} bytes, and has {wanted.arrival.size_bytes}"
        )
    if wanted.sha256 is not None and wanted.sha256 != wanted.arrival.sha256:
        raise InvalidInput.of("", f"part {wanted.number} came damaged: it does not have the digest that it came with")


def _write_part(path: Path, upload: Upload, wanted: PutPart) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.seek((wanted.number - 1) * upload.part_bytes)
        source = wanted.arrival.source
        if isinstance(source, bytes):
            file.write(source)
        else:
            with source.open("rb") as part:
                shutil.copyfileobj(part, file, PIECE_BYTES)
        file.flush()
        # The store says that it has come only once it is on the disk.
        os.fdatasync(file.fileno())


def _hash(path: Path) -> tuple[str, bytes]:
    digest = hashlib.sha256()
    head = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                head = head or piece[:64]
                digest.update(piece)
    except FileNotFoundError:
        raise InvalidInput.of("", "what came of this upload was lost; begin a new one") from None
    return digest.hexdigest(), head


def _delete_old(folder: Path, before_s: float) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.stat().st_mtime < before_s:
            path.unlink(missing_ok=True)
