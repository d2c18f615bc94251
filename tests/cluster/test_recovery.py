"""What is left by workers that are gone, and by a queue that forgets."""

from pathlib import Path

import pytest

from darkroom.errors import StaleAttempt
from darkroom.generation import Status
from darkroom.ports import Settlement, Ticket
from darkroom.store.postgres import cluster as clusters
from darkroom.store.postgres.leading import LOCK
from darkroom.testing import ScriptedProvider, an_output
from darkroom.wiring import Engine
from tests.cluster.scene import Machines, books, machines, play, reach, submit
from tests.cluster.test_queue import shut
from tests.worker.scene import until

CUT_OFF = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK & 0xFFFFFFFF}"


async def begun(all_of_them: Machines) -> tuple[Engine, str]:
    """A worker that has begun a generation and is gone: nobody has seen it since."""
    api = await all_of_them.start(shut(), role="api")
    id = await submit(api)
    assert (await api.store.begin(id, now=api.clock.now())) is not None
    await api.store.note_ticket(id, 1, "u1")
    await all_of_them.rows("DELETE FROM pgqueuer")
    return api, id


def test_what_a_dead_worker_had_goes_on_elsewhere_with_its_ticket(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api, id = await begun(all_of_them)
            provider = ScriptedProvider([an_output()])
            worker = await all_of_them.start(provider, role="worker")
            done = await reach(worker, id)
            assert done.attempt == 2
            assert provider.started == []  # never submitted again: the ticket of the first attempt was polled
            assert provider.polled == ["u1"]
            assert await books(api) == ()
            with pytest.raises(StaleAttempt):  # the first worker wakes up, and is too late
                await api.store.settle(id, 1, Settlement(status=Status.FAILED, used=0), now=api.clock.now())  # type: ignore[arg-type]
            assert await books(api) == ()

    play(act)


def test_what_a_living_worker_has_is_left_to_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            provider = ScriptedProvider([Ticket("u1"), an_output()])
            provider.gate.clear()
            worker = await all_of_them.start(provider)
            id = await submit(worker)
            await provider.entered.wait()
            assert worker.cluster is not None
            await worker.cluster.recover()
            assert (await worker.store.get(id)).attempt == 1
            provider.gate.set()
            assert (await reach(worker, id)).attempt == 1

    play(act)


def test_a_database_that_was_away_has_seen_nobody_and_buries_nobody(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api, id = await begun(all_of_them)
            leader = await all_of_them.start(shut(), role="api")
            assert api.cluster is not None
            assert leader.cluster is not None
            await api.cluster.show()
            await leader.cluster.show()
            # For a minute nobody was seen; the leader comes back first.
            await all_of_them.rows("UPDATE worker SET seen_at = now() - INTERVAL '60 s'")
            await leader.cluster.recover()
            kept = await api.store.get(id)
            assert (kept.status, kept.attempt) == (Status.RUNNING, 1)
            # One that had died before that is found all the same.
            last_seen = "now() - INTERVAL '60 s' - INTERVAL '9 s'"
            await all_of_them.rows(f"UPDATE worker SET seen_at = {last_seen} WHERE id = '{api.cluster.name}'")
            await leader.cluster.recover()
            assert (await api.store.get(id)).status is Status.QUEUED

    play(act)


def test_what_waits_and_has_lost_its_entry_gets_one(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            id = await submit(api)
            await all_of_them.rows("DELETE FROM pgqueuer")
            worker = await all_of_them.start(ScriptedProvider([Ticket("u1"), an_output()]), role="worker")
            await reach(worker, id)

    play(act)


def test_an_entry_that_comes_twice_is_carried_out_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            id = await submit(api)
            await all_of_them.rows(
                "INSERT INTO pgqueuer (priority, entrypoint, payload, status) "
                "SELECT priority, entrypoint, payload, status FROM pgqueuer CROSS JOIN generate_series(1, 3)"
            )
            provider = ScriptedProvider([Ticket("u1"), an_output()])
            worker = await all_of_them.start(provider, role="worker")
            await reach(worker, id)
            assert provider.started == [id]

    play(act)


def test_one_leads_and_when_it_is_gone_another(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            first = await all_of_them.start(shut())
            second = await all_of_them.start(shut())
            assert first.cluster is not None
            assert second.cluster is not None
            ours = (first.cluster.leadership, second.cluster.leadership)
            await until(lambda: all(each.looks for each in ours))
            leader, other = sorted(ours, key=lambda each: not each.is_held)
            assert not other.is_held
            # The database cuts the leader off, as it does one that is stopped.
            await all_of_them.rows(CUT_OFF)
            await until(lambda: other.is_held or not leader.is_held)
            await until(lambda: any(each.is_held for each in ours))

    play(act)


def test_every_process_signs_with_the_same_secret(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            first = await all_of_them.start(shut(), role="api")
            second = await all_of_them.start(shut(), role="api")
            now = first.clock.now()
            path = first.links.path("results/a.mp4", now=now)
            assert path == second.links.path("results/a.mp4", now=now)
            assert second.links.key_of("http://x" + path, now=now) == "results/a.mp4"

    play(act)


def test_a_worker_is_dead_sooner_than_recovery_may_take() -> None:
    """The whole: not seen for so long, then found by the next sweep, which comes every five seconds."""
    assert clusters.DEAD_AFTER_S + 5.0 + clusters.SEEN_S <= 15.0
