"""Submits and settlements a second on PostgreSQL: with NOTIFY in each transaction, with our own notes, with none."""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from statistics import median

import asyncpg
import uvloop

from bench.postgres import a_database
from bench.processes import started
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.credits import Credits
from darkroom.generation import Status
from darkroom.ledger import Purse
from darkroom.ports import Settlement
from darkroom.verbs import Submit
from darkroom.wiring import Engine

ROUNDS = 3
PROCESSES = 4
CALLERS = 32
"""In each process, one after the other: a submit, a begin, a settlement; each of an account of its own."""

SECONDS = 4.0

EACH = """
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('each', pg_current_xact_id()::text); RETURN NULL; END $$;
CREATE TRIGGER each_event AFTER INSERT ON event EXECUTE FUNCTION tell();
"""
"""What is usual: a trigger that notifies, once for each transaction that writes an event."""

WAYS = ("none", "ours", "each")


def run() -> list[str]:
    with a_database() as server:
        rounds = [{way: _measured(server.fresh(), way) for way in WAYS} for _ in range(ROUNDS)]
    middle = {way: median(each[way] for each in rounds) for way in WAYS}
    ratio = {way: median(each[way] / each["none"] for each in rounds) for way in WAYS}
    return [
        f"notes   {f'{PROCESSES} processes':22} submitted, begun and settled: none {middle['none']:,.0f}/s   "
        f"ours {middle['ours']:,.0f}/s, ratio {ratio['ours']:.2f}   "
        f"NOTIFY in each transaction {middle['each']:,.0f}/s, ratio {ratio['each']:.2f}"
    ]


def _measured(address: str, way: str) -> float:
    asyncio.run(_prepare(address, way))
    with contextlib.ExitStack() as stack:
        command = [sys.executable, "-m", "bench.notes", address, way]
        running = [
            stack.enter_context(started([*command, str(number)], stdout=subprocess.PIPE)) for number in range(PROCESSES)
        ]
        told = [process.stdout.readline() for process in running if process.stdout is not None]
    return sum(map(float, told))


async def _prepare(address: str, way: str) -> None:
    with tempfile.TemporaryDirectory() as data:
        engine = Engine(Settings(data=data, database=address, role="api"), providers={})
        await engine.open()
        for number in range(PROCESSES * CALLERS):
            account = await engine.store.create_account(f"account {number}", plan="open", now=engine.clock.now())
            await engine.store.grant(
                account.id, Credits(10**12), purse=Purse.PERMANENT, note="", now=engine.clock.now()
            )
        await engine.close()
    if way == "each":
        connection = await asyncpg.connect(address, server_settings={"search_path": "darkroom"})
        await connection.execute(EACH)
        await connection.close()


async def _go_on(address: str, way: str, process: int) -> float:
    with tempfile.TemporaryDirectory() as data:
        engine = Engine(Settings(data=data, database=address, role="api"))
        await engine.open()
        if way != "ours":
            engine.database.wake_others = engine.database.wake_workers = lambda: None  # type: ignore[attr-defined]
        callers = [_calls(engine, f"account {process * CALLERS + number}") for number in range(CALLERS)]
        counts = await asyncio.gather(*callers)
        await engine.close()
    return sum(counts) / SECONDS


async def _calls(engine: Engine, name: str) -> int:
    principal = await engine.principal(name)
    wanted = Submit(model="kling-v2.1", inputs={"prompt": "x"}, dialect="native")
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        generation = await engine.service.submit(principal, wanted)
        await engine.store.begin(generation.id, now=engine.clock.now())
        done = Settlement(status=Status.COMPLETED, used=Credits(1))
        await engine.store.settle(generation.id, 1, done, now=engine.clock.now())
        count += 1
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("process", type=int)
    given = parser.parse_args()
    logs.configure(form="json", level="error")
    print(uvloop.run(_go_on(given.address, given.way, given.process)), flush=True)
