"""Streams over real sockets: named and numbered events, taken up again where they were cut, one account's or one's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from darkroom.ports import Pending, Ticket
from darkroom.testing import FrozenClock, ScriptedProvider, an_output
from tests.databases import on_sqlite
from tests.harness import Running, running
from tests.web.scene import PROMPT, a_video_at


@dataclass
class Event:
    name: str = ""
    id: int | None = None
    data: Any = None
    comment: str = ""


@dataclass
class Stream:
    status: int
    events: AsyncIterator[Event]

    async def next(self) -> Event:
        """The next event that is no comment and no progress."""
        async for event in self.events:
            if event.data is not None and event.name != "generation.progress":
                return event
        raise AssertionError("the stream has ended")

    async def rest(self) -> list[Event]:
        return [event async for event in self.events if event.data is not None]


@asynccontextmanager
async def watching(
    server: Running, path: str, *, after: object = None, account: str = "default"
) -> AsyncIterator[Stream]:
    headers = {"authorization": f"Bearer {await server.key(account=account)}"}
    if after is not None:
        headers["last-event-id"] = str(after)
    async with asyncio.timeout(20), server.client.get(server.url + path, headers=headers) as answer:
        yield Stream(answer.status, _events(answer.content))


async def _events(content: Any) -> AsyncIterator[Event]:
    """By the rules of the HTML standard, as far as we make use of them."""
    event = Event()
    async for raw in content:
        line = raw.decode().rstrip("\n")
        if not line:
            yield event
            event = Event()
        elif line.startswith(":"):
            event.comment = line[1:].strip()
        else:
            field, _, value = line.partition(": ")
            if field == "data":
                event.data = json.loads(value)
            elif field == "id":
                event.id = int(value)
            else:
                assert field == "event"
                event.name = value


def held_back(*steps: Any) -> ScriptedProvider:
    provider = ScriptedProvider([Ticket("up_1"), *(steps or (an_output(),))], may_restart=True)
    provider.gate.clear()
    return provider


def path_of(id: str) -> str:
    return f"/v1/generations/{id}/events"


async def told_of(server: Running, id: str) -> list[Event]:
    """What a caller hears that begins before everything."""
    async with watching(server, path_of(id), after=0) as stream:
        return await stream.rest()


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events if event.name != "generation.progress"]


def test_a_generation_is_told_from_its_beginning_to_its_end() -> None:
    async def run() -> None:
        provider = held_back(Pending(after_s=0.001, progress=0.5), an_output())
        async with running(provider) as server:
            id = await a_video_at(server)
            async with watching(server, path_of(id), after=0) as stream:
                assert (await stream.next()).name == "generation.queued"
                assert (await stream.next()).name == "generation.running"
                provider.gate.set()
                rest = await stream.rest()
            assert names(rest) == ["generation.completed"]
            assert (rest[-1].id, rest[-1].data["status"], rest[-1].data["spent"]) == (3, "completed", 26)
            halfway = next(event for event in rest if event.data["progress"] == 0.5)
            assert (halfway.name, halfway.id) == ("generation.progress", None)
            assert list(halfway.data) == ["id", "status", "stage", "progress", "queue_position", "expected_end_at"]
            assert (halfway.data["stage"], halfway.data["queue_position"]) == ("generating", None)

    asyncio.run(run())


def test_a_stream_goes_on_behind_the_last_event_that_was_seen() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            id = await a_video_at(server)
            await server.reach(id)
            everything = await told_of(server, id)
            assert [(event.id, event.name) for event in everything] == [
                (1, "generation.queued"),
                (2, "generation.running"),
                (3, "generation.completed"),
            ]
            # An event's name is what happened then, its data what is now.
            assert {event.data["status"] for event in everything} == {"completed"}
            async with watching(server, path_of(id), after=1) as stream:
                assert names(await stream.rest()) == ["generation.running", "generation.completed"]

    asyncio.run(run())


def test_who_has_seen_the_end_is_told_to_ask_no_more() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            id = await a_video_at(server)
            await server.reach(id)
            async with watching(server, path_of(id), after=3) as stream:
                assert (stream.status, await stream.rest()) == (204, [])

    asyncio.run(run())


def test_who_has_missed_nothing_is_told_what_follows_and_nothing_twice() -> None:
    async def run() -> None:
        provider = held_back()
        async with running(provider) as server:
            id = await a_video_at(server)
            async with watching(server, path_of(id), after=0) as stream:
                await stream.next()
                running_event = await stream.next()
            async with watching(server, path_of(id), after=running_event.id) as stream:
                assert (await anext(stream.events)).comment == "waiting"
                provider.gate.set()
                assert names(await stream.rest()) == ["generation.completed"]

    asyncio.run(run())


def test_an_event_that_is_no_longer_kept_is_answered_with_a_reset() -> None:
    async def run() -> None:
        clock = FrozenClock()
        async with running([an_output(), an_output()], clock=clock) as server:
            first = await a_video_at(server)
            await server.reach(first)
            clock.advance(3600)
            second = await a_video_at(server)
            await server.reach(second)
            await server.engine.store.prune_events(before=clock.now())
            for after in (1, 9_999, "no number of ours", "-4"):
                async with watching(server, path_of(first), after=after) as stream:
                    (told,) = await stream.rest()
                assert (told.name, told.id, told.data["status"]) == ("reset", 6, "completed")
                async with watching(server, "/v1/events", after=after) as stream:
                    reset = await stream.next()
                assert (reset.name, reset.id, reset.data) == ("reset", 6, {"unfinished": []})
            async with watching(server, path_of(first), after=3) as stream:
                assert stream.status == 204, "3 is its end, and nothing after it was forgotten"

    asyncio.run(run())


def test_an_account_is_told_of_its_own_generations_and_of_no_others() -> None:
    async def run() -> None:
        provider = ScriptedProvider([Ticket("up_1"), an_output()], slots=1, may_restart=True)
        provider.gate.clear()
        async with running(provider) as server:
            await server.account("other", amount=100)
            before = await a_video_at(server)
            # It has the only slot: the other account's waits behind it until it is canceled.
            await provider.entered.wait()
            async with watching(server, "/v1/events") as stream:
                reset = await stream.next()
                assert [each["id"] for each in reset.data["unfinished"]] == [before]
                body = {"model": "kling-v2.1", "inputs": {"prompt": PROMPT}}
                foreign = (await server.ask("POST", "/v1/generations", body, account="other")).body["id"]
                await server.ask("POST", f"/v1/generations/{foreign}/cancel", account="other")
                await server.ask("POST", f"/v1/generations/{before}/cancel")
                mine = await a_video_at(server)
                provider.gate.set()
                told: list[Event] = []
                while not told or told[-1].name != "generation.completed":
                    told.append(await stream.next())
            assert {event.data["id"] for event in told} == {before, mine}
            assert [event.name for event in told if event.data["id"] == mine] == [
                "generation.queued",
                "generation.running",
                "generation.completed",
            ]
            ids = [event.id for event in told if event.id is not None]
            assert ids == sorted(ids)
            async with watching(server, "/v1/events", after=ids[-2]) as stream:
                again = await stream.next()
            assert (again.id, again.name) == (told[-1].id, "generation.completed")

    asyncio.run(run())


def test_no_event_is_lost_to_an_account_while_many_change_at_once() -> None:
    async def run() -> None:
        count = 60
        async with running([an_output() for _ in range(count)]) as server:
            async with watching(server, "/v1/events") as stream:
                await stream.next()
                made = await asyncio.gather(*(a_video_at(server) for _ in range(count)))
                told: list[Event] = []
                while sum(event.name == "generation.completed" for event in told) < count:
                    told.append(await stream.next())
            assert [event.id for event in told] == list(range(1, 3 * count + 1))
            for id in made:
                assert [event.name.removeprefix("generation.") for event in told if event.data["id"] == id] == [
                    "queued",
                    "running",
                    "completed",
                ]

    asyncio.run(run())


@on_sqlite  # a queue that many processes share tells nobody's place: docs/cluster.md
def test_those_who_wait_in_a_queue_are_told_how_many_are_before_them() -> None:
    async def run() -> None:
        async with running(ScriptedProvider([], slots=0)) as server:
            ids = [await a_video_at(server) for _ in range(3)]
            async with watching(server, path_of(ids[2])) as stream:
                await anext(stream.events)
                progress = await anext(stream.events)
            assert (progress.name, progress.data["stage"], progress.data["queue_position"]) == (
                "generation.progress",
                "queued",
                2,
            )
            assert progress.data["expected_end_at"] > "2026"

    asyncio.run(run())


def test_another_accounts_generation_is_not_there() -> None:
    async def run() -> None:
        async with running(ScriptedProvider([], slots=0)) as server:
            await server.account("other")
            id = await a_video_at(server)
            assert (await server.ask("GET", path_of(id), account="other")).status == 404
            assert (await server.ask("GET", "/v1/events", key="")).status == 401

    asyncio.run(run())
