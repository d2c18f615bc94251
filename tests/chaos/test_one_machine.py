"""All goes wrong at once, by a seed: nothing accepted is lost, paid twice, submitted twice, or told out of order."""

import asyncio
import os
from pathlib import Path

from tests.chaos.scene import staged
from tests.crash import books

ROUNDS = int(os.environ.get("DARKROOM_CHAOS_ROUNDS", "20"))


def test_chaos_on_one_machine(tmp_path: Path) -> None:
    database = tmp_path / "all" / "darkroom.db"

    async def play() -> None:
        async with staged(tmp_path, {"all": {}}) as scene:
            await scene.wreak_havoc(ROUNDS)
            await scene.settle_everything()
            await scene.tell_everything(books.read_rows(database))
            shown = await scene.everything()
            assert [await ward.end() for ward in scene.wards] == [0]
            scene.check(books.read_rows(database), shown)
        assert await books.audit(database) == []

    asyncio.run(play())
