"""The queue that many machines share: entries in the store's transactions, fair turns, slots of the whole cluster."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from pgqueuer import AsyncpgDriver, Queries

from darkroom.errors import InsufficientCredits
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from tests.cluster.scene import Machines, books, machines, play, reach, submit
from tests.postgres import postgres
from tests.worker.scene import until

ORDER = "SELECT convert_from(payload, 'UTF8') FROM pgqueuer ORDER BY priority DESC, id"


def shut() -> ScriptedProvider:
    return ScriptedProvider([], slots=0)


def test_our_migrations_give_pgqueuer_the_tables_that_its_version_wants() -> None:
    async def act() -> None:
        dsn = await postgres().fresh()
        connection = await asyncpg.connect(dsn, server_settings={"search_path": "darkroom"})
        try:
            plan = await Queries(AsyncpgDriver(connection)).plan_upgrade()
            # Its trigger alone is ours: heartbeats wake nobody.
            others = [text for text in plan.statements if "changed" not in text]
            assert others == []
        finally:
            await connection.close()

    play(act)


def test_one_machine_submits_and_another_carries_it_out(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            worker = await all_of_them.start(ScriptedProvider([Ticket("u1"), an_output()]), role="worker")
            id = await submit(api)
            done = await reach(worker, id)
            assert done.outputs
            assert (await api.store.get(id)).status is Status.COMPLETED
            assert await books(api) == ()
            await until(lambda: worker.queue.in_hand == 0)

    play(act)


def test_an_entry_is_written_with_its_generation_or_not_at_all(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            ids = [await submit(api) for _ in range(2)]
            with pytest.raises(InsufficientCredits):  # 100 were granted, and each costs 40
                await submit(api)
            entries = await all_of_them.rows(
                "SELECT convert_from(payload, 'UTF8'), status::text FROM pgqueuer ORDER BY id"
            )
            assert entries == [(id, "queued") for id in ids]

    play(act)


def test_accounts_take_turns_whatever_one_of_them_has_waiting(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            await all_of_them.rows("UPDATE balance SET available = 4000000000, issued = -4000000000 - held - spent")
            many = [await submit(api) for _ in range(30)]
            bob = await api.store.create_account("bob", plan="open", now=api.clock.now())
            await all_of_them.rows(
                "INSERT INTO balance (account_id, purse, issued, available) "
                f"VALUES ('{bob.id}', 'permanent', -4000000000, 4000000000)"
            )
            few = [await submit(api, "bob") for _ in range(2)]
            order = await all_of_them.rows(ORDER)
            taken = [id for (id,) in order]
            assert taken.index(few[0]) <= 2
            assert taken.index(few[1]) <= 4
            assert [id for id in taken if id in many] == many

    play(act)


async def rich(all_of_them: Machines) -> None:
    await all_of_them.rows("UPDATE balance SET available = 4000000000, issued = -4000000000 - held - spent")


async def order_of(all_of_them: Machines, *ids: str) -> list[int]:
    """Which of these comes first, second and so on, by their places among the arguments."""
    return [ids.index(id) for (id,) in await all_of_them.rows(ORDER) if id in ids]


def test_an_account_s_more_urgent_come_first_and_among_equals_the_older(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            await rich(all_of_them)
            one_by_one = [await submit(api, priority=priority) for priority in (0, 5, 0, 9, 5, -1, 0)]
            assert await order_of(all_of_them, *one_by_one) == [3, 1, 4, 0, 2, 6, 5]
            # Some of them in one statement.
            at_once = await asyncio.gather(*(submit(api, priority=priority) for priority in (1, 2, 9, 0, 7, 8, -2)))
            ids = [*one_by_one, *at_once]
            assert await order_of(all_of_them, *ids) == [3, 9, 12, 11, 1, 4, 8, 7, 0, 2, 6, 10, 5, 13]
            # The turns of the account are those that it would have without any hurry, one after the other.
            ((turns,),) = await all_of_them.rows("SELECT array_agg(priority ORDER BY priority DESC) FROM pgqueuer")
            assert [turns[0] - turn for turn in turns] == list(range(14))

    play(act)


def test_what_comes_back_more_urgent_than_what_waits_goes_before_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            await rich(all_of_them)
            urgent = await submit(api, priority=5)
            assert (await api.store.begin(urgent, now=api.clock.now())) is not None
            await all_of_them.rows("DELETE FROM pgqueuer")
            calm = [await submit(api) for _ in range(3)]
            await api.store.hand_back(urgent, 1, "busy", now=api.clock.now())
            assert await order_of(all_of_them, urgent, *calm) == [0, 1, 2, 3]

    play(act)


def test_the_slots_of_a_provider_are_those_of_the_whole_cluster(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            providers = [ScriptedProvider([Ticket(f"u{number}")], slots=1) for number in range(2)]
            for provider in providers:
                provider.gate.clear()
            workers = [await all_of_them.start(provider) for provider in providers]
            first, second = await submit(workers[0]), await submit(workers[0])
            await asyncio.wait(
                {asyncio.ensure_future(provider.entered.wait()) for provider in providers},
                return_when="FIRST_COMPLETED",
            )
            picked = await all_of_them.rows("SELECT count(*) FROM pgqueuer WHERE status = 'picked'")
            assert picked == [(1,)]
            running = await all_of_them.rows("SELECT id FROM generation WHERE status = 'running'")
            assert running in ([(first,)], [(second,)])

    play(act)
