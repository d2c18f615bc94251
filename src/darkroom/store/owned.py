"""The store's verbs on SQLite: contents, who holds them, and uploads in parts."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import apsw

from darkroom.clock import to_micros
from darkroom.errors import NotFound, StorageFull
from darkroom.owned import Allowance, AssetHolder, Content, Holder, OwnedAsset, Upload
from darkroom.store import contents, queries, rows
from darkroom.store.database import Database

ASSET = queries.load("asset")

NO_CURSOR = 2**63 - 1


class Owned:
    _database: Database

    async def arrive(self, content: Content, holder: Holder, *, allowance: Allowance, now: datetime) -> Content | None:
        def verb(connection: apsw.Connection) -> Content | None:
            known = _same(connection, content)
            if known is not None:
                _hold(connection, known, holder, now)
                return known
            _check_room(connection, content.account_id, content.size_bytes, allowance)
            connection.execute(ASSET.insert_content, {**contents.columns(content), "now": to_micros(now)})
            return None

        return await self._database.write(verb)

    async def keep(self, content: Content, holder: Holder, *, now: datetime) -> Content:
        def verb(connection: apsw.Connection) -> Content:
            known = _same(connection, content)
            after = "stored" if known is None else "doomed"
            moved = {"id": content.id, "before": "arriving", "after": after}
            if connection.execute(ASSET.move_content, moved).fetchone() is None and known is None:
                raise NotFound("what took longer to arrive than it is waited for")
            kept = known or content
            _hold(connection, kept, holder, now)
            return kept

        return await self._database.write(verb)

    async def claim(self, account_id: str, asset_id: str, generation_id: str, *, now: datetime) -> Content:
        def verb(connection: apsw.Connection) -> Content:
            row = connection.execute(ASSET.asset, {"id": asset_id}).fetchone()
            content = contents.claimable(row, account_id, asset_id, now=now)
            connection.execute(
                ASSET.hold_as_input, {"id": generation_id, "content_id": content.id, "now": to_micros(now)}
            )
            return content

        return await self._database.write(verb)

    async def let_go(self, generation_ids: Sequence[str]) -> None:
        await self._database.write(lambda connection: self._let_go(connection, generation_ids))

    def _let_go(self, connection: apsw.Connection, generation_ids: Sequence[str]) -> None:
        for generation_id in generation_ids:
            _doom(connection, [row[0] for row in connection.execute(ASSET.let_go, {"id": generation_id})])

    async def owned_asset(self, asset_id: str) -> OwnedAsset:
        def question(connection: apsw.Connection) -> OwnedAsset:
            row = connection.execute(ASSET.asset, {"id": asset_id}).fetchone()
            if row is None:
                raise NotFound(f"asset {asset_id}")
            return contents.owned(row)

        return await self._database.read(question)

    async def owned_assets(self, account_id: str, *, limit: int, before: int | None, now: datetime) -> list[OwnedAsset]:
        arguments = {
            "account_id": account_id,
            "limit": limit,
            "before": NO_CURSOR if before is None else before,
            "now": to_micros(now),
        }
        return await self._database.read(
            lambda connection: [contents.owned(row) for row in connection.execute(ASSET.assets, arguments)]
        )

    async def end_asset(self, asset_id: str, *, reason: str, now: datetime) -> bool:
        def verb(connection: apsw.Connection) -> bool:
            arguments = {"id": asset_id, "reason": reason, "now": to_micros(now)}
            ended = [row[0] for row in connection.execute(ASSET.end_asset, arguments)]
            _doom(connection, ended)
            return bool(ended)

        return await self._database.write(verb)

    async def expire_assets(self, *, now: datetime) -> int:
        def verb(connection: apsw.Connection) -> int:
            ended = [row[0] for row in connection.execute(ASSET.expire_assets, {"now": to_micros(now)})]
            _doom(connection, ended)
            return len(ended)

        return await self._database.write(verb)

    async def doomed(self, *, after: str, limit: int) -> list[Content]:
        arguments = {"after": after, "limit": limit}
        return await self._database.read(
            lambda connection: [contents.content(row) for row in connection.execute(ASSET.doomed, arguments)]
        )

    async def note_deleted(self, content_ids: Sequence[str]) -> None:
        moves = [{"id": content_id, "before": "doomed", "after": "deleted"} for content_id in content_ids]

        def verb(connection: apsw.Connection) -> None:
            connection.executemany(ASSET.move_content, moves)

        await self._database.write(verb)

    async def tidy(self, *, before: datetime) -> None:
        arguments = {"before": to_micros(before)}

        def verb(connection: apsw.Connection) -> None:
            connection.execute(ASSET.doom_late, arguments)
            _doom(connection, [row[0] for row in connection.execute(ASSET.strangers, arguments)])

        await self._database.write(verb)

    async def begin_upload(self, upload: Upload, *, allowance: Allowance) -> None:
        arguments = contents.upload_columns(upload)

        def verb(connection: apsw.Connection) -> None:
            _check_room(connection, upload.account_id, upload.size_bytes, allowance)
            connection.execute(ASSET.begin_upload, arguments)

        await self._database.write(verb)

    async def upload(self, upload_id: str) -> Upload:
        def question(connection: apsw.Connection) -> Upload:
            row = connection.execute(ASSET.upload, {"id": upload_id}).fetchone()
            if row is None:
                raise NotFound(f"upload {upload_id}")
            return contents.upload(row, [number for (number,) in connection.execute(ASSET.parts, {"id": upload_id})])

        return await self._database.read(question)

    async def note_part(self, upload_id: str, number: int) -> None:
        def verb(connection: apsw.Connection) -> None:
            if connection.execute(ASSET.upload, {"id": upload_id}).fetchone() is None:
                raise NotFound(f"upload {upload_id}")
            connection.execute(ASSET.note_part, {"id": upload_id, "number": number})

        await self._database.write(verb)

    async def end_upload(self, upload_id: str) -> None:
        def verb(connection: apsw.Connection) -> None:
            connection.execute(ASSET.end_upload, {"id": upload_id})

        await self._database.write(verb)

    async def stale_uploads(self, *, before: datetime) -> list[str]:
        arguments = {"before": to_micros(before)}
        return await self._database.read(
            lambda connection: [row[0] for row in connection.execute(ASSET.stale_uploads, arguments)]
        )


def _same(connection: apsw.Connection, content: Content) -> Content | None:
    arguments = {"account_id": content.account_id, "sha256": content.sha256}
    row = connection.execute(ASSET.find_content, arguments).fetchone()
    return None if row is None else contents.content(row)


def _check_room(connection: apsw.Connection, account_id: str, size_bytes: int, allowance: Allowance) -> None:
    if allowance.total_bytes is None:
        return
    used: int = connection.execute(ASSET.stored_bytes, {"account_id": account_id}).get
    if used + size_bytes > allowance.total_bytes:
        raise StorageFull(limit_bytes=allowance.total_bytes, used_bytes=used, plan=allowance.plan)


def _hold(connection: apsw.Connection, content: Content, holder: Holder, now: datetime) -> None:
    arguments = {"id": holder.id, "content_id": content.id, "now": to_micros(now)}
    if isinstance(holder, AssetHolder):
        expires_at = None if holder.expires_at is None else to_micros(holder.expires_at)
        of_asset = {"account_id": content.account_id, "name": holder.name, "expires_at": expires_at}
        connection.execute(ASSET.hold_as_asset, {**arguments, **of_asset})
    else:
        connection.execute(ASSET.hold_as_input, arguments)


def _doom(connection: apsw.Connection, content_ids: Iterable[str]) -> None:
    ids = list(content_ids)
    if ids:
        connection.execute(ASSET.doom, {"ids": rows.to_json(ids)})
