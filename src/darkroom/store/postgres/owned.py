"""The store's verbs on PostgreSQL: contents, who holds them, and uploads in parts.

Whoever takes hold of a content, or looks whether nobody does, holds the account's row: between the look and the end of
a content nobody can take hold of it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from darkroom.clock import to_micros
from darkroom.errors import NotFound, StorageFull
from darkroom.owned import Allowance, AssetHolder, Content, Holder, OwnedAsset, Upload
from darkroom.store import contents, rows
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.queries import Connection

ASSET = queries.load("asset")
LIFECYCLE = queries.load("lifecycle")

NO_CURSOR = 2**63 - 1


class Owned:
    _database: Database

    async def arrive(self, content: Content, holder: Holder, *, allowance: Allowance, now: datetime) -> Content | None:
        async def verb(connection: Connection) -> Content | None:
            await LIFECYCLE.lock.run(connection, account_ids=[content.account_id])
            known = await _same(connection, content)
            if known is not None:
                await _hold(connection, known, holder, now)
                return known
            await _check_room(connection, content.account_id, content.size_bytes, allowance)
            await ASSET.insert_content.run(connection, **contents.columns(content), now=to_micros(now))
            return None

        return await self._database.write(verb)

    async def keep(self, content: Content, holder: Holder, *, now: datetime) -> Content:
        async def verb(connection: Connection) -> Content:
            await LIFECYCLE.lock.run(connection, account_ids=[content.account_id])
            known = await _same(connection, content)
            after = "stored" if known is None else "doomed"
            moved = await ASSET.move_content.row(connection, id=content.id, before="arriving", after=after)
            if moved is None and known is None:
                raise NotFound("what took longer to arrive than it is waited for")
            kept = known or content
            await _hold(connection, kept, holder, now)
            return kept

        return await self._database.write(verb)

    async def claim(self, account_id: str, asset_id: str, generation_id: str, *, now: datetime) -> Content:
        async def verb(connection: Connection) -> Content:
            await LIFECYCLE.lock.run(connection, account_ids=[account_id])
            row = await ASSET.asset.row(connection, id=asset_id)
            content = contents.claimable(row, account_id, asset_id, now=now)
            await ASSET.hold_as_input.run(connection, id=generation_id, content_id=content.id, now=to_micros(now))
            return content

        return await self._database.write(verb)

    async def let_go(self, generation_ids: Sequence[str]) -> None:
        await self._database.write(lambda connection: self._let_go(connection, generation_ids))

    async def _let_go(self, connection: Connection, generation_ids: Sequence[str]) -> None:
        await _doom(connection, await ASSET.let_go.rows(connection, ids=list(generation_ids)))

    async def owned_asset(self, asset_id: str) -> OwnedAsset:
        row = await self._database.read(lambda connection: ASSET.asset.row(connection, id=asset_id))
        if row is None:
            raise NotFound(f"asset {asset_id}")
        return contents.owned(row)

    async def owned_assets(self, account_id: str, *, limit: int, before: int | None, now: datetime) -> list[OwnedAsset]:
        arguments = {
            "account_id": account_id,
            "limit": limit,
            "before": NO_CURSOR if before is None else before,
            "now": to_micros(now),
        }
        found = await self._database.read(lambda connection: ASSET.assets.rows(connection, **arguments))
        return [contents.owned(row) for row in found]

    async def end_asset(self, asset_id: str, *, reason: str, now: datetime) -> bool:
        async def verb(connection: Connection) -> bool:
            ended = await ASSET.end_asset.rows(connection, id=asset_id, reason=reason, now=to_micros(now))
            await _doom(connection, ended)
            return bool(ended)

        return await self._database.write(verb)

    async def expire_assets(self, *, now: datetime) -> int:
        async def verb(connection: Connection) -> int:
            ended = await ASSET.expire_assets.rows(connection, now=to_micros(now))
            await _doom(connection, ended)
            return len(ended)

        return await self._database.write(verb)

    async def doomed(self, *, after: str, limit: int) -> list[Content]:
        found = await self._database.read(lambda connection: ASSET.doomed.rows(connection, after=after, limit=limit))
        return [contents.content(row) for row in found]

    async def note_deleted(self, content_ids: Sequence[str]) -> None:
        arguments = {"ids": list(content_ids), "before": "doomed", "after": "deleted"}
        await self._database.write(lambda connection: ASSET.move_contents.run(connection, **arguments))

    async def tidy(self, *, before: datetime) -> None:
        async def verb(connection: Connection) -> None:
            await ASSET.doom_late.run(connection, before=to_micros(before))
            await _doom(connection, await ASSET.strangers.rows(connection, before=to_micros(before)))

        await self._database.write(verb)

    async def begin_upload(self, upload: Upload, *, allowance: Allowance) -> None:
        arguments = contents.upload_columns(upload)

        async def verb(connection: Connection) -> None:
            await LIFECYCLE.lock.run(connection, account_ids=[upload.account_id])
            await _check_room(connection, upload.account_id, upload.size_bytes, allowance)
            await ASSET.begin_upload.run(connection, **arguments)

        await self._database.write(verb)

    async def upload(self, upload_id: str) -> Upload:
        async def question(connection: Connection) -> Upload:
            row = await ASSET.upload.row(connection, id=upload_id)
            if row is None:
                raise NotFound(f"upload {upload_id}")
            parts = await ASSET.parts.rows(connection, id=upload_id)
            return contents.upload(row, [number for (number,) in parts])

        return await self._database.read(question)

    async def note_part(self, upload_id: str, number: int) -> None:
        async def verb(connection: Connection) -> None:
            if await ASSET.upload_held_fast.row(connection, id=upload_id) is None:
                raise NotFound(f"upload {upload_id}")
            await ASSET.note_part.run(connection, id=upload_id, number=number)

        await self._database.write(verb)

    async def end_upload(self, upload_id: str) -> None:
        await self._database.write(lambda connection: ASSET.end_upload.run(connection, id=upload_id))

    async def stale_uploads(self, *, before: datetime) -> list[str]:
        found = await self._database.read(
            lambda connection: ASSET.stale_uploads.rows(connection, before=to_micros(before))
        )
        return [row[0] for row in found]


async def _same(connection: Connection, content: Content) -> Content | None:
    row = await ASSET.find_content.row(connection, account_id=content.account_id, sha256=content.sha256)
    return None if row is None else contents.content(row)


async def _check_room(connection: Connection, account_id: str, size_bytes: int, allowance: Allowance) -> None:
    if allowance.total_bytes is None:
        return
    used: int = await ASSET.stored_bytes.value(connection, account_id=account_id)
    if used + size_bytes > allowance.total_bytes:
        raise StorageFull(limit_bytes=allowance.total_bytes, used_bytes=used, plan=allowance.plan)


async def _hold(connection: Connection, content: Content, holder: Holder, now: datetime) -> None:
    arguments = {"id": holder.id, "content_id": content.id, "now": to_micros(now)}
    if isinstance(holder, AssetHolder):
        expires_at = None if holder.expires_at is None else to_micros(holder.expires_at)
        of_asset = {"account_id": content.account_id, "name": holder.name, "expires_at": expires_at}
        await ASSET.hold_as_asset.run(connection, **arguments, **of_asset)
    else:
        await ASSET.hold_as_input.run(connection, **arguments)


async def _doom(connection: Connection, let_go: Collection[rows.Row]) -> None:
    """End the contents that nobody holds any more, of those that somebody has just let go of."""
    ids = sorted({row[0] for row in let_go})
    if ids:
        accounts = await ASSET.accounts_of.rows(connection, ids=ids)
        await LIFECYCLE.lock.run(connection, account_ids=[row[0] for row in accounts])
        await ASSET.doom.run(connection, ids=ids)
