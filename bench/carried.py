"""Generations carried out a second through PostgreSQL, by one worker process; beside PgQueuer's own no-op jobs.

All find everything queued and work it off, on the same server, each in a process of its own on the same core.
Darkroom has a limit that holds for the whole cluster, which costs PgQueuer something for each look: its no-op jobs
are carried out under the same limit, and under none.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from statistics import median

import asyncpg
import uvloop
from pgqueuer import AsyncpgPoolDriver, Job, Queries, QueueManager
from pgqueuer.types import QueueExecutionMode

from bench.postgres import a_database
from bench.processes import DRIVEN, SERVED, started
from bench.server import Quick
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.credits import credits
from darkroom.generation import Generation
from darkroom.ledger import Purse
from darkroom.ports import Output, Ticket, Work
from darkroom.verbs import Submit
from darkroom.web.server import spare_the_collector
from darkroom.wiring import Engine

ROUNDS = 3
GENERATIONS = 6_000
ACCOUNTS = 8
SLOTS = 1000
JOBS = 10_000
KINDS = ("no files", "a file each")
BATCHES = (10, 100)
"""PgQueuer's own default, and a larger one: it is compared to the better of them."""


class Instant(Quick):
    """Has the result at once; of no bytes, unless it is told to leave a file."""

    def __init__(self, *, has_file: bool) -> None:
        super().__init__(slots=SLOTS, after_s=0.0)
        self._has_file = has_file

    async def start(self, work: Work) -> Ticket | Output:
        return Ticket("quick") if self._has_file else Output(files=())


def run() -> list[str]:
    lines = []
    with a_database(DRIVEN) as server:
        rounds = []
        for _ in range(ROUNDS):
            theirs = {
                what: max(_measured(what, server.fresh(), batch) for batch in BATCHES)
                for what in ("limited", "unlimited")
            }
            rounds.append(theirs | {name: _measured("darkroom", server.fresh(), has) for has, name in enumerate(KINDS)})
    for name in KINDS:
        ours = [each[name] for each in rounds]
        lines.append(
            f"carried {f'generations, {name}':22} {median(ours):9,.0f}/s ({min(ours):,.0f} to {max(ours):,.0f})"
        )
        for what, jobs in ((what, [each[what] for each in rounds]) for what in ("limited", "unlimited")):
            ratio = median(own / other for own, other in zip(ours, jobs, strict=True))
            lines.append(
                f"        PgQueuer no-op, {what:14} {median(jobs):9,.0f}/s ({min(jobs):,.0f} to {max(jobs):,.0f})"
                f"   ratio {ratio:.2f}"
            )
    return lines


def _measured(what: str, address: str, choice: int) -> float:
    """A second's worth, as a process tells that does nothing else."""
    command = [sys.executable, "-m", "bench.carried", what, address, str(choice)]
    with started(["taskset", "-c", SERVED, *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        process.wait()
    return float(told)


async def _no_ops(address: str, batch: int, limit: int) -> float:
    async with asyncpg.create_pool(address, min_size=2, max_size=10) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()
        for _ in range(0, JOBS, 1000):
            await queries.enqueue(["no_op"] * 1000, [b"a generation's id"] * 1000, [0] * 1000)
        manager = QueueManager(queries)

        @manager.entrypoint("no_op", concurrency_limit=limit)
        async def no_op(job: Job) -> None:
            return None

        spare_the_collector()
        began = time.perf_counter()
        await manager.run(batch_size=batch, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=0.1))
        return JOBS / (time.perf_counter() - began)


async def _carried(address: str, has_file: bool) -> float:
    with tempfile.TemporaryDirectory() as data:
        provider = Instant(has_file=has_file)
        engine = Engine(Settings(data=data, database=address, shutdown_limit_s=5.0), providers={"sketch": provider})
        await engine.open()
        for number in range(ACCOUNTS):
            await _submit(engine, f"account {number}", GENERATIONS // ACCOUNTS)
        ended = asyncio.Event()
        count = 0

        def note(generation: Generation) -> None:
            nonlocal count
            count += generation.is_terminal
            if count == GENERATIONS:
                ended.set()

        engine.desk.listen(note)
        # As in every process that `darkroom serve` starts, which serves HTTP as well; and for PgQueuer alike.
        spare_the_collector()
        began = time.perf_counter()
        await engine.work()
        await ended.wait()
        took_s = time.perf_counter() - began
        await engine.close()
        return GENERATIONS / took_s


async def _submit(engine: Engine, name: str, count: int) -> None:
    now = engine.clock.now()
    account = await engine.store.create_account(name, plan="open", now=now)
    await engine.store.grant(account.id, credits(1_000_000), purse=Purse.PERMANENT, note="", now=now)
    principal = await engine.principal(name)
    wanted = Submit(model="kling-v2.1", inputs={"prompt": "x"}, dialect="native")
    await asyncio.gather(*(engine.service.submit(principal, wanted) for _ in range(count)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("darkroom", "limited", "unlimited"))
    parser.add_argument("address")
    parser.add_argument("choice", type=int)
    given = parser.parse_args()
    logs.configure(form="json", level="error")
    measured = (
        _carried(given.address, bool(given.choice))
        if given.what == "darkroom"
        else _no_ops(given.address, given.choice, SLOTS if given.what == "limited" else 0)
    )
    print(uvloop.run(measured), flush=True)
