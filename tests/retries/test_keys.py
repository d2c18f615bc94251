"""Idempotency keys, in every dialect: the same request is the same generation, another request is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from darkroom.credits import credits
from darkroom.ledger import Purse
from darkroom.testing import FrozenClock, ScriptedProvider
from darkroom.verbs import List
from tests.conformance.phrasebook import EVERY, Phrases
from tests.harness import Answer, Running, running
from tests.retries.test_cut import generations
from tests.web.scene import A_VIDEO

each_dialect = pytest.mark.parametrize("phrases", EVERY, ids=lambda phrases: phrases.dialect)

DAY_S = 24 * 3600


def play(act: Callable[[Running], Awaitable[None]], *, clock: FrozenClock | None = None, closed: bool = True) -> None:
    async def run() -> None:
        provider = ScriptedProvider([A_VIDEO] * 30, slots=0 if closed else 10, may_restart=True)
        async with running(provider, clock=clock) as server, asyncio.timeout(20):
            await act(server)

    asyncio.run(run())


async def submit(
    server: Running, phrases: Phrases, key: str | None = "k1", *, prompt: str = "A blooming flower", **more: Any
) -> Answer:
    path, body = phrases.submit(phrases.model, {"prompt": prompt, **more.pop("inputs", {})})
    headers = {} if key is None else {more.pop("header", "Idempotency-Key"): key}
    return await server.ask("POST", path, body, dialect=phrases.dialect, headers=headers, **more)


@each_dialect
def test_the_same_key_and_body_is_the_same_generation(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        first = await submit(server, phrases)
        again = await submit(server, phrases)
        other_name = await submit(server, phrases, header="X-Idempotency-Key")
        assert first.status == again.status == other_name.status == phrases.accepted
        assert phrases.id_of(first.body) == phrases.id_of(again.body) == phrases.id_of(other_name.body)
        assert [answer.headers.get("idempotency-replayed") for answer in (first, again, other_name)] == [
            None,
            "true",
            "true",
        ]
        account = await server.engine.store.find_account("default")
        assert await server.engine.store.in_flight(account.id) == 1

    play(act)


@each_dialect
def test_it_is_still_so_when_the_first_has_settled(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        first = await submit(server, phrases)
        account = await server.engine.store.find_account("default")
        (stored,) = await _ids(server, account.id)
        await server.reach(stored)
        again = await submit(server, phrases)
        assert (again.status, phrases.id_of(again.body)) == (phrases.accepted, phrases.id_of(first.body))
        assert len(await _ids(server, account.id)) == 1
        assert (await server.engine.store.audit()).discrepancies == ()

    play(act, closed=False)


@each_dialect
def test_the_same_key_with_another_body_is_refused_and_holds_nothing(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        await submit(server, phrases)
        refused = await submit(server, phrases, prompt="Another flower")
        assert refused.status == 422
        assert "idempotency key" in str(refused.body)
        account = await server.engine.store.find_account("default")
        assert await server.engine.store.in_flight(account.id) == 1

    play(act)


@each_dialect
def test_a_refused_request_does_not_use_up_its_key(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        await server.account("poor", amount=0)
        refused = await submit(server, phrases, account="poor")
        assert refused.status in (402, 403)
        poor = await server.engine.store.find_account("poor")
        await server.engine.store.grant(
            poor.id, credits(1000), purse=Purse.PERMANENT, note="", now=server.engine.clock.now()
        )
        accepted = await submit(server, phrases, account="poor")
        assert (accepted.status, accepted.headers.get("idempotency-replayed")) == (phrases.accepted, None)

    play(act)


@each_dialect
def test_twenty_at_once_are_one(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        answers = await asyncio.gather(*(submit(server, phrases) for _ in range(20)))
        assert {answer.status for answer in answers} == {phrases.accepted}
        assert len({phrases.id_of(answer.body) for answer in answers}) == 1
        account = await server.engine.store.find_account("default")
        assert await server.engine.store.in_flight(account.id) == 1

    play(act)


@each_dialect
def test_another_account_s_key_of_the_same_name_is_another(phrases: Phrases) -> None:
    async def act(server: Running) -> None:
        await server.account("other")
        first = await submit(server, phrases)
        theirs = await submit(server, phrases, prompt="Something else", account="other")
        assert (first.status, theirs.status) == (phrases.accepted, phrases.accepted)
        assert phrases.id_of(first.body) != phrases.id_of(theirs.body)

    play(act)


def test_the_order_of_names_and_blanks_mean_nothing() -> None:
    async def act(server: Running) -> None:
        headers = {"Idempotency-Key": "k", "content-type": "application/json"}
        one = b'{"model": "kling-v2.1", "inputs": {"prompt": "x", "duration": 5}}'
        two = b'{"inputs":{"duration":5,"prompt":"x"},"model":"kling-v2.1"}'
        first = await server.ask("POST", "/v1/generations", data=one, headers=headers)
        again = await server.ask("POST", "/v1/generations", data=two, headers=headers)
        assert (again.status, again.body["id"]) == (202, first.body["id"])

    play(act)


def test_a_key_is_known_after_a_restart(tmp_path: Path) -> None:
    async def act() -> None:
        told = []
        for _ in range(2):
            async with running(ScriptedProvider([], slots=0), data=tmp_path) as server:
                answer = await submit(server, EVERY[0])
                told.append(answer.body["id"])
                assert await generations(server) == told[:1]
        assert told[0] == told[1]

    asyncio.run(act())


def test_a_key_lives_for_a_day() -> None:
    clock = FrozenClock()

    async def act(server: Running) -> None:
        first = await submit(server, EVERY[0])
        clock.advance(DAY_S - 1)
        assert (await submit(server, EVERY[0])).body["id"] == first.body["id"]
        assert (await submit(server, EVERY[0], prompt="other")).status == 422
        clock.advance(2)
        second = await submit(server, EVERY[0], prompt="other")
        assert second.status == 202
        assert second.body["id"] != first.body["id"]
        assert (await submit(server, EVERY[0], prompt="other")).body["id"] == second.body["id"]

    play(act, clock=clock)


def test_old_keys_are_swept() -> None:
    clock = FrozenClock()

    async def act(server: Running) -> None:
        await submit(server, EVERY[0])
        await server.engine.store.prune_keys(before=clock.now())
        assert (await submit(server, EVERY[0])).headers["idempotency-replayed"] == "true"
        clock.advance(1)
        await server.engine.store.prune_keys(before=clock.now())
        assert "idempotency-replayed" not in (await submit(server, EVERY[0])).headers

    play(act, clock=clock)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"], ids=["empty", "too long", "not ASCII"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    async def act(server: Running) -> None:
        refused = await submit(server, EVERY[0], key)
        assert refused.status == 422
        assert refused.body["error"]["problems"][0]["field"] == "Idempotency-Key"
        assert await generations(server) == []

    play(act)


def test_a_form_s_files_are_part_of_the_request() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)

    async def ask(server: Running, content: bytes) -> Answer:
        form = aiohttp.FormData()
        form.add_field("prompt", "a cat")
        form.add_field("image_urls[]", content, filename="a.png", content_type="image/png")
        path = "/api/v1/generation/google/nano-banana"
        return await server.ask("POST", path, data=form, dialect="skills", headers={"Idempotency-Key": "k"})

    async def act(server: Running) -> None:
        first, again, other = await ask(server, picture), await ask(server, picture), await ask(server, picture + b"x")
        assert (first.status, again.status, other.status) == (202, 202, 422)
        assert again.body["id"] == first.body["id"]

    play(act)


async def _ids(server: Running, account_id: str) -> list[str]:
    page = await server.engine.store.list_generations(account_id, List(), now=server.engine.clock.now())
    return [generation.id for generation in page.items]
