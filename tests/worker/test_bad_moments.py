"""The disk has a bad moment: no generation is left running with nobody at work, and no result is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from darkroom.account import hash_key
from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.config import Settings
from darkroom.errors import Ambiguous, ProviderUnavailable, RevokedKey
from darkroom.generation import Generation, Status
from darkroom.ports import Address, Output, Pending, Produced, Settlement, Store, Ticket, Work
from darkroom.testing import FrozenClock, ScriptedProvider, Step, an_output
from darkroom.wiring import Engine
from tests.around import Around
from tests.databases import on_sqlite
from tests.worker.scene import AT_ONCE, Scene, clerk, one_model, open_account, play, working

UP = Ticket("up_1")

pytestmark = on_sqlite
"""The full disk is that of a file, and so is the folder that stands in the way."""


class Full(Around):
    """Takes nothing of one kind for its first tries, or for good."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.refuses: dict[str, int] = {}
        self.refused = asyncio.Event()

    async def settle(self, generation_id: str, attempt: int, settlement: Settlement, *, now: datetime) -> Generation:
        self._refuse("settle")
        return await self._store.settle(generation_id, attempt, settlement, now=now)

    async def hand_back(self, generation_id: str, attempt: int, outcome: str, **how: Any) -> Generation:
        self._refuse("hand_back")
        return await self._store.hand_back(generation_id, attempt, outcome, **how)

    async def note_ticket(self, generation_id: str, attempt: int, ticket: str, **sent: Any) -> None:
        self._refuse("note_ticket")
        await self._store.note_ticket(generation_id, attempt, ticket, **sent)

    async def note_outcome(self, generation_id: str, attempt: int, outcome: str, **how: Any) -> None:
        self._refuse("note_outcome")
        await self._store.note_outcome(generation_id, attempt, outcome, **how)

    def _refuse(self, name: str) -> None:
        if self.refuses.get(name, 0) > 0:
            self.refuses[name] -= 1
            self.refused.set()
            raise OSError("no space left on device")


@asynccontextmanager
async def working_on_a_full_disk(
    folder: Path, script: list[Step], **refuses: int
) -> AsyncIterator[tuple[Scene, ScriptedProvider]]:
    provider = ScriptedProvider(script)
    engine = Engine(
        Settings(data=str(folder), shutdown_limit_s=0.0),
        providers={provider.name: provider},
        clock=FrozenClock(),
        store=Full,
        models=one_model(),
    )
    engine.worker = clerk(engine, AT_ONCE)
    engine.claim("a test")
    await engine.open()
    await open_account(engine.store)
    assert isinstance(engine.store, Full)
    engine.store.refuses = refuses
    await engine.work()
    try:
        yield Scene(engine, folder), provider
    finally:
        await engine.close()


@pytest.mark.parametrize("refused", ["settle", "note_ticket"])
def test_a_result_outlives_a_store_that_does_not_take_it(tmp_path: Path, refused: str) -> None:
    async def act() -> None:
        async with working_on_a_full_disk(tmp_path, [UP, an_output()], **{refused: 3}) as (scene, provider):
            id = await scene.submit()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 1)
            assert provider.started == [id]
            assert await scene.books() == (60, 0, 40)

    play(act)


class FullAssets(ObstoreAssets):
    """Takes nothing for its first tries."""

    refuses = 3

    async def take(self, key: str, source: Path) -> int:
        if self.refuses > 0:
            self.refuses -= 1
            raise OSError("no space left on device")
        return await super().take(key, source)


def test_a_paid_result_waits_for_its_place_on_the_disk(tmp_path: Path) -> None:
    async def act() -> None:
        (tmp_path / "assets").mkdir()
        assets = FullAssets(LocalStore(tmp_path / "assets"))
        provider = ScriptedProvider([UP, an_output()])
        async with working(tmp_path, provider, assets=assets) as scene:
            ended = await scene.reach(await scene.submit())
            assert (ended.status, ended.attempt, assets.refuses) == (Status.COMPLETED, 1, 0)
            assert (tmp_path / "assets" / ended.outputs[0].key).read_bytes() == b"a result"
            assert (provider.started, provider.polled) == ([ended.id], ["up_1"])
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_result_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    def nothing(work: Work) -> Output:
        return Output(files=(Produced(path=work.folder / "gone.mp4", media_type="video/mp4"),))

    async def act() -> None:
        async with working(tmp_path, ScriptedProvider([UP, nothing], may_restart=True)) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "internal_error")
            assert await scene.books() == (100, 0, 0)

    play(act)


def a_bug(work: Work) -> Output:
    raise RuntimeError("nobody has thought of this")


