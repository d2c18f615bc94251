"""Work at an upstream, over real HTTP: how soon its end is seen, how often it is asked, and what holding it all costs.

The upstream answers each poll after 200 ms, one in fifty with an error, and finishes each piece at a random moment.
Beside the worker, in the same minutes, runs the loop that one writes first: all of them one by one, then an interval's
pause.
"""

import asyncio
import io
import multiprocessing
import random
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import aiohttp
import msgspec
import uvloop
from PIL import Image

from bench.processes import free_port
from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.generation import Generation, Status
from darkroom.verbs import Submit
from darkroom.web.server import raise_file_limit
from darkroom.welcome import DEFAULT_ACCOUNT
from darkroom.wiring import Engine

ANSWERS_AFTER_S = 0.2
ERRORS = 0.02


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (200, 80, 40)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = _png()

MANIFEST = """
base_url = "http://127.0.0.1:{port}"
auth.kind = "none"

[submit]
path = "/ours"
body = "{{reference: reference, prompt: prompt}}"
id = "answer.id"

[poll]
path = "/ours/{{id}}"
status = "answer.status"
interval_s = {interval_s}
longest_s = {interval_s}

[poll.statuses]
running = ["running"]
completed = ["done"]

[outputs]
files = "answer.url"

[limits]
slots = {count}

[[models]]
slug = "bench/still"
name = "Still"
maker = "Nobody"
modality = "image"
tasks = ["text-to-image"]
expected_wait_s = [{soonest_s}, {latest_s}]
price = {{ credits = 1 }}
upstream = "still"
inputs.prompt = {{ type = "string", required = true }}
"""


@dataclass(frozen=True)
class Case:
    """So many at once, each finished after a random time between `soonest_s` and `latest_s`."""

    count: int
    soonest_s: int
    latest_s: int
    interval_s: float


CASES = (Case(500, 5, 60, 2.0), Case(10_000, 60, 300, 15.0))


@dataclass
class Job:
    finishes_at: float
    polls: int = 0


class Exchange(asyncio.Protocol):
    """One connection to the upstream."""

    jobs: dict[str, Job]
    case: Case
    port: int

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if len(body) < length:
            return
        self._buffer = b""
        method, path, _ = head.split(b" ", 2)
        self._answer(method.decode(), path.decode(), body)

    def _answer(self, method: str, path: str, body: bytes) -> None:
        if path == "/picture.png":
            self._send(200, PNG, "image/png")
        elif path == "/report":
            jobs = {key: (job.finishes_at, job.polls) for key, job in self.jobs.items()}
            self._send(200, msgspec.json.encode(jobs))
        elif method == "POST":
            key = f"{path}/{msgspec.json.decode(body)['reference']}"
            takes_s = random.uniform(self.case.soonest_s, self.case.latest_s)
            self.jobs[key] = Job(time.time() + takes_s)
            self._send(201, msgspec.json.encode({"id": key.rsplit("/", 1)[-1]}))
        else:
            asyncio.get_running_loop().call_later(ANSWERS_AFTER_S, self._tell, self.jobs[path])

    def _tell(self, job: Job) -> None:
        job.polls += 1
        if random.random() < ERRORS:
            self._send(503, b"{}")
        elif job.finishes_at > time.time():
            self._send(200, b'{"status": "running"}')
        else:
            url = f"http://127.0.0.1:{self.port}/picture.png"
            self._send(200, msgspec.json.encode({"status": "done", "url": url}))

    def _send(self, status: int, body: bytes, media_type: str = "application/json") -> None:
        head = f"HTTP/1.1 {status} OK\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


