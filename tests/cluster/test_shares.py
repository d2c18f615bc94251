"""Limits at upstreams hold for all workers together: each hears what the others have of them."""

from pathlib import Path

from darkroom.ports import Address, Ticket
from tests.cluster.scene import machines, play, submit
from tests.cluster.test_queue import shut
from tests.worker.away import Away
from tests.worker.scene import until

FIRST = Address(base_url="https://up.example", credential="one")
SECOND = Address(base_url="https://up.example", credential="two")
Told = list[tuple[int, dict[tuple[str, str], int]]]


def test_a_worker_hears_what_the_others_hold(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            provider = Away([Ticket("u1"), Ticket("u2")], FIRST, SECOND)
            provider.gate.clear()
            busy = await all_of_them.start(provider, role="worker")
            await all_of_them.start(shut(), role="api")
            for _ in range(2):
                await submit(busy)
            await until(lambda: len(provider.polled) == 2)
            # A worker of its own, with no slot for this provider: what it is told is of the other one.
            idle = await all_of_them.start(Away([], slots=0), role="worker")
            assert idle.cluster is not None
            assert busy.cluster is not None
            told: Told = []
            idle.cluster.share = lambda workers, held: told.append((workers, dict(held)))
            await idle.cluster.look_around()
            assert told == [(2, {("sketch", "one"): 1, ("sketch", "two"): 1})]
            busy.cluster.share = lambda workers, held: told.append((workers, dict(held)))
            await busy.cluster.look_around()
            assert told[-1] == (2, {})

    play(act)