def test_a_bug_throws_nothing_away_that_its_provider_has(tmp_path: Path) -> None:
    """Not at the first look either: the work is looked at again, and what was paid for is delivered."""

    async def act() -> None:
        provider = ScriptedProvider([UP, a_bug, Pending(after_s=0.0), an_output()])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 1)
            assert (provider.started, provider.polled) == ([id], ["up_1"] * 3)
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_bug_inside_the_paid_call_is_held_for_an_operator(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([a_bug])
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await scene.held()
            assert (await scene.engine.store.get(id)).status is Status.RUNNING
            assert (await scene.outcomes(), provider.started) == ([(1, "", "ambiguous")], [id])
            assert await scene.books() == (60, 40, 0)

    play(act)


def test_a_bug_before_the_paid_call_fails_and_gives_everything_back(tmp_path: Path) -> None:
    class Unfindable(ScriptedProvider):
        def address(self) -> Address:
            raise RuntimeError("nobody has thought of this")

    async def act() -> None:
        provider = Unfindable([])
        async with working(tmp_path, provider) as scene:
            ended = await scene.reach(await scene.submit())
            assert ended.cause is not None
            assert (ended.status, ended.cause.code, provider.started) == (Status.FAILED, "internal_error", [])
            assert await scene.books() == (100, 0, 0)

    play(act)


def test_a_provider_out_of_reach_while_the_disk_is_full_is_asked_again(tmp_path: Path) -> None:
    async def act() -> None:
        script: list[Step] = [ProviderUnavailable("connection refused"), UP, an_output()]
        async with working_on_a_full_disk(tmp_path, script, hand_back=3) as (scene, _):
            id = await scene.submit()
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_what_is_ambiguous_is_held_though_the_disk_is_full(tmp_path: Path) -> None:
    async def act() -> None:
        script: list[Step] = [Ambiguous("the answer was lost"), UP, an_output()]
        async with working_on_a_full_disk(tmp_path, script, note_outcome=3) as (scene, _):
            id = await scene.submit()
            await scene.reach(id, Status.RUNNING)
            await scene.idle()
            assert await scene.outcomes() == [(1, "", "ambiguous")]
            assert await scene.books() == (60, 40, 0)

    play(act)


def test_a_store_that_takes_nothing_holds_up_no_shutdown_and_the_next_start_settles(tmp_path: Path) -> None:
    async def act() -> None:
        async with working_on_a_full_disk(tmp_path, [UP, an_output()], settle=10**9, hand_back=10**9) as (scene, _):
            id = await scene.submit()
            assert isinstance(scene.engine.store, Full)
            await scene.engine.store.refused.wait()
        provider = ScriptedProvider([an_output()])
        async with working(tmp_path, provider) as scene:
            assert (await scene.reach(id)).status is Status.COMPLETED
            assert (provider.started, provider.polled) == ([], ["up_1"])
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_paid_result_waits_for_a_folder_to_be_fetched_into(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, *[an_output()] * 1000])
        async with working(tmp_path, provider) as scene:
            obstacle = tmp_path / "work"
            obstacle.write_bytes(b"a file where the folder should be")
            id = await scene.submit()
            await scene.held()
            assert await scene.books() == (60, 40, 0)
            obstacle.unlink()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt, provider.started) == (Status.COMPLETED, 1, [id])
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_a_key_that_was_revoked_elsewhere_is_refused_before_the_sweep(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, []) as scene:
            ann = await scene.engine.store.find_account("ann")
            made = await scene.engine.access.create_key(ann, name="", dialect="native")
            assert (await scene.engine.access.authenticate(made.secret)).key.hash == hash_key(made.secret)
            await scene.engine.store.revoke_key(ann.id, made.key.number, now=FrozenClock().now())
            scene.engine.sweeper.notice()
            with pytest.raises(RevokedKey):
                await scene.engine.access.authenticate(made.secret)

    play(act)


@pytest.mark.parametrize("torn", [b"", b"half a secret"])
def test_links_are_never_signed_with_a_secret_that_a_crash_has_torn(tmp_path: Path, torn: bytes) -> None:
    """Anyone can sign with an empty one."""
    (tmp_path / "secret").write_bytes(torn)

    async def act() -> None:
        async with working(tmp_path, []) as scene:
            made = (tmp_path / "secret").read_bytes()
            assert len(made) == 32
            path = scene.engine.links.path("a.mp4", now=FrozenClock().now())
        async with working(tmp_path, []) as scene:
            assert scene.engine.links.path("a.mp4", now=FrozenClock().now()) == path

    play(act)