def serve(port: int, case: Case) -> None:
    async def forever() -> None:
        raise_file_limit()
        exchange = type("Exchange", (Exchange,), {"jobs": {}, "case": case, "port": port})
        server = await asyncio.get_running_loop().create_server(exchange, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()

    uvloop.run(forever())


def work(port: int, case: Case, parent: Connection) -> None:
    """Darkroom's worker, as it is in `darkroom serve`, without the callers."""
    logs.configure(form="json", level="error")
    raise_file_limit()
    with tempfile.TemporaryDirectory() as data:
        uvloop.run(_work(Path(data), port, case, parent))


async def _work(data: Path, port: int, case: Case, parent: Connection) -> None:
    (data / "providers").mkdir()
    (data / "providers" / "bench.toml").write_text(MANIFEST.format(port=port, **vars(case)))
    engine = Engine(
        Settings(data=str(data), sandbox_credits=10**9, shutdown_limit_s=0.1, allow_loopback=True, render_processes=1)
    )
    engine.claim("a benchmark")
    await engine.open()
    await engine.work()
    await engine.welcome()
    principal = await engine.principal(DEFAULT_ACCOUNT)
    seen: dict[str, float] = {}
    failed: list[str] = []
    ended = asyncio.Event()

    def note(generation: Generation) -> None:
        if generation.status is Status.COMPLETED:
            seen[f"/ours/{generation.id}"] = time.time()
        elif generation.is_terminal:
            failed.append(generation.id)
        if len(seen) + len(failed) == case.count:
            ended.set()

    engine.desk.listen(note)
    for number in range(case.count):
        await engine.service.submit(principal, Submit(model="bench/still", inputs={"prompt": str(number)}))
    await ended.wait()
    assert not failed, f"{len(failed)} failed"
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parent.send((seen, peak_mib))
    await engine.close()


def loop(port: int, case: Case, parent: Connection) -> None:
    uvloop.run(_loop(port, case, parent))


async def _loop(port: int, case: Case, parent: Connection) -> None:
    """Everything one by one, again and again, until it is told to stop."""
    seen: dict[str, float] = {}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        waiting = []
        for number in range(case.count):
            async with client.post("/loop", json={"reference": str(number)}) as answer:
                waiting.append((await answer.json())["id"])
        while waiting and not parent.poll():
            for id in list(waiting):
                async with client.get(f"/loop/{id}") as answer:
                    if answer.status == 200 and (await answer.json())["status"] == "done":
                        seen[f"/loop/{id}"] = time.time()
                        waiting.remove(id)
                if parent.poll():
                    break
            else:
                await asyncio.sleep(case.interval_s)
    parent.send(seen)


def run() -> list[str]:
    return [line for case in CASES for line in _measure(case)]


def _measure(case: Case) -> list[str]:
    port = free_port()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    looping, told = context.Pipe()
    upstream = context.Process(target=serve, args=(port, case), daemon=True)
    worker = context.Process(target=work, args=(port, case, theirs))
    naive = context.Process(target=loop, args=(port, case, told))
    upstream.start()
    time.sleep(1)
    worker.start()
    naive.start()
    seen, peak_mib = ours.recv()
    looping.send("stop")
    naively = looping.recv()
    jobs = asyncio.run(_report(port))
    stopped = time.time()
    for process in (worker, naive):
        process.join()
    upstream.kill()
    polls = sum(jobs[key][1] for key in seen) / len(seen)
    lags = sorted(at - jobs[key][0] for key, at in seen.items())
    # What the loop has not seen yet has waited at least until now.
    loops = [key for key, (finished, _) in jobs.items() if key.startswith("/loop") and finished < stopped]
    late = sorted(naively.get(key, stopped) - jobs[key][0] for key in loops)
    open_ones = len(loops) - len(naively)
    return [
        f"{case.count} generations at an upstream, asked every {case.interval_s:g} s: "
        f"seen after p50 {at(lags, 0.5):.2f} s, "
        f"p99 {at(lags, 0.99):.2f} s ({at(lags, 0.99) / case.interval_s:.2f} intervals), most {lags[-1]:.2f} s; "
        f"{polls:.1f} polls each; {peak_mib:.0f} MiB at the most",
        f"  beside it one by one: p50 {at(late, 0.5):.1f} s, p99 {at(late, 0.99):.1f} s"
        + (f", and {open_ones} of {len(loops)} still not seen when ours had all been" if open_ones else ""),
    ]


def at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


async def _report(port: int) -> dict[str, tuple[float, int]]:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/report") as answer:
        return msgspec.json.decode(await answer.read(), type=dict[str, tuple[float, int]])


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
