"""What nobody asks for: lost queue entries, other processes' changes, expired assets."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from darkroom.assets.link import Links
from darkroom.clock import SystemClock
from darkroom.credits import credits
from darkroom.errors import Gone, NotFound, RevokedKey, StaleAttempt
from darkroom.generation import Generation, Status
from darkroom.ids import new_id
from darkroom.ports import NewGeneration, Output, Produced, Settlement, Store, Ticket, Turn, Webhook, Work
from darkroom.records import Place
from darkroom.store.database import Database
from darkroom.store.sqlite import SqliteStore
from darkroom.sweeper import Sweeper
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from darkroom.verbs import Fetch, List, Remove
from darkroom.webhook import Delivery, Parcel
from tests.around import Around
from tests.databases import on_sqlite
from tests.harness import file_of
from tests.worker.scene import Scene, files_in, interrupted, play, until, working

NOW = FrozenClock().now()
UP = Ticket("up_1")

pytestmark = on_sqlite
"""About the queue in memory, and the command line beside a server on one file. For many machines: tests/cluster."""


def test_a_lost_queue_entry_is_found_again(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, an_output(), UP, an_output()], slots=1)
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            first = await scene.submit()
            await provider.entered.wait()
            lost = await scene.submit()
            assert scene.engine.queue.interrupt(lost)  # the queue forgets it; the row says queued
            provider.gate.set()
            await scene.reach(first)
            await scene.idle()
            assert (await scene.engine.store.get(lost)).status is Status.QUEUED
            await scene.engine.sweeper.sweep()
            assert (await scene.reach(lost)).status is Status.COMPLETED
            assert await scene.books() == (20, 0, 80)

    play(act)


def test_a_sweep_leaves_alone_what_is_in_hand_or_waits(tmp_path: Path) -> None:
    async def act() -> None:
        provider = ScriptedProvider([UP, an_output(), UP, an_output()], slots=1)
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            first, second = await scene.submit(), await scene.submit()
            await provider.entered.wait()
            await scene.engine.sweeper.sweep()
            assert (scene.engine.queue.depths, scene.engine.queue.in_hand) == ({"sketch": 1}, 1)
            provider.gate.set()
            await scene.reach(first)
            await scene.reach(second)
            assert provider.started == [first, second]

    play(act)


async def expire(scene: Scene, clock: FrozenClock) -> None:
    clock.advance(7 * 24 * 3600)
    await scene.engine.retention.expire()


def with_thumbnail(work: Work) -> Output:
    video, small = work.folder / "v.mp4", work.folder / "t.jpg"
    video.write_bytes(b"video")
    small.write_bytes(b"small")
    return Output(files=(Produced(path=video, media_type="video/mp4", thumbnail=small),))


def test_after_its_retention_a_generation_and_its_assets_are_gone(tmp_path: Path) -> None:
    """Plan `free` keeps results for seven days."""

    async def act() -> None:
        clock = FrozenClock()
        async with working(tmp_path, [UP, with_thumbnail], clock=clock, plan="free") as scene:
            id = await scene.submit()
            await scene.reach(id)
            ann = await scene.engine.principal("ann")
            await scene.engine.assets.put(f"inputs/{id}/given-1", b"what the caller sent along")
            assert len(scene.stored()) == 3
            clock.advance(7 * 24 * 3600 - 1)
            await scene.engine.retention.expire()
            assert (await scene.engine.service.fetch(ann, Fetch(id=id))).outputs
            clock.advance(1)
            with pytest.raises(NotFound):
                await scene.engine.service.fetch(ann, Fetch(id=id))
            assert len(scene.stored()) == 3
            await scene.engine.retention.expire()
            assert scene.stored() == []
            with pytest.raises(NotFound):
                await scene.engine.service.fetch(ann, Fetch(id=id))
            assert (await scene.engine.service.list_generations(ann, List())).items == ()
            assert await scene.rows("SELECT outputs, inputs, status FROM generation") == [("[]", "{}", "completed")]
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_an_asset_that_is_gone_already_does_not_stop_the_expiry_of_the_others(tmp_path: Path) -> None:
    """As after a crash between the deletion and the row."""

    async def act() -> None:
        clock = FrozenClock()
        async with working(tmp_path, [UP, with_thumbnail] * 2, clock=clock, plan="free") as scene:
            first = await scene.reach(await scene.submit())
            await scene.reach(await scene.submit())
            (tmp_path / "assets" / first.outputs[0].key).unlink()
            await expire(scene, clock)
            assert scene.stored() == []
            assert await scene.engine.store.expired(now=clock.now()) == []

    play(act)


def test_a_removed_generation_leaves_the_store_with_the_next_sweep(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, [UP, with_thumbnail]) as scene:
            id = await scene.submit()
            await scene.reach(id)
            ann = await scene.engine.principal("ann")
            await scene.engine.service.remove(ann, Remove(id=id))
            with pytest.raises(NotFound):
                await scene.engine.service.fetch(ann, Fetch(id=id))
            await scene.engine.retention.expire()
            assert scene.stored() == []
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_an_expired_result_is_no_input_for_another(tmp_path: Path) -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with working(tmp_path, [UP, with_thumbnail], clock=clock, plan="free") as scene:
            id = await scene.submit()
            await scene.reach(id)
            await expire(scene, clock)
            assert (await scene.engine.store.get(id)).outputs == ()
            ann = await scene.engine.principal("ann")
            with pytest.raises(Gone, match="it expired at 2026"):
                await scene.engine.service.fetch(ann, Fetch(id=id))

    play(act)


class Elsewhere:
    """Another process: a store of its own on the same file."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "darkroom.db")
        self.store = SqliteStore(self.database)

    async def __aenter__(self) -> SqliteStore:
        await self.database.open()
        return self.store

    async def __aexit__(self, *error: object) -> None:
        await self.database.close()


