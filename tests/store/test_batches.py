"""What is asked for while statements are on their way: nobody is left waiting for nobody."""

import asyncio

from darkroom.store.postgres.batches import Batches
from darkroom.store.postgres.database import Database
from tests.postgres import postgres
from tests.store.conftest import play


def test_who_asks_while_the_lanes_end_is_answered() -> None:
    async def act() -> None:
        database = Database(await postgres().fresh())
        await database.open()
        begun, gate = asyncio.Semaphore(0), asyncio.Event()

        async def carry_out(asked: list[int], is_again: bool) -> list[int]:
            begun.release()
            await gate.wait()
            return [10 * each for each in asked]

        batches = Batches(database, carry_out)

        async def ask_again(number: int) -> list[int]:
            return [await batches.ask(number), await batches.ask(number + 10)]

        # A statement each, in both lanes; they end in the same moment, and who has its answer asks at once.
        first = asyncio.create_task(ask_again(1))
        await begun.acquire()
        second = asyncio.create_task(batches.ask(2))
        await begun.acquire()
        gate.set()
        assert (await first, await second) == ([10, 110], 20)
        await database.close()

    play(act)
