"""One process of the cluster leads: it sweeps, sends webhooks, watches deadlines. The others stand by."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from darkroom.errors import Misconfigured
from darkroom.store.postgres.database import LOST, connect
from darkroom.store.postgres.queries import Connection

LOCK = 0x6C656164_696E6721
"""The advisory lock that the leader holds: `leading!` in ASCII."""

LOOK_S = 2.0
"""How often the others try, and how often the leader shows that it lives."""

STALLED_MS = 8_000
"""A leader that has not been heard of for so long is cut off by the database, and its lock is free: a process that is
stopped, or a machine that is away, would else hold it for ever."""

log = structlog.get_logger(__name__)


class Leadership:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.is_held = False
        self.looks = 0
        """How often this process has asked to lead."""

    async def run(self, act: Callable[[], Awaitable[None]]) -> None:
        """Carry `act` out for as long as this process leads, from the beginning each time that it comes to lead."""
        while True:
            try:
                await self._stand(act)
            except (Misconfigured, *LOST) as error:
                log.warning("nobody knows who leads", reason=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def _stand(self, act: Callable[[], Awaitable[None]]) -> None:
        connection = await connect(self._dsn)
        try:
            await connection.execute(f"SET idle_session_timeout = {STALLED_MS}")
            is_free = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
            self.looks += 1
            if not is_free:
                return
            log.info("leads")
            self.is_held = True
            await self._lead(connection, act)
        finally:
            self.is_held = False
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(LOOK_S):
                    await connection.close()

    async def _lead(self, connection: Connection, act: Callable[[], Awaitable[None]]) -> None:
        acting = asyncio.ensure_future(act())
        try:
            while not acting.done():
                await asyncio.wait({acting}, timeout=LOOK_S)
                # Raises where the connection is gone, and the lock with it.
                async with asyncio.timeout(LOOK_S * 2):
                    await connection.fetchval("SELECT 1")
            await acting
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
