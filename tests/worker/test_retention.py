"""Deletion in an order that a crash cannot turn into a broken promise, past what cannot be deleted."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from obstore.store import LocalStore

from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.config import Settings
from darkroom.errors import Gone
from darkroom.ids import new_id
from darkroom.owned import Allowance, Content, GenerationHolder
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from darkroom.verbs import Fetch, Remove
from darkroom.wiring import Engine
from tests.store.conftest import an_account, opened
from tests.worker.scene import files_in, open_account, play, working

NO_LIMIT = Allowance(plan="open", total_bytes=None)


class Cut(BaseException):
    """The process ends here."""


class Stubborn(ObstoreAssets):
    """Cannot delete what has `stuck` in its key; where `is_cut`, a deletion is the last thing that the process does."""

    stuck = ""
    is_cut = False

    async def delete(self, keys: Sequence[str]) -> None:
        if self.is_cut:
            raise Cut
        if self.stuck and any(self.stuck in key for key in keys):
            raise OSError("read-only")
        await super().delete(keys)


def stubborn(folder: Path) -> Stubborn:
    folder.mkdir(exist_ok=True)
    return Stubborn(LocalStore(folder, automatic_cleanup=True))


def test_what_cannot_be_deleted_is_passed_over_and_tried_again(tmp_path: Path) -> None:
    async def act() -> None:
        clock = FrozenClock()
        assets = stubborn(tmp_path / "assets")
        async with working(tmp_path, [an_output()] * 2, clock=clock, plan="free", assets=assets) as scene:
            ids = [await scene.submit() for _ in range(2)]
            for id in ids:
                await scene.reach(id)
            assets.stuck = ids[0]
            clock.advance(8 * 86_400)
            await scene.engine.retention.expire()
            assert [ids[0] in key for key in scene.stored()] == [True]
            (left,) = await scene.engine.store.expired(now=clock.now())
            assert left.id == ids[0]
            assets.stuck = ""
            await scene.engine.retention.expire()
            assert scene.stored() == []
            assert await scene.engine.store.expired(now=clock.now()) == []

    play(act)


def test_a_deletion_that_is_cut_off_has_been_told_already_and_goes_on(tmp_path: Path) -> None:
    async def act() -> None:
        clock = FrozenClock()
        assets = stubborn(tmp_path / "assets")
        async with working(tmp_path, [an_output()] * 2, clock=clock, plan="free", assets=assets) as scene:
            engine, ann = scene.engine, await scene.engine.principal("ann")
            removed, expired = [await scene.submit() for _ in range(2)]
            for id in (removed, expired):
                await scene.reach(id)
            assets.is_cut = True
            with pytest.raises(Cut):
                await engine.service.remove(ann, Remove(id=removed))
            with pytest.raises(Gone, match="was deleted"):
                await engine.service.fetch(ann, Fetch(id=removed))
            clock.advance(8 * 86_400)
            with pytest.raises(Cut):
                await engine.retention.expire()
            with pytest.raises(Gone, match="it expired at"):
                await engine.service.fetch(ann, Fetch(id=expired))
            assert len(scene.stored()) == 2
            assets.is_cut = False
            await engine.retention.expire()
            assert scene.stored() == []
            assert (await engine.store.audit()).discrepancies == ()

    play(act)


def test_what_was_cut_off_between_bytes_and_rows_is_swept(tmp_path: Path) -> None:
    """A submit or an upload that ended in the middle: before its bytes were all there, or before its generation was."""

    async def act() -> None:
        clock = FrozenClock()
        provider = ScriptedProvider([])
        engine = Engine(Settings(data=str(tmp_path)), providers={provider.name: provider}, clock=clock)
        await engine.open()
        await open_account(engine.store)
        ann = await engine.principal("ann")
        for name, is_kept in (("arriving", False), ("held", True)):
            id = new_id()
            content = Content(
                id=id,
                account_id=ann.account.id,
                sha256=name,
                key=f"contents/{ann.account.id}/{id}.png",
                media_type="image/png",
                size_bytes=1,
            )
            holder = GenerationHolder(id=new_id())
            assert await engine.store.arrive(content, holder, allowance=NO_LIMIT, now=clock.now()) is None
            await engine.assets.put(content.key, b"x")
            if is_kept:
                await engine.store.keep(content, holder, now=clock.now())
        clock.advance(3599)
        await engine.retention.expire()
        assert len(files_in(tmp_path / "assets")) == 2
        clock.advance(2)
        await engine.retention.expire()
        assert files_in(tmp_path / "assets") == []
        await engine.close()

    play(act)


def test_the_same_bytes_that_come_twice_at_once_are_kept_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with opened(tmp_path / "darkroom.db") as store:
            ann, now = await an_account(store), FrozenClock().now()
            contents = [
                Content(id=id, account_id=ann.id, sha256="same", key=id, media_type="image/png", size_bytes=1)
                for id in (new_id(), new_id())
            ]
            holders = [GenerationHolder(id=new_id()) for _ in contents]
            for content, holder in zip(contents, holders, strict=True):
                assert await store.arrive(content, holder, allowance=NO_LIMIT, now=now) is None
            kept = await asyncio.gather(
                *(store.keep(content, holder, now=now) for content, holder in zip(contents, holders, strict=True))
            )
            assert kept == [contents[0], contents[0]]
            assert await store.doomed(after="", limit=9) == [contents[1]]
            await store.let_go([holders[0].id])
            assert await store.doomed(after="", limit=9) == [contents[1]]
            await store.let_go([holders[1].id])
            assert {content.id for content in await store.doomed(after="", limit=9)} == {c.id for c in contents}

    play(act)
