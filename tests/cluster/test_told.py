"""What one machine is told, the one that has the work does at once: nobody waits for its next look."""

from dataclasses import replace
from pathlib import Path

import aiohttp

from darkroom.generation import Status
from darkroom.ports import Output, Ticket, Work
from darkroom.testing import ScriptedProvider
from darkroom.verbs import Cancel
from tests.cluster.scene import answering, books, machines, play, reach, submit
from tests.cluster.test_queue import shut
from tests.web.test_callbacks import Patient
from tests.worker.scene import AT_ONCE, until

OFTEN = 20
"""One after the other, so often: by looks that are five seconds apart it would take longer than a test may."""

PATIENT = replace(AT_ONCE, limit_s=3600.0)
"""At the limit of an attempt there is a last look: it is not what these tests are about."""


class Endless(ScriptedProvider):
    """Takes everything on and finishes nothing."""

    def __init__(self) -> None:
        super().__init__([])
        self.gate.clear()

    async def start(self, work: Work) -> Ticket | Output:
        self.started.append(work.reference)
        return Ticket(f"up_{work.reference}")


def test_an_upstream_that_calls_one_machine_is_looked_at_by_the_other(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them, aiohttp.ClientSession() as client:
            provider = Patient()
            api = await all_of_them.start(shut(), role="api")
            worker = await all_of_them.start(provider, role="worker", rules=PATIENT, public_url="https://media.example")
            id = await submit(api)
            await provider.looked.wait()  # the next look is due in a thousand seconds
            provider.done.set()
            url = provider.works[0].callback_url
            assert url is not None
            async with (
                answering(api) as at,
                client.post(f"{at}/callbacks/{url.rsplit('/', 1)[-1]}", json={"status": "whatever"}) as answer,
            ):
                assert answer.status == 200
            await reach(worker, id)
            assert await books(api) == ()

    play(act)


def test_what_is_queued_at_one_machine_begins_at_another(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            provider = Endless()
            api = await all_of_them.start(shut(), role="api")
            await all_of_them.rows("UPDATE balance SET available = 4000000000, issued = -4000000000 - held - spent")
            await all_of_them.start(provider, role="worker")
            for _ in range(OFTEN):
                id = await submit(api)
                await until(lambda id=id: provider.started[-1:] == [id])  # type: ignore[misc]

    play(act)


def test_what_is_canceled_at_one_machine_is_stopped_at_another(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            provider = Endless()
            api = await all_of_them.start(shut(), role="api")
            worker = await all_of_them.start(provider, role="worker")
            ann = await api.principal("ann")
            for _ in range(OFTEN):
                provider.entered.clear()
                id = await submit(api)
                await provider.entered.wait()
                assert (await api.service.cancel(ann, Cancel(id=id))).status is Status.CANCELED
                await until(lambda id=id: provider.canceled[-1:] == [f"up_{id}"])  # type: ignore[misc]
            await until(lambda: worker.queue.in_hand == 0)
            assert await books(api) == ()

    play(act)


def test_what_is_handed_back_by_one_machine_begins_at_another(tmp_path: Path) -> None:
    """With its ticket: it is looked at there, and not sent again."""

    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            await all_of_them.rows("UPDATE balance SET available = 4000000000, issued = -4000000000 - held - spent")
            leaving, staying = Endless(), Endless()
            id = await submit(api)
            first = await all_of_them.start(leaving, role="worker")
            await leaving.entered.wait()
            await all_of_them.start(staying, role="worker")
            await first.close()
            all_of_them.engines.remove(first)
            await staying.entered.wait()
            assert staying.polled == [f"up_{id}"]
            assert staying.started == []

    play(act)
