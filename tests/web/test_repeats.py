"""A poll that is asked again word for word is answered from memory: and never with what is no longer so."""

import asyncio
from datetime import timedelta
from pathlib import Path

from darkroom.dialects import DIALECTS
from darkroom.errors import ContentRefused
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import FrozenClock, ScriptedProvider
from tests.dialects.samples import a_generation, a_reply
from tests.harness import Running, running
from tests.web.scene import A_VIDEO, BOTH, ELUMENTA, NATIVE, Phrases, a_video_at


async def a_known_answer(server: Running, phrases: Phrases, *, until: Status = Status.COMPLETED) -> str:
    """The path of a generation that was asked for twice: the second answer came from memory."""
    generation = await server.reach(await a_video_at(server), until)
    path = phrases.fetch.format(id=generation.id, number=generation.number)
    first = await server.ask("GET", path, dialect=phrases.name)
    again = await server.ask("GET", path, dialect=phrases.name)
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    return path


def test_a_revoked_key_opens_nothing_any_more() -> None:
    async def act() -> None:
        async with running([A_VIDEO, A_VIDEO]) as server:
            paths = [await a_known_answer(server, phrases) for phrases in BOTH]
            for phrases, path in zip(BOTH, paths, strict=True):
                key = await server.key(phrases.name)
                account = await server.engine.store.find_account("default")
                numbers = {made.dialect: made.number for made in await server.engine.store.keys(account.id)}
                await server.engine.store.revoke_key(account.id, numbers[phrases.name], now=server.engine.clock.now())
                server.engine.access.forget_keys()
                assert (await server.ask("GET", path, key=key)).status == 401

    asyncio.run(act())


def test_another_account_s_key_sees_nothing_of_it() -> None:
    async def act() -> None:
        async with running([A_VIDEO, A_VIDEO]) as server:
            await server.account("other")
            for phrases in BOTH:
                path = await a_known_answer(server, phrases)
                assert (await server.ask("GET", path, dialect=phrases.name, account="other")).status in (403, 404)
                assert (await server.ask("GET", path, key="")).status == 401
                assert (await server.ask("GET", path, key="nonsense")).status == 401

    asyncio.run(act())


def test_a_removed_generation_is_gone_at_once() -> None:
    async def act() -> None:
        async with running([A_VIDEO]) as server:
            path = await a_known_answer(server, NATIVE)
            assert (await server.ask("DELETE", path)).status == 204
            assert (await server.ask("GET", path)).status in (404, 410)

    asyncio.run(act())


def test_a_pending_answer_lasts_no_longer_than_its_state() -> None:
    async def act() -> None:
        provider = ScriptedProvider([Ticket("x"), A_VIDEO], may_restart=True)
        provider.gate.clear()
        async with running(provider) as server:
            path = await a_known_answer(server, ELUMENTA, until=Status.RUNNING)
            assert (await server.ask("GET", path, dialect="elumenta")).body["status"] == "pending"
            provider.gate.set()
            await server.reach(int(path.rpartition("/")[2]))
            assert (await server.ask("GET", path, dialect="elumenta")).body["status"] == "completed"

    asyncio.run(act())


def test_links_are_signed_anew_the_next_day(tmp_path: Path) -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with running([A_VIDEO], clock=clock, data=tmp_path) as server:
            path = await a_known_answer(server, NATIVE)
            first = (await server.ask("GET", path)).body["outputs"][0]["url"]
            clock.advance(24 * 3600)
            second = (await server.ask("GET", path)).body["outputs"][0]["url"]
            assert first != second
            assert first.split("?")[0] == second.split("?")[0]

    asyncio.run(act())


def test_what_was_told_under_one_host_is_not_told_under_another() -> None:
    async def act() -> None:
        async with running([A_VIDEO]) as server:
            path = await a_known_answer(server, NATIVE)
            answer = await server.ask("GET", path, headers={"host": "elsewhere.example"})
            assert answer.body["outputs"][0]["url"].startswith("http://elsewhere.example/assets/")

    asyncio.run(act())


def test_a_head_and_a_question_with_a_query_are_answered_as_ever() -> None:
    async def act() -> None:
        async with running([ContentRefused("no")]) as server:
            path = await a_known_answer(server, NATIVE, until=Status.FAILED)
            head = await server.ask("HEAD", path)
            assert (head.status, head.body) == (200, b"")
            assert (await server.ask("GET", f"{path}?until=nonsense")).status == 422

    asyncio.run(act())


def test_a_plan_that_counts_its_calls_counts_every_one() -> None:
    async def act() -> None:
        async with running([A_VIDEO]) as server:
            await server.account("vip", plan="vip")
            submitted = await server.ask(
                "POST", "/api/v2/generate", ELUMENTA.body(prompt="x"), dialect="elumenta", account="vip"
            )
            number = submitted.body["id"]
            await server.reach(number)
            path = f"/api/v1/generation/{(await server.engine.store.get(number)).id}"
            for _ in range(3):
                assert (await server.ask("GET", path, dialect="skills", account="vip")).status == 200
            last = await server.ask("GET", f"/api/v2/generate/{number}", dialect="elumenta", account="vip")
            # 100 an hour: the submit, three reads in a dialect that tells nothing of its limits, and this one.
            assert last.headers["x-ratelimit-remaining-hour"] == "95"

    asyncio.run(act())


def test_a_timeless_route_says_the_same_at_any_time() -> None:
    """Whoever marks a route as timeless promises this; the unfinished states are what the mark is about."""
    seen = 0
    for dialect in DIALECTS:
        for route in dialect.routes:
            if not route.is_timeless:
                continue
            seen += 1
            for status in (Status.QUEUED, Status.RUNNING):
                generation = a_generation(status=status)
                reply = a_reply()
                later = a_reply(now=reply.now + timedelta(hours=3))
                assert route.render(generation, reply) == route.render(generation, later), route.path
    assert seen >= 2
