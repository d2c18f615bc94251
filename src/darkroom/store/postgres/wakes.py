"""Wakes the other processes, and is woken by them: one connection that listens, and notes that are sent together.

A note says only that there is something to look at; what it is, the tables say. So one that is lost costs time and no
event: who has been away looks, and everyone looks every few seconds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from darkroom.errors import Misconfigured
from darkroom.records import Noticed
from darkroom.store.postgres import queries
from darkroom.store.postgres.queries import Connection, Listening

NOTE = queries.load("note")
CHANNEL = "darkroom"

GATHER_S = 0.005
"""How long a process gathers before it sends a note. Sent in each transaction, notes would be a lock that all commits
of the whole server take in turn: see docs/postgres.md."""

PULSE_S = 15.0
"""How often the connection is asked whether it still lives: a network that is cut says nothing."""

LONGEST_PAUSE_S = 2.0

log = structlog.get_logger(__name__)


class Wakes:
    def __init__(self, connect: Callable[[], Awaitable[Listening]], noticed: Noticed) -> None:
        self._connect = connect
        self._noticed = noticed
        self._connection: Listening | None = None
        self._lost = asyncio.Event()
        self._to_send = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        await self._listen()
        self._tasks = [asyncio.create_task(self._keep_listening()), asyncio.create_task(self._keep_sending())]

    async def close(self) -> None:
        """Sends what is gathered: a process that ends at once has changed something all the same."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                if self._to_send.is_set():
                    await _send(connection)
                await connection.close()

    def send(self) -> None:
        """Tell the others, soon, that there are events. What is committed by now is among what they will see."""
        self._to_send.set()

    async def _listen(self) -> None:
        connection = await self._connect()
        self._lost.clear()
        connection.add_termination_listener(lambda ended: self._lost.set())
        await connection.add_listener(CHANNEL, self._hear)
        self._connection = connection

    def _hear(self, connection: Listening, sender: int, channel: str, payload: str) -> None:
        # What we have done ourselves is told here already.
        if connection.get_server_pid() != sender:
            self._noticed(only_events=payload == "events")

    async def _keep_listening(self) -> None:
        while True:
            await self._until_lost()
            log.warning("the connection that listens for other processes is lost")
            await self._listen_again()
            # What was told meanwhile was told to nobody.
            self._noticed()

    async def _until_lost(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), PULSE_S)
                return
            assert self._connection is not None
            try:
                await self._connection.execute("SELECT 1", timeout=PULSE_S)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self._connection.terminate()
                return

    async def _listen_again(self) -> None:
        pause_s = 0.05
        while True:
            try:
                await self._listen()
                return
            except (Misconfigured, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                # Until then whoever looks every few seconds hears of it; keys are looked up anew as well.
                self._noticed()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _keep_sending(self) -> None:
        while True:
            await self._to_send.wait()
            await asyncio.sleep(GATHER_S)
            # Cleared before it is sent: what is committed from now on is another note.
            self._to_send.clear()
            connection = self._connection
            try:
                assert connection is not None
                await _send(connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self._to_send.set()
                await asyncio.sleep(LONGEST_PAUSE_S / 4)


async def _send(connection: Connection) -> None:
    await NOTE.events.run(connection)
