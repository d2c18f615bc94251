"""What is refused leaves nothing behind: nobody who waits, and no bytes."""

import base64
from pathlib import Path

import pytest
from obstore.store import LocalStore

from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.config import Settings
from darkroom.errors import NotFound, Unavailable
from darkroom.generation import Status
from darkroom.ids import new_id
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider
from darkroom.verbs import FetchMany, Submit
from darkroom.wiring import Engine
from tests.worker.scene import files_in, open_account, play, working

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 64).decode()
ANOTHER = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\1" * 64).decode()


def test_many_of_whom_one_is_not_there_leave_nobody_waiting(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("up_1")])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            principal = await scene.engine.principal("ann")
            wanted = FetchMany(ids=(id, new_id()), until=Status.COMPLETED, wait_s=30)
            with pytest.raises(NotFound):
                await scene.engine.service.fetch_many(principal, wanted)
            assert scene.engine.bell.waiters == 0
            (found,) = await scene.engine.service.fetch_many(principal, FetchMany(ids=(id,), wait_s=0))
            assert found.id == id

    play(act)


class FullAtTheSecond(ObstoreAssets):
    puts = 0

    async def put(self, key: str, source: Path | bytes) -> int:
        self.puts += 1
        if self.puts == 2:
            raise OSError("no space left on device")
        return await super().put(key, source)


def test_inputs_that_could_not_all_be_stored_are_deleted(tmp_path: Path) -> None:
    async def act() -> None:
        (tmp_path / "assets").mkdir()
        assets = FullAtTheSecond(LocalStore(tmp_path / "assets", automatic_cleanup=True))
        provider = ScriptedProvider([])
        engine = Engine(Settings(data=str(tmp_path)), providers={provider.name: provider}, assets=assets)
        await engine.open()
        await open_account(engine.store)
        model = next(model for model in engine.catalogue if "frames-to-video" in model.tasks)
        inputs = {"prompt": "a reel", "image_url": PNG, "last_image_url": ANOTHER}
        with pytest.raises(Unavailable, match="cannot be stored at the moment"):
            await engine.service.submit(await engine.principal("ann"), Submit(model=model.slug, inputs=inputs))
        assert assets.puts == 2
        assert files_in(tmp_path / "assets") == []
        await engine.close()

    play(act)
