"""An account's own assets: stored once for each content, shown to their owner alone, deleted when it says so."""

from datetime import datetime, timedelta

import structlog

from darkroom.account import Plan, Principal
from darkroom.asset import ENDINGS, Arrival
from darkroom.clock import Clock
from darkroom.errors import AssetTooLarge, Gone, InvalidInput, NotYours, Unavailable
from darkroom.ids import new_id
from darkroom.media_type import sniff
from darkroom.owned import ASSET_ID, Allowance, AssetHolder, Content, Holder, OwnedAsset
from darkroom.ports import Assets, Store
from darkroom.verbs import DeleteAsset, ListAssets, Page, ShowAsset, StoreAsset

log = structlog.get_logger(__name__)

FOLDER = "contents"

DELETED_AT_ONCE = 100


class Shelf:
    def __init__(self, *, store: Store, assets: Assets, clock: Clock) -> None:
        self._store = store
        self._assets = assets
        self._clock = clock

    async def store_asset(self, principal: Principal, wanted: StoreAsset) -> OwnedAsset:
        """Raises `InvalidInput`, `AssetTooLarge`, `StorageFull`."""
        arrival, plan = wanted.arrival, principal.plan
        check_size(arrival.size_bytes, plan)
        holder = AssetHolder(
            id=ASSET_ID + new_id(),
            name=wanted.name,
            expires_at=expiry(self._clock.now(), plan.retention_days, wanted.expires_after_s),
        )
        await self.hold(principal.account.id, arrival, holder, allowance_of(plan))
        return await self._store.owned_asset(holder.id)

    async def hold(self, account_id: str, arrival: Arrival, holder: Holder, allowance: Allowance) -> Content:
        """Store what has arrived, unless the account has the same bytes; raises `StorageFull`, `Unavailable`."""
        media_type = sniff(arrival.head)
        if media_type is None:
            raise InvalidInput.of("file", "is neither an image, a video nor a sound that can be read here")
        id = new_id()
        key = f"{FOLDER}/{account_id}/{id}.{ENDINGS.get(media_type, media_type.rsplit('/', 1)[-1])}"
        content = Content(
            id=id,
            account_id=account_id,
            sha256=arrival.sha256,
            key=key,
            media_type=media_type,
            size_bytes=arrival.size_bytes,
        )
        # The row first: bytes that no row names would lie there for ever after a crash.
        known = await self._store.arrive(content, holder, allowance=allowance, now=self._clock.now())
        if known is not None:
            return known
        try:
            if isinstance(arrival.source, bytes):
                await self._assets.put(key, arrival.source)
            else:
                await self._assets.take(key, arrival.source)
        except OSError as error:
            log.error("an asset was not stored", key=key, reason=str(error))
            raise Unavailable("the asset cannot be stored at the moment; send it again in a while") from None
        return await self._store.keep(content, holder, now=self._clock.now())

    async def show_asset(self, principal: Principal, wanted: ShowAsset) -> OwnedAsset:
        """Raises `NotFound`, `NotYours`, `Gone`."""
        owned = await self._store.owned_asset(wanted.id)
        if owned.account_id != principal.account.id:
            raise NotYours(f"asset {wanted.id}")
        if owned.ended_at is not None:
            raise Gone(f"asset {wanted.id}", reason=owned.reason, at=owned.ended_at)
        if owned.expires_at is not None and owned.expires_at <= self._clock.now():
            raise Gone(f"asset {wanted.id}", reason="expired", at=owned.expires_at)
        return owned

    async def list_assets(self, principal: Principal, wanted: ListAssets) -> Page[OwnedAsset]:
        found = await self._store.owned_assets(
            principal.account.id, limit=wanted.limit + 1, before=wanted.before, now=self._clock.now()
        )
        items = tuple(found[: wanted.limit])
        cursor = str(items[-1].number) if len(found) > wanted.limit else None
        return Page(items=items, cursor=cursor, limit=wanted.limit)

    async def delete_asset(self, principal: Principal, wanted: DeleteAsset) -> None:
        """Its bytes go now, unless another asset or a generation's inputs are the same ones."""
        owned = await self.show_asset(principal, ShowAsset(id=wanted.id))
        await self._store.end_asset(owned.id, reason="deleted", now=self._clock.now())
        await self.delete_doomed()

    async def delete_doomed(self) -> None:
        """Delete the bytes that nobody holds any more. A row whose bytes do not go stays doomed, for the next time."""
        after = ""
        while doomed := await self._store.doomed(after=after, limit=DELETED_AT_ONCE):
            deleted = [content.id for content in doomed if await self._delete_bytes(content)]
            await self._store.note_deleted(deleted)
            after = doomed[-1].id

    async def _delete_bytes(self, content: Content) -> bool:
        try:
            await self._assets.delete([content.key])
        except OSError as error:
            log.error("an asset's bytes were not deleted", key=content.key, reason=str(error))
            return False
        return True


def expiry(now: datetime, retention_days: int | None, after_s: int | None) -> datetime | None:
    """When the plan or the caller lets it end, whichever is sooner."""
    asked = [] if after_s is None else [now + timedelta(seconds=after_s)]
    planned = [] if retention_days is None else [now + timedelta(days=retention_days)]
    return min(asked + planned, default=None)


def allowance_of(plan: Plan) -> Allowance:
    return Allowance(plan=plan.name, total_bytes=plan.stored_bytes)


def check_size(size_bytes: int, plan: Plan) -> None:
    """Raises `InvalidInput`, `AssetTooLarge`."""
    if size_bytes == 0:
        raise InvalidInput.of("file", "is empty")
    if plan.asset_bytes is not None and size_bytes > plan.asset_bytes:
        raise AssetTooLarge(limit_bytes=plan.asset_bytes, plan=plan.name)
