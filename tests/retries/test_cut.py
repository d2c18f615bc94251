"""Connections that are cut under a submit: however often the library sends it, one generation and one hold."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from darkroom.generation import Generation
from darkroom.ports import NewGeneration, Store
from darkroom.testing import ScriptedProvider
from darkroom.verbs import List
from tests.around import Around
from tests.harness import Running, running
from tests.retries.clients import BODY, EVERY, Client, with_our_own
from tests.retries.proxy import Cut, cutting
from tests.worker.scene import until

HOLD_S = 0.3


"""Long enough for a busy machine to notice that its caller has gone."""

KEY = {"Idempotency-Key": "order-4711"}

each_client = pytest.mark.parametrize("client", EVERY.values(), ids=EVERY.keys())


def shut() -> ScriptedProvider:
    """Nothing is carried out: submits alone are looked at."""
    return ScriptedProvider([], slots=0, may_restart=True)


class Slow(Around):
    """Lets a submit begin, and ends it when it is told to."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.submits = 0
        self.ended = 0

    async def submit(self, new: NewGeneration) -> Generation:
        self.submits += 1
        self.begun.set()
        await self.go_on.wait()
        try:
            return await self._store.submit(new)
        finally:
            self.ended += 1


async def generations(server: Running) -> list[str]:
    account = await server.engine.store.find_account("default")
    page = await server.engine.store.list_generations(account.id, List(), now=server.engine.clock.now())
    audit = await server.engine.store.audit()
    assert audit.discrepancies == ()
    statement = await server.engine.access.show_account(await server.engine.principal("default"))
    # 26 credits each, by the seeds' price of this model.
    assert statement.held == 26_000_000 * len(page.items)
    return [generation.id for generation in page.items]


def repeated(reason: str) -> str:
    """One submit was known by that."""
    return f'darkroom_repeated_submits_total{{dialect="native",reason="{reason}"}} 1.0'


def cut_once(
    client: Client, cut: Cut, headers: Mapping[str, str], window_s: float = 120.0, counted: str = ""
) -> tuple[str, list[str], str]:
    """What the client was told, what the server has, and its metrics, once they have `counted` that."""

    async def act() -> tuple[str, list[str], str]:
        async with running(shut(), store=Slow, repeat_window_s=window_s, answer_hold_s=HOLD_S) as server:
            store = server.engine.store
            assert isinstance(store, Slow)

            async def noticed() -> None:
                """The server is in the middle of the submit when it hears that its caller has gone."""
                if not headers and window_s:
                    await until(lambda: server.engine.retries.lost == 1)
                store.go_on.set()

            if cut is not Cut.BEFORE:
                store.go_on.set()
            async with asyncio.timeout(30):
                async with cutting(server.url, cut, received=store.begun.wait, noticed=noticed) as proxy:
                    told = await client(proxy, await server.key(), headers)
                # Of two that are stored at the same time, the one whose caller has gone may be the later one, and the
                # one that is known.
                await until(lambda: store.ended == store.submits)
                while counted not in (metrics := (await server.ask("GET", "/metrics", key="")).body.decode()):
                    pass
            return str(told["id"]), await generations(server), metrics

    return asyncio.run(act())


@each_client
@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.DURING], ids=["before", "during"])
def test_a_connection_that_dies_before_the_whole_answer_is_there(client: Client, cut: Cut) -> None:
    told, stored, _ = cut_once(client, cut, {}, counted=repeated("lost answer"))
    assert stored == [told]


@each_client
@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.DURING], ids=["before", "during"])
def test_with_a_key_it_does_not_matter_where_it_dies(client: Client, cut: Cut) -> None:
    told, stored, _ = cut_once(client, cut, KEY, counted=repeated("key"))
    assert stored == [told]


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.DURING], ids=["before", "during"])
def test_the_command_line_brings_a_key_of_its_own(cut: Cut) -> None:
    told, stored, _ = cut_once(with_our_own, cut, {}, window_s=0, counted=repeated("key"))
    assert stored == [told]


def test_a_request_that_says_it_is_a_retry_is_one() -> None:
    async def act() -> None:
        async with running(shut()) as server:
            first = await server.ask("POST", "/v1/generations", BODY)
            again = await server.ask("POST", "/v1/generations", BODY, headers={"x-stainless-retry-count": "1"})
            assert (again.body["id"], await generations(server)) == (first.body["id"], [first.body["id"]])

    asyncio.run(act())


def test_a_retry_that_comes_before_the_first_is_stored_waits_for_it() -> None:
    async def act() -> None:
        async with running(shut(), store=Slow) as server:
            store = server.engine.store
            assert isinstance(store, Slow)
            asked = []
            for count in range(3):
                headers = {"x-stainless-retry-count": str(count)}
                asked.append(asyncio.create_task(server.ask("POST", "/v1/generations", BODY, headers=headers)))
                counted = f'darkroom_requests_total{{dialect="native",verb="Submit"}} {count + 1}.0'
                while counted not in (await server.ask("GET", "/metrics", key="")).body.decode():
                    pass
            store.go_on.set()
            first, *more = [answer.body["id"] for answer in await asyncio.gather(*asked)]
            assert more == [first, first]
            assert (store.submits, await generations(server)) == (1, [first])

    asyncio.run(act())


@each_client
def test_an_answer_that_came_is_not_asked_for_again(client: Client) -> None:
    told, stored, metrics = cut_once(client, Cut.AFTER, {})
    assert stored == [told]
    assert "darkroom_repeated_submits_total{" not in metrics


def test_nothing_is_guessed_where_it_is_turned_off() -> None:
    told, stored, _ = cut_once(EVERY["aiohttp"], Cut.BEFORE, {}, window_s=0)
    assert told in stored
    assert len(stored) == 2


def test_a_second_submit_on_purpose_is_a_second_generation() -> None:
    async def act() -> None:
        async with running(shut()) as server:
            told = [await server.ask("POST", "/v1/generations", BODY) for _ in range(3)]
            assert len({answer.body["id"] for answer in told}) == 3
            assert len(await generations(server)) == 3

    asyncio.run(act())


def test_a_caller_that_hangs_up_while_it_waits_is_told_when_it_comes_again() -> None:
    async def act() -> None:
        async with asyncio.timeout(30), running(shut()) as server:
            waiting = asyncio.create_task(server.ask("POST", "/v1/generations", BODY, headers={"prefer": "wait=30"}))
            await until(lambda: server.engine.bell.waiters == 1)
            waiting.cancel()
            await until(lambda: server.engine.retries.lost == 1)
            again = asyncio.create_task(server.ask("POST", "/v1/generations", BODY, headers={"prefer": "wait=30"}))
            await until(lambda: server.engine.bell.waiters == 1)
            (stored,) = await generations(server)
            await server.ask("POST", f"/v1/generations/{stored}/cancel")
            answer = await again
            assert (answer.body["id"], answer.body["status"]) == (stored, "canceled")
            assert answer.headers["idempotency-replayed"] == "true"

    asyncio.run(act())


def test_a_server_that_was_stopped_has_answered_everyone(tmp_path: Path) -> None:
    async def act() -> None:
        told = []
        for _ in range(2):
            async with running(ScriptedProvider([], slots=0), data=tmp_path) as server:
                told.append((await server.ask("POST", "/v1/generations", BODY)).body["id"])
        assert told[0] != told[1]

    asyncio.run(act())
