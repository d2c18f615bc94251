"""A plan's limit of what may run at once, where several machines take from one queue."""

from pathlib import Path

import pytest

from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.store.postgres.database import connect
from darkroom.testing import ScriptedProvider, Step, an_output
from tests.cluster.scene import books, machines, play, reach, submit
from tests.cluster.test_queue import shut

PLANS = """
[open]
title = "One by one"
in_flight = 1
over_limit = "queue"
"""

BEGINNING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE state = 'active' AND query LIKE '%begin_attempts%' AND pid != pg_backend_pid()
"""
ENTRIES = "SELECT id, priority FROM pgqueuer WHERE convert_from(payload, 'UTF8') = '{id}'"


def test_two_machines_that_take_at_the_same_moment_do_not_pass_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)

    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api", plans=str(plans))
            ids = [await submit(api) for _ in range(2)]
            entries = {id: await all_of_them.rows(ENTRIES.format(id=id)) for id in ids}
            script: list[Step] = [Ticket("u"), an_output()] * 2
            # The first machine takes one, the second whatever else there is.
            providers = [ScriptedProvider(script, slots=slots, may_restart=True) for slots in (1, 2)]
            for provider in providers:
                provider.gate.clear()
            holding = await connect(all_of_them.dsn)
            async with holding.transaction():
                # Whoever begins stands still: both have looked, and neither has begun.
                await holding.execute("SELECT FROM account FOR UPDATE")
                for count, provider in enumerate(providers, 1):
                    worker = await all_of_them.start(provider, role="worker", plans=str(plans))
                    while await all_of_them.rows(BEGINNING) != [(count,)]:
                        pass
            while await all_of_them.rows(BEGINNING) != [(0,)]:
                pass
            await holding.close()
            ((running,),) = await all_of_them.rows("SELECT id FROM generation WHERE status = 'running'")
            (waiting,) = {*ids} - {str(running)}
            # It has its place still.
            assert await all_of_them.rows(ENTRIES.format(id=waiting)) == entries[waiting]
            for provider in providers:
                provider.gate.set()
            for id in (running, waiting):
                await reach(worker, id)
            assert sorted(id for provider in providers for id in provider.started) == sorted(ids)
            ended = [await api.store.get(id) for id in (running, waiting)]
            assert [(each.status, each.attempt) for each in ended] == [(Status.COMPLETED, 1)] * 2
            assert await books(api) == ()
        # To wait is no error.
        assert "stumbled" not in capsys.readouterr().out

    play(act)
