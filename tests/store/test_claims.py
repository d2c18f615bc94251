"""An asset is looked at once more when a generation takes it: it may have ended since it was seen."""

from datetime import timedelta

import pytest

from darkroom.errors import Gone, NotFound
from darkroom.owned import Allowance, AssetHolder, Content
from tests.store.conftest import NOW, Home, an_account, opened, play

LATER = NOW + timedelta(hours=1)


def test_an_asset_is_claimed_by_its_owner_while_it_lasts(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann, bob = await an_account(store, "ann"), await an_account(store, "bob")
            content = Content(
                id="c1", account_id=ann.id, sha256="5e", key="owned/c1.png", media_type="image/png", size_bytes=9
            )
            for id, expires_at in (("a1", None), ("a2", LATER)):
                holder = AssetHolder(id=id, name="a.png", expires_at=expires_at)
                free = Allowance(plan="open", total_bytes=None)
                if await store.arrive(content, holder, allowance=free, now=NOW) is None:
                    await store.keep(content, holder, now=NOW)
            assert (await store.claim(ann.id, "a1", "g1", now=NOW)).key == "owned/c1.png"
            assert (await store.claim(ann.id, "a2", "g2", now=NOW)).key == "owned/c1.png"
            with pytest.raises(NotFound):
                await store.claim(bob.id, "a1", "g3", now=NOW)
            with pytest.raises(NotFound):
                await store.claim(ann.id, "a3", "g4", now=NOW)
            with pytest.raises(Gone):
                await store.claim(ann.id, "a2", "g5", now=LATER)
            await store.end_asset("a1", reason="deleted", now=NOW)
            with pytest.raises(Gone):
                await store.claim(ann.id, "a1", "g6", now=NOW)

    play(act)
