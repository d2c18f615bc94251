"""Somebody's endpoint: writes down every message that reaches it, and often does not say so."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Receiver:
    """`failing` are so many messages that are written down and answered with an error, or with nothing."""

    def __init__(self) -> None:
        self.url = ""
        self.failing = 0
        self.told: dict[str, list[str]] = defaultdict(list)
        """By generation: what it came to, each message once, in the order in which they came first."""
        self._known: set[str] = set()
        self.arrived = asyncio.Condition()

    async def _receive(self, request: web.Request) -> web.Response:
        message = await request.json()
        id = request.headers["webhook-id"]
        async with self.arrived:
            if id not in self._known:
                self._known.add(id)
                self.told[message["data"]["id"]].append(message["type"].removeprefix("generation."))
            self.arrived.notify_all()
        if self.failing > 0:
            self.failing -= 1
            if self.failing % 2:
                return web.Response(status=500)
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=204)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        application = web.Application()
        application.router.add_post("/hook", self._receive)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            await runner.cleanup()
