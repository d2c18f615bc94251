"""Wakes the other processes, and is woken by them: one connection that listens, and notes that are sent together.

A note says only that there is something to look at; what it is, the tables say. So one that is lost costs time and no
event: who has been away looks, and everyone looks every few seconds. A nudge is a generation's id, for whoever watches
its work at an upstream: that is looked at in any case, only later.
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
NUDGES = "darkroom_nudges"

EVENTS, QUEUE = "events", "events queue"
"""What a note may say: generations have changed; and some of them wait for a worker. Anything else is about all there
is, such as accounts and keys."""

GATHER_S = 0.005
"""How long a process gathers from one note to the next. Sent in each transaction, notes would be a lock that all
commits of the whole server take in turn: see docs/postgres.md."""

PULSE_S = 15.0
"""How often the connection is asked whether it still lives: a network that is cut says nothing."""

LONGEST_PAUSE_S = 2.0

log = structlog.get_logger(__name__)


class Wakes:
    """Calls back with what other processes tell: `noticed` that there is something to look at, `queued` that it waits
    for a worker, `nudged` that an upstream says so of a generation's work."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Listening]],
        *,
        noticed: Noticed,
        queued: Callable[[], None],
        nudged: Callable[[str], object],
    ) -> None:
        self._connect = connect
        self._noticed = noticed
        self._queued = queued
        self._nudged = nudged
        self._connection: Listening | None = None
        self._lost = asyncio.Event()
        self._to_send = asyncio.Event()
        self._note = ""
        self._nudges: set[str] = set()
        self._sent_at = 0.0
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
                await self._send(connection)
                await connection.close()

    def send(self, note: str = EVENTS) -> None:
        """Tell the others, soon, that there are events. What is committed by now is among what they will see."""
        # The longer one says all that the shorter does.
        self._note = max(self._note, note)
        self._to_send.set()

    def nudge(self, generation_id: str) -> None:
        """Tell the others, soon, that an upstream has work to show."""
        self._nudges.add(generation_id)
        self._to_send.set()

    async def _listen(self) -> None:
        connection = await self._connect()
        self._lost.clear()
        connection.add_termination_listener(lambda ended: self._lost.set())
        await connection.add_listener(CHANNEL, self._hear)
        await connection.add_listener(NUDGES, self._hear)
        self._connection = connection

    def _hear(self, connection: Listening, sender: int, channel: str, payload: str) -> None:
        # What we have done ourselves is told here already.
        if connection.get_server_pid() == sender:
            return
        if channel == NUDGES:
            self._nudged(payload)
            return
        if payload != EVENTS:
            self._queued()
        self._noticed(only_events=payload in (EVENTS, QUEUE))

    async def _keep_listening(self) -> None:
        while True:
            await self._until_lost()
            log.warning("the connection that listens for other processes is lost")
            await self._listen_again()
            # What was told meanwhile was told to nobody.
            self._queued()
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
        loop = asyncio.get_running_loop()
        while True:
            await self._to_send.wait()
            # The first after a while goes out at once; those that follow it closely, together.
            await asyncio.sleep(self._sent_at + GATHER_S - loop.time())
            self._sent_at = loop.time()
            try:
                assert self._connection is not None
                await self._send(self._connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await asyncio.sleep(LONGEST_PAUSE_S / 4)

    async def _send(self, connection: Connection) -> None:
        """What could not be sent is sent with what follows it."""
        # Taken before it is sent: what is committed from now on is another note.
        note, self._note = self._note, ""
        nudges, self._nudges = self._nudges, set()
        self._to_send.clear()
        try:
            if note:
                await NOTE.events.run(connection, note=note)
            if nudges:
                await NOTE.nudges.run(connection, ids=list(nudges))
        except BaseException:
            self._nudges |= nudges
            self.send(note or EVENTS)
            raise
