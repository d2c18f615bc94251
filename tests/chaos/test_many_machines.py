"""The same on five processes and one PostgreSQL that is restarted and cut off; its queue forgets and repeats."""

import asyncio
import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from darkroom.store.postgres.database import Database, connect
from darkroom.store.postgres.store import PostgresStore
from tests.chaos.proxy import Proxy, over_a_socket
from tests.chaos.scene import Rows, Scene, staged
from tests.crash import books
from tests.postgres import Postgres

ROUNDS = int(os.environ.get("DARKROOM_CHAOS_ROUNDS", "32"))
ZOMBIE_S = 11.0
"""Longer than the cluster waits for a worker that it does not see: by then its work is another's."""

FORGET = "DELETE FROM pgqueuer WHERE id IN (SELECT id FROM pgqueuer ORDER BY random() LIMIT 2)"
REPEAT = (
    "INSERT INTO pgqueuer (priority, entrypoint, payload, status) SELECT priority, entrypoint, payload, 'queued'"
    " FROM pgqueuer CROSS JOIN generate_series(1, 2)"
)


class Cluster:
    """What can go wrong only where there are several."""

    def __init__(self, scene: Scene, server: Postgres, wire: Proxy, dsn: str) -> None:
        self._scene = scene
        self._server = server
        self._wire = wire
        self._dsn = dsn
        self._has_zombie = False

    async def restart_the_database(self) -> None:
        await asyncio.to_thread(self._server.restart)

    async def cut_the_database_off(self) -> None:
        self._wire.cut()

    async def forget_entries(self) -> None:
        await self._command(FORGET)

    async def repeat_entries(self) -> None:
        await self._command(REPEAT)

    async def raise_a_zombie(self) -> None:
        """A worker that stands still until its work has gone to another, and then goes on as if it had not. Once."""
        ward = self._scene.wards[-1]
        if not self._has_zombie and ward.up.is_set():
            self._has_zombie = True
            ward.stop()
            asyncio.get_running_loop().call_later(ZOMBIE_S, ward.go_on)

    async def _command(self, command: str) -> None:
        connection = await connect(self._dsn)
        try:
            await connection.execute(command)
        finally:
            await connection.close()


async def read_rows(dsn: str) -> Rows:
    connection = await connect(dsn)
    try:
        moved: dict[str, Counter[str]] = defaultdict(Counter)
        for id, kind, amount in await connection.fetch("SELECT generation_id, kind, amount FROM entry ORDER BY 1"):
            moved[id][kind] += amount
        events: dict[str, list[str]] = defaultdict(list)
        for id, status in await connection.fetch("SELECT generation_id, status FROM event ORDER BY sequence"):
            events[id].append(status)
        found = await connection.fetch("SELECT id, status, quote, outputs FROM generation")
    finally:
        await connection.close()
    return {
        id: books.Row(id, status, quote, outputs, dict(moved[id]), tuple(events[id]))
        for id, status, quote, outputs in map(tuple, found)
    }


UNFINISHED = (
    "SELECT g.id, g.model, g.status, g.attempt, a.worker, a.ticket, a.outcome, a.detail, a.started_at,"
    " q.status AS entry,"
    " q.execute_after, q.heartbeat, w.about, w.seen_at, now()"
    " FROM generation AS g LEFT JOIN attempt AS a ON a.generation_id = g.id AND a.number = g.attempt"
    " LEFT JOIN pgqueuer AS q ON convert_from(q.payload, 'UTF8') = g.id LEFT JOIN worker AS w ON w.id = a.worker"
    " WHERE g.settled_at IS NULL"
)


async def tell_unfinished(dsn: str) -> None:
    """For whoever looks into what a run has found."""
    connection = await connect(dsn)
    try:
        for row in await connection.fetch(UNFINISHED):
            print(dict(row))
    finally:
        await connection.close()


async def audit(dsn: str) -> list[str]:
    database = Database(dsn)
    await database.open()
    try:
        return [str(found) for found in (await PostgresStore(database).audit()).discrepancies]
    finally:
        await database.close()


def test_chaos_on_many_machines(tmp_path: Path) -> None:
    server = Postgres()
    server.start()

    async def play(folder: Path) -> None:
        dsn = await server.fresh()
        (place,) = parse_qs(urlsplit(dsn).query)["host"]
        wire = Proxy(over_a_socket(Path(place) / ".s.PGSQL.5432"))
        async with wire.on_a_socket(folder / ".s.PGSQL.5432"):
            name = dsn.partition("?")[0].rpartition("/")[2]
            shared: dict[str, object] = {"database": f"postgresql://postgres@/{name}?host={folder}"}
            roles = {"api-1": "api", "api-2": "api", "worker-1": "worker", "worker-2": "worker", "worker-3": "worker"}
            places = {name: {**shared, "role": role} for name, role in roles.items()}
            async with staged(tmp_path, places) as scene:
                cluster = Cluster(scene, server, wire, dsn)
                scene.deeds += [
                    cluster.restart_the_database,
                    cluster.cut_the_database_off,
                    cluster.cut_the_database_off,
                    cluster.forget_entries,
                    cluster.repeat_entries,
                    cluster.raise_a_zombie,
                ]
                await scene.wreak_havoc(ROUNDS)
                try:
                    await scene.settle_everything()
                except TimeoutError:
                    await tell_unfinished(dsn)
                    raise
                await scene.tell_everything(await read_rows(dsn))
                shown = await scene.everything()
                for ward in scene.wards:
                    await ward.up.wait()
                    assert await ward.end() == 0
                scene.check(await read_rows(dsn), shown)
        assert await audit(dsn) == []

    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        asyncio.run(play(Path(folder)))
