"""Metrics of several processes on one database: what each tells, all of them together tell once."""

from pathlib import Path

from darkroom.serve import build_application
from darkroom.testing import ScriptedProvider, an_output
from tests.cluster.scene import machines, play, reach, submit
from tests.cluster.test_queue import shut
from tests.web.asgi import Application, call


async def told(application: Application) -> dict[str, float]:
    status, body = await call(application, "GET", "/metrics")
    assert status == 200
    lines = [line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_an_end_is_counted_by_the_process_that_made_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with machines(tmp_path) as all_of_them:
            api = await all_of_them.start(shut(), role="api")
            worker = await all_of_them.start(ScriptedProvider([an_output()]), role="worker")
            pages = [build_application(engine) for engine in (api, worker)]
            id = await submit(api)
            # All have heard of it before anyone is asked.
            for engine in (api, worker):
                await reach(engine, id)
            ended = 'darkroom_generations_settled_total{cause="",model="reel",provider="sketch",status="completed"}'
            captured = 'darkroom_credits_captured_total{model="reel"}'
            at_api, at_worker = [await told(page) for page in pages]
            assert (at_api.get(ended), at_worker[ended]) == (None, 1)
            assert (at_api.get(captured), at_worker[captured]) == (None, 40)
            # What is asked of the database is everyone's.
            assert at_api["darkroom_store_up"] == at_worker["darkroom_store_up"] == 1

    play(act)
