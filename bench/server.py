"""A Darkroom for benchmarks: the real server, store, ledger and keys, with a provider that does next to nothing.

Prints its key, then a line for each settled generation: its id and the instant (system-wide monotonic nanoseconds).
"""

import argparse
import asyncio
import signal
import time

import uvloop

from darkroom.cli import logs
from darkroom.config import Settings
from darkroom.generation import Generation
from darkroom.ports import Output, Pending, Produced, Report, Ticket, Work
from darkroom.serve import build_application
from darkroom.testing import Here
from darkroom.web.server import HttpServer, raise_file_limit
from darkroom.wiring import Engine


class Quick(Here):
    """Finishes a generation `after_s` seconds after it was begun, with a file of a few bytes."""

    def __init__(self, *, slots: int, after_s: float) -> None:
        self.slots = slots
        self._after_s = after_s

    async def start(self, work: Work) -> Ticket | Output:
        return Ticket("quick")

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        await asyncio.sleep(self._after_s)
        path = work.folder / "result.mp4"
        path.write_bytes(b"a result")
        return Output(files=(Produced(path=path, media_type="video/mp4", width=1920, height=1080, duration_s=5.0),))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=0, help="0 takes nothing on: submits alone are measured")
    parser.add_argument("--after", type=float, default=0.0)
    parser.add_argument("--database", default="", help="PostgreSQL instead of a file in the data folder")
    parser.add_argument("--role", default="all")
    given = parser.parse_args()
    logs.configure(form="json", level="error")
    raise_file_limit()
    shared = {"database": given.database, "role": given.role, "assets": f"{given.data}/assets"}
    settings = Settings(data=given.data, port=given.port, sandbox_credits=100_000_000, shutdown_limit_s=0.1, **shared)
    engine = Engine(settings, providers={"sketch": Quick(slots=given.slots, after_s=given.after)})
    if engine.cluster is None:
        engine.claim("a benchmark")
    await engine.open()
    await (engine.follow() if given.role == "api" else engine.work())
    engine.desk.listen(_tell)
    key = await engine.first_key()
    server = HttpServer(build_application(engine), host="127.0.0.1", port=given.port)
    server.start()
    print(key, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await engine.close(after_answers=server.close)


def _tell(generation: Generation) -> None:
    if generation.is_terminal:
        print(generation.id, time.monotonic_ns(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
