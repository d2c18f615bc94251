"""Questions that are asked again and again: they look at what they are about, and not at all there is."""

from pathlib import Path

import pytest

from darkroom.store import queries
from darkroom.store.database import connect, migrate
from tests.store.conftest import NOW, a_new, an_account, opened, play

GENERATION = queries.load("generation")
DELIVERY = queries.load("delivery")


@pytest.mark.parametrize(
    "query",
    [GENERATION.queued, GENERATION.rescue, DELIVERY.due, DELIVERY.next_due],
    ids=["queued", "rescue", "due", "next"],
)
def test_a_table_of_what_is_long_over_is_not_read(file: Path, query: str) -> None:
    migrate(file)
    connection = connect(file)
    arguments = {"now": 0, "limit": 1, "after": 0, "busy_hosts": "[]"}
    plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", arguments).fetchall()
    connection.close()
    assert [step for *_, step in plan if str(step).startswith(("SCAN generation", "SCAN delivery"))] == []


def test_hosts_that_are_busy_do_not_stand_before_the_others(file: Path) -> None:
    async def act() -> None:
        async with opened(file) as store:
            ann = await an_account(store)
            for url in ("https://slow.example/1", "https://SLOW.example:8443/2", "https://quick.example/3"):
                generation = await store.submit(a_new(ann, quote=1, callback_url=url))
                await store.cancel(ann.id, generation.id, now=NOW)
            due, _ = await store.due_deliveries(now=NOW, limit=1, busy_hosts=["slow.example"])
            assert [delivery.url for delivery in due] == ["https://quick.example/3"]
            assert len((await store.due_deliveries(now=NOW, limit=9))[0]) == 3

    play(act)
