"""What keeps a long-lived file in shape: old events go, and a newer Darkroom's file is left alone."""

from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from darkroom.errors import Misconfigured
from tests.store.conftest import NOW, a_new, an_account, opened, play, rows_of


def test_old_events_are_forgotten_and_the_newest_stays(file: Path) -> None:
    async def act() -> None:
        async with opened(file) as store:
            ann = await an_account(store)
            old = await store.submit(a_new(ann, 10, created_at=NOW))
            new = await store.submit(a_new(ann, 10, created_at=NOW + timedelta(days=2)))
            await store.prune_events(before=NOW + timedelta(days=1))
            assert rows_of(file, "SELECT generation_id FROM event") == [(new.id,)]
            await store.prune_events(before=NOW + timedelta(days=9))
            assert rows_of(file, "SELECT generation_id FROM event") == [(new.id,)]
            assert await store.newest_event() == 2
            assert (await store.get(old.id)).quote == 10

    play(act)


def test_the_file_of_a_newer_darkroom_is_refused(file: Path) -> None:
    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA user_version = 999")
    connection.close()

    async def act() -> None:
        with pytest.raises(Misconfigured, match="newer Darkroom"):
            async with opened(file):
                pass

    play(act)
