"""What the processes on one PostgreSQL are to each other: workers that are seen to live, and one that leads."""

import asyncio
import secrets
from collections.abc import Callable, Mapping

import structlog

from darkroom.clock import Clock, to_micros
from darkroom.store.postgres import queries
from darkroom.store.postgres.database import Database
from darkroom.store.postgres.leading import Leadership

CLUSTER = queries.load("cluster")

SEEN_S = 2.0
"""How often a worker shows that it lives."""

DEAD_AFTER_S = 8.0
"""A worker that has not been seen for so long has no attempts any more: with the sweep that finds it, what it was
carrying out goes on elsewhere within a quarter of a minute."""

AWAY_AFTER_S = 4.0
"""Who could not show itself for so long takes it that the database was away, for the others as well."""

MOST = 1_000
"""As much is recovered in one transaction."""

SECRET_BYTES = 32

Held = Mapping[tuple[str, str], int]
"""By provider and credential: the generations that other workers have there."""

log = structlog.get_logger(__name__)


class Cluster:
    """`name` is what this process writes under, `about` what an operator sees of it. `share` is told how many workers
    live, and what the others hold."""

    def __init__(self, database: Database, *, name: str, about: str, clock: Clock) -> None:
        self.name = name
        self.leadership = Leadership(database.dsn)
        self.share: Callable[[int, Held], None] = lambda workers, held: None
        self._database = database
        self._about = about
        self._clock = clock
        self._away_s, self._back_at = 0.0, 0.0

    async def live(self) -> None:
        """Be seen, for as long as this process carries generations out."""
        while True:
            try:
                await self.show()
                await self.look_around()
            except Exception:
                log.exception("not seen; the next time follows")
            await asyncio.sleep(SEEN_S)

    async def look_around(self) -> None:
        """Limits at upstreams are those of all workers together: hear what the others have of them."""
        workers = await self._living()
        held = await self._database.read(lambda connection: CLUSTER.held.rows(connection, id=self.name))
        self.share(workers, {(provider, credential): count for provider, credential, count in held})

    async def show(self) -> None:
        row = await self._database.write(
            lambda connection: CLUSTER.saw.row(connection, id=self.name, about=self._about)
        )
        silent_s = row[0] if row else None
        if silent_s is not None and silent_s > AWAY_AFTER_S:
            self._away_s, self._back_at = silent_s, asyncio.get_running_loop().time()

    async def leave(self) -> None:
        """What is left in hand goes to others at once."""
        await self._database.write(lambda connection: CLUSTER.leave.run(connection, id=self.name))

    async def has_workers(self) -> bool:
        return await self._living() > 0

    async def _living(self) -> int:
        row = await self._database.read(lambda connection: CLUSTER.living.row(connection, dead_after_s=DEAD_AFTER_S))
        return 0 if row is None else int(row[0])

    def _dead_after_s(self) -> float:
        """A database that was away has seen nobody: whoever lived then has the same time again to be seen."""
        is_back = asyncio.get_running_loop().time() - self._back_at < DEAD_AFTER_S
        return DEAD_AFTER_S + (self._away_s if is_back else 0.0)

    async def recover(self) -> None:
        """Hand back what dead workers had, and give entries to what has lost its own."""
        # Whoever judges others by when they were seen shows itself first: it may have been away itself.
        await self.show()
        dead_after_s = self._dead_after_s()
        while True:
            now = to_micros(self._clock.now())
            row = await self._database.write(
                lambda connection, now=now: CLUSTER.recover.row(  # type: ignore[misc]
                    connection, now=now, dead_after_s=dead_after_s, most=MOST
                )
            )
            handed_back, enqueued = row or (0, 0)
            if handed_back or enqueued:
                log.warning("recovered", handed_back=handed_back, enqueued=enqueued)
                self._database.wake_workers()
            if max(handed_back, enqueued) < MOST:
                return

    def nudge(self, generation_id: str) -> None:
        """An upstream has work to show: whichever process watches it looks now."""
        self._database.nudge_others(generation_id)

    async def secret(self) -> bytes:
        """What every process signs URLs with: made by the first."""
        fresh = secrets.token_bytes(SECRET_BYTES)
        row = await self._database.write(lambda connection: CLUSTER.secret.row(connection, fresh=fresh))
        assert row is not None
        return bytes(row[0])
