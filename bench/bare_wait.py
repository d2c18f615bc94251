"""The floors under those who wait: an ASGI application, in the same HTTP server, that waits for an event, no more.

`GET /waiters` answers how many wait; `/stream` begins to answer and waits then; everything else waits for ever.
"""

import asyncio
import sys
from typing import Any

import uvloop

from darkroom.web.server import HttpServer

HEADERS = [(b"content-type", b"text/event-stream")]


class Waiting:
    def __init__(self) -> None:
        self.waiters = 0
        self._event = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/stream":
            self.waiters += 1
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
            )
            await send({"type": "http.response.body", "body": b"data: {}\n\n", "more_body": True})
            await self._event.wait()
        elif scope["path"] != "/waiters":
            self.waiters += 1
            await self._event.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"%d waiters" % self.waiters})


async def main(port: int) -> None:
    server = HttpServer(Waiting(), host="127.0.0.1", port=port)
    server.start()
    await server.wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
