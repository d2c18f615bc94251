"""What a worker takes from the queue that all share: no more than it can begin soon."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from darkroom.credits import credits
from darkroom.generation import Status
from darkroom.ledger import Purse
from darkroom.ports import Ticket
from darkroom.shared_queue import MOST_UNBEGUN, SharedQueue, Unbegun
from darkroom.store.postgres.database import connect
from darkroom.testing import ScriptedProvider
from tests.cluster.scene import machines, play, submit
from tests.cluster.test_queue import shut
from tests.core.test_notify import QUEUED

ENTRY_OF_NOBODY = """
    INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, status)
    VALUES (0, 'sketch', convert_to('nobody', 'UTF8'), 'nobody:0', 'queued')
"""
TAKEN = "SELECT count(*) FROM pgqueuer WHERE status = 'picked' GROUP BY queue_manager_id ORDER BY 1 DESC"


def test_what_one_worker_cannot_begin_yet_is_left_to_another(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            ann = await api.store.find_account("ann")
            assert ann is not None
            await api.store.grant(ann.id, credits(90_000), purse=Purse.PERMANENT, note="", now=api.clock.now())
            await asyncio.gather(*(submit(api) for _ in range(450)))
            providers = [ScriptedProvider([Ticket("u")] * 450, slots=1000, may_restart=True) for _ in range(2)]
            for provider in providers:
                provider.gate.clear()
            holding = await connect(all_of_them.dsn)
            async with holding.transaction():
                # Whoever begins stands still.
                await holding.execute("SELECT FROM account FOR UPDATE")
                await all_of_them.start(providers[0], role="worker")
                while await all_of_them.rows(TAKEN) != [(300,)]:
                    pass
                await all_of_them.start(providers[1], role="worker")
                while await all_of_them.rows(TAKEN) != [(300,), (150,)]:
                    pass
            await holding.close()
            while await all_of_them.rows("SELECT count(*) FROM generation WHERE status = 'running'") != [(450,)]:
                pass

    play(act)


def test_what_has_been_begun_makes_room_however_long_it_will_take(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            worker = await all_of_them.start(shut(), role="worker")
            assert isinstance(worker.queue, SharedQueue)
            worker.queue.unbegun.add(["another", QUEUED.id])
            worker.desk.changed(replace(QUEUED, status=Status.RUNNING))
            assert len(worker.queue.unbegun) == 1

    play(act)


def test_what_cannot_be_begun_makes_room_as_well(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            worker = await all_of_them.start(ScriptedProvider([]), role="worker")
            assert isinstance(worker.queue, SharedQueue)
            await all_of_them.rows(ENTRY_OF_NOBODY)
            worker.queue.wake()
            while await all_of_them.rows("SELECT count(*) FROM pgqueuer") != [(0,)]:
                pass
            assert len(worker.queue.unbegun) == 0

    play(act)


def test_there_is_room_again_when_something_is_begun_and_after_a_while_in_any_case() -> None:
    async def act() -> None:
        unbegun = Unbegun()
        unbegun.add(f"g{number}" for number in range(MOST_UNBEGUN - 1))
        await unbegun.room(limit_s=0.0)
        unbegun.add(["one more"])
        waiting = asyncio.ensure_future(unbegun.room(limit_s=30.0))
        _, unfinished = await asyncio.wait({waiting}, timeout=0.0)
        assert unfinished
        unbegun.drop("a stranger")
        _, unfinished = await asyncio.wait({waiting}, timeout=0.0)
        assert unfinished
        unbegun.drop("g7")
        await waiting
        # What nobody tells the end of is forgotten: it is room for as many as there were at first.
        unbegun.add(["g7"])
        await unbegun.room(limit_s=0.01)
        unbegun.add(f"h{number}" for number in range(MOST_UNBEGUN - 1))
        await unbegun.room(limit_s=0.0)

    play(act)