def test_a_cancel_in_another_process_stops_the_work_here(tmp_path: Path) -> None:
    """Noticed by the file, not by being told; nobody sweeps by hand."""

    async def act() -> None:
        provider = ScriptedProvider([UP])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            async with Elsewhere(tmp_path) as store:
                ann = await store.find_account("ann")
                await store.cancel(ann.id, id, now=NOW)
                assert (await scene.reach(id)).status is Status.CANCELED
            await scene.idle()
            assert provider.canceled == ["up_1"]

    play(act)


def test_a_submit_in_another_process_is_carried_out_here(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, [UP, an_output()]) as scene, Elsewhere(tmp_path) as store:
            ann = await store.find_account("ann")
            new = NewGeneration(
                id=new_id(),
                account_id=ann.id,
                dialect="native",
                model="reel",
                modality="video",
                task="text-to-video",
                provider="sketch",
                inputs={"prompt": "a reel"},
                wire={},
                quote=credits(40),
                created_at=NOW,
            )
            await store.submit(new)
            assert (await scene.reach(new.id)).status is Status.COMPLETED

    play(act)


def test_a_key_that_was_revoked_elsewhere_is_refused_here(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, []) as scene:
            ann = await scene.engine.store.find_account("ann")
            made = await scene.engine.access.create_key(ann, name="k", dialect="native")
            assert (await scene.engine.access.authenticate(made.secret)).account == ann
            async with Elsewhere(tmp_path) as store:
                await store.revoke_key(ann.id, made.key.number, now=NOW)
            await scene.engine.sweeper.catch_up()
            with pytest.raises(RevokedKey):
                await scene.engine.access.authenticate(made.secret)

    play(act)


def test_only_what_others_have_done_is_told_again(tmp_path: Path) -> None:
    async def act() -> None:
        told: list[tuple[str, Status]] = []
        async with working(tmp_path, [UP, an_output(), UP, an_output()]) as scene:
            scene.engine.desk.listen(lambda generation: told.append((generation.id, generation.status)))
            mine = await scene.submit()
            await scene.reach(mine)
            async with Elsewhere(tmp_path) as store:
                bob = await store.create_account("bob", plan="open", now=NOW)
            await scene.engine.sweeper.catch_up()
            assert bob.name == "bob"
            assert told == [(mine, Status.QUEUED), (mine, Status.RUNNING), (mine, Status.COMPLETED)]

    play(act)


