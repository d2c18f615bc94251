"""What keeps a long-lived file in shape: old events go, and a newer Darkroom's file is left alone."""

from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from darkroom.errors import Misconfigured
from tests.store.conftest import NOW, Home, a_new, an_account, opened, play, rows_of


def test_old_events_are_forgotten_and_the_newest_stays(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            old = await store.submit(a_new(ann, 10, created_at=NOW))
            new = await store.submit(a_new(ann, 10, created_at=NOW + timedelta(days=2)))
            await store.prune_events(before=NOW + timedelta(days=1))
            assert rows_of(home, "SELECT generation_id FROM event") == [(new.id,)]
            await store.prune_events(before=NOW + timedelta(days=9))
            assert rows_of(home, "SELECT generation_id FROM event") == [(new.id,)]
            assert await store.newest_event() == 2
            assert (await store.get(old.id)).quote == 10

    play(act)


def test_old_deliveries_are_forgotten_but_none_that_is_still_to_go_out(home: Home) -> None:
    async def act() -> None:
        async with opened(home) as store:
            ann = await an_account(store)
            for url in ("http://done/", "http://lost/", "http://waiting/", "http://later/"):
                new = await store.submit(a_new(ann, 10, created_at=NOW, callback_url=url))
                at = NOW + timedelta(days=2) if url == "http://later/" else NOW
                await store.begin(new.id, now=at)
            due, _ = await store.due_deliveries(now=NOW + timedelta(days=3), limit=9)
            ids = {delivery.url: delivery.id for delivery in due}
            for url, is_done in (("http://done/", True), ("http://lost/", False), ("http://later/", True)):
                await store.note_delivery(ids[url], is_done=is_done, outcome="", due_at=None, now=NOW)
            before = NOW + timedelta(days=1)
            assert await store.prune_deliveries(before=before, limit=1) == 1
            assert await store.prune_deliveries(before=before, limit=9) == 1
            assert await store.prune_deliveries(before=before, limit=9) == 0
            left = rows_of(home, "SELECT url FROM delivery ORDER BY url")
            assert left == [("http://later/",), ("http://waiting/",)]

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
