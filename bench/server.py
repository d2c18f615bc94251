"""A Darkroom for benchmarks: the real server, store, ledger and keys, with a provider that does as little as it is told."""

import argparse
import asyncio
import signal

import uvloop

from darkroom.config import Settings
from darkroom.ports import Output, Pending, Report, Ticket, Work
from darkroom.serve import build_application
from darkroom.web.server import HttpServer
from darkroom.wiring import Engine


class Idle:
    """Takes work and never finishes it; with no slots it takes none."""

    name = "sketch"
    may_restart = True

    def __init__(self, slots: int) -> None:
        self.slots = slots

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def start(self, work: Work) -> Ticket | Output:
        return Ticket("idle")

    async def poll(self, work: Work, ticket: Ticket, report: Report) -> Output | Pending:
        return Pending(after_s=3600)

    async def cancel(self, work: Work, ticket: Ticket) -> None:
        pass


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=0)
    given = parser.parse_args()
    settings = Settings(data=given.data, port=given.port, sandbox_credits=100_000_000, shutdown_limit_s=0.1)
    engine = Engine(settings, providers={"sketch": Idle(given.slots)})
    engine.claim("a benchmark")
    await engine.open()
    await engine.work()
    key = await engine.welcome()
    server = HttpServer(build_application(engine), host="127.0.0.1", port=given.port)
    server.start()
    print(key, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await engine.close(after_answers=server.close)


if __name__ == "__main__":
    uvloop.run(main())