def test_a_change_elsewhere_is_found_behind_any_number_of_our_own(tmp_path: Path) -> None:
    """More events of our own than are read at once lie between the last look and the cancel."""

    async def act() -> None:
        provider = ScriptedProvider([UP])
        provider.gate.clear()
        async with working(tmp_path, provider) as scene:
            id = await scene.submit()
            await provider.entered.wait()
            await file_of(scene.engine).write(
                lambda connection: connection.execute(
                    "INSERT INTO event (generation_id, status, at, writer)"
                    " WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 12000)"
                    " SELECT generation_id, status, at, writer FROM event, count WHERE sequence = 1"
                )
            )
            async with Elsewhere(tmp_path) as store:
                ann = await store.find_account("ann")
                await store.cancel(ann.id, id, now=NOW)
                assert (await scene.reach(id)).status is Status.CANCELED

    play(act)


class BrokenOnce(Around):
    """Its first answers to two questions are errors, as those of a disk that has a bad moment."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.errors = {"events_since", "queued"}
        self.looks = 0

    async def events_since(self, place: Place) -> tuple[Place, list[Generation]]:
        self._stumble("events_since")
        return await self._store.events_since(place)

    async def queued(self, *, after: int = 0, limit: int = 1000) -> list[Turn]:
        self.looks += 1
        self._stumble("queued")
        return await self._store.queued(after=after, limit=limit)

    def _stumble(self, name: str) -> None:
        if name in self.errors:
            self.errors.remove(name)
            raise OSError("a bad moment")


def test_a_sweeper_outlives_the_store_s_bad_moments(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, []) as scene:
            store = BrokenOnce(scene.engine.store)
            engine = scene.engine
            sweeper = Sweeper(
                store=store,
                retention=engine.retention,
                queue=engine.queue,
                desk=engine.desk,
                access=scene.engine.access,
                clock=SystemClock(),
            )
            running = asyncio.create_task(sweeper.run())
            await until(lambda: len(store.errors) == 1)
            sweeper.notice()
            await until(lambda: not store.errors)
            sweeper.notice()
            await until(lambda: store.looks == 2)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    play(act)


def outbox(states: Sequence[str]) -> list[tuple[str]]:
    return [(state,) for state in states]


def test_messages_are_written_with_the_change_that_they_tell(tmp_path: Path) -> None:
    async def act() -> None:
        async with interrupted(tmp_path) as (store, id):
            ann = await store.find_account("ann")
            for name, events in (("all", ()), ("ends", ("completed", "failed"))):
                await store.create_webhook(
                    Webhook(
                        id=name,
                        account_id=ann.id,
                        dialect="native",
                        url=f"https://example.com/{name}",
                        secret="s",
                        events=events,
                        created_at=NOW,
                    )
                )
            await store.begin(id, now=NOW)
            due, _ = await store.due_deliveries(now=NOW, limit=10)
            assert told(due) == [("https://example.com/all", Status.RUNNING)]
            settlement = Settlement(status=Status.COMPLETED, used=credits(40))
            with pytest.raises(StaleAttempt):
                await store.settle(id, 2, settlement, now=NOW)
            assert len((await store.due_deliveries(now=NOW, limit=10))[0]) == 1
            await store.settle(id, 1, settlement, now=NOW)
            due, _ = await store.due_deliveries(now=NOW, limit=10)
            # What /all is still to be told of the beginning goes before the end.
            assert told(due) == [
                ("https://example.com/all", Status.RUNNING),
                ("https://example.com/ends", Status.COMPLETED),
            ]
            (running, _) = due
            assert await store.note_delivery(running.id, is_done=True, outcome="", due_at=None, now=NOW)
            due, _ = await store.due_deliveries(now=NOW, limit=10)
            assert told(due) == [
                ("https://example.com/all", Status.COMPLETED),
                ("https://example.com/ends", Status.COMPLETED),
            ]

    play(act)


def test_links_are_signed_with_a_secret_of_the_folder_that_is_made_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, []) as scene:
            path = scene.engine.links.path("a.mp4", now=NOW)
        assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
        assert len(files_in(tmp_path / "work")) == 0
        assert Links((tmp_path / "secret").read_bytes()).path("a.mp4", now=NOW) == path
        async with working(tmp_path, []) as scene:
            assert scene.engine.links.path("a.mp4", now=NOW) == path

    play(act)


def told(due: list[Parcel]) -> list[tuple[str, str]]:
    return sorted((delivery.url, delivery.state) for delivery in due if isinstance(delivery, Delivery))
