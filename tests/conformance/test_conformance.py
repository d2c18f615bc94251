"""One suite for every dialect: the same lifecycle, the same money, the same refusals, each in its own words."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from darkroom.account import hash_key
from darkroom.errors import ContentRefused
from darkroom.generation import Status
from darkroom.ports import Ticket
from darkroom.testing import ScriptedProvider, an_output
from darkroom.verbs import Cancel, List
from tests.conformance.phrasebook import EVERY, Phrases
from tests.harness import Answer, Running, running

PROMPT = {"prompt": "a jellyfish in the ocean"}

each = pytest.mark.parametrize("phrases", EVERY, ids=lambda phrases: phrases.dialect)
places = pytest.mark.parametrize("prefix", [False, True], ids=["documented path", "under its prefix"])


def play(scene: Callable[[Running, ScriptedProvider], Awaitable[None]], *script: Any) -> None:
    """Run a scene on a server whose provider follows the script, one caller with 1,000 credits, one with none."""

    async def run() -> None:
        provider = ScriptedProvider(script, may_restart=True)
        async with running(provider) as server:
            await server.account("rich", amount=1000)
            await server.account("poor", amount=0)
            await scene(server, provider)
            audit = await server.engine.store.audit()
            assert audit.discrepancies == ()

    asyncio.run(run())


async def submit(server: Running, phrases: Phrases, inputs: dict[str, Any], **how: Any) -> Answer:
    path, body = phrases.submit(how.pop("model", phrases.model), inputs)
    prefix = f"/{phrases.dialect}" if how.pop("prefix", False) else ""
    return await server.ask("POST", prefix + path, body, dialect=phrases.dialect, **{"account": "rich", **how})


async def fetch(server: Running, phrases: Phrases, id: Any, **how: Any) -> Answer:
    prefix = f"/{phrases.dialect}" if how.pop("prefix", False) else ""
    path = prefix + phrases.fetch(id)
    return await server.ask("GET", path, dialect=phrases.dialect, **{"account": "rich", **how})


async def available(server: Running, account: str = "rich") -> float:
    owner = await server.engine.store.find_account(account)
    balances = await server.engine.store.balances(owner.id)
    return sum(balance.available for balance in balances.values()) / 1_000_000


@each
@places
def test_a_video_from_submit_to_its_bytes(phrases: Phrases, prefix: bool) -> None:
    async def scene(server: Running, provider: ScriptedProvider) -> None:
        provider.gate.clear()
        accepted = await submit(server, phrases, PROMPT, prefix=prefix)
        assert accepted.status == phrases.accepted, accepted
        assert phrases.state_of(accepted.body) in phrases.queued
        id = phrases.id_of(accepted.body)
        await asyncio.wait_for(provider.entered.wait(), 10)
        rendering = await fetch(server, phrases, id, prefix=prefix)
        assert rendering.status == 200
        assert phrases.id_of(rendering.body) == id
        assert phrases.state_of(rendering.body) in phrases.running
        held = 1000 - await available(server)
        assert held > 0
        provider.gate.set()
        await server.reach(await _newest(server))
        done = await fetch(server, phrases, id, prefix=prefix)
        assert phrases.id_of(done.body) == id
        assert phrases.state_of(done.body) == phrases.completed
        async with server.client.get(phrases.url_of(done.body)) as answer:
            assert await answer.read() == b"a result"
            assert answer.content_type == "video/mp4"
        spent = 1000 - await available(server)
        assert spent == held
        assert phrases.credits in (None, spent)
        assert phrases.spent_of(done.body) in (None, spent * phrases.per_credit)
        assert (await fetch(server, phrases, id, prefix=prefix)).body == done.body

    play(scene, Ticket("up_1"), an_output())


async def _newest(server: Running) -> str:
    owner = await server.engine.store.find_account("rich")
    page = await server.engine.store.list_generations(owner.id, List(limit=1), now=server.engine.clock.now())
    return page.items[0].id


@each
def test_a_failure_costs_nothing(phrases: Phrases) -> None:
    async def scene(server: Running, provider: ScriptedProvider) -> None:
        id = phrases.id_of((await submit(server, phrases, PROMPT)).body)
        await server.reach(await _newest(server))
        failed = await fetch(server, phrases, id)
        assert failed.status == 200
        assert phrases.state_of(failed.body) == phrases.failed
        assert phrases.spent_of(failed.body) in (0, None)
        assert await available(server) == 1000

    play(scene, Ticket("up_1"), ContentRefused("content policy violation"))


@each
def test_a_canceled_one_costs_nothing_and_its_late_result_is_dropped(phrases: Phrases) -> None:
    async def scene(server: Running, provider: ScriptedProvider) -> None:
        provider.gate.clear()
        id = phrases.id_of((await submit(server, phrases, PROMPT)).body)
        await asyncio.wait_for(provider.entered.wait(), 10)
        generation_id = await _newest(server)
        owner = await server.engine.principal("rich")
        await server.engine.service.cancel(owner, Cancel(id=generation_id))
        provider.gate.set()
        canceled = await fetch(server, phrases, id)
        assert canceled.status == 200
        assert phrases.state_of(canceled.body) == phrases.canceled
        assert phrases.spent_of(canceled.body) in (0, None)
        assert await available(server) == 1000
        assert (await server.engine.store.get(generation_id)).status is Status.CANCELED

    play(scene, Ticket("up_1"), an_output())


async def _refused(server: Running, phrases: Phrases, name: str) -> Answer:
    if name == "no key":
        return await submit(server, phrases, PROMPT, key="")
    if name == "bad key":
        form = server.engine.dialects[phrases.dialect].key_form
        return await submit(server, phrases, PROMPT, key=form.make())
    if name == "revoked key":
        key = await server.key(phrases.dialect, account="rich")
        found = await server.engine.store.find_key(hash_key(key))
        assert found is not None
        await server.engine.store.revoke_key(found[0].id, found[1].number, now=server.engine.clock.now())
        server.engine.access.forget_keys()
        return await submit(server, phrases, PROMPT)
    if name == "unknown id":
        return await fetch(server, phrases, phrases.no_such_id)
    if name == "another's id":
        await server.account("other", amount=1000)
        theirs = await submit(server, phrases, PROMPT, account="other")
        return await fetch(server, phrases, phrases.id_of(theirs.body))
    if name == "unknown model":
        return await submit(server, phrases, PROMPT, model="nobody/no-such-model")
    if name == "missing prompt":
        return await submit(server, phrases, {})
    if name == "prompt is a number":
        return await submit(server, phrases, {"prompt": 7})
    if name == "duration out of range":
        return await submit(server, phrases, {**PROMPT, "duration": 100_000})
    if name == "not JSON":
        path, _ = phrases.submit(phrases.model, PROMPT)
        headers = {"content-type": "application/json"}
        return await server.ask(
            "POST", path, dialect=phrases.dialect, account="rich", data=b'{"prompt": ', headers=headers
        )
    assert name == "no credits"
    return await submit(server, phrases, PROMPT, account="poor")


@each
@pytest.mark.parametrize(
    "name",
    [
        "no key",
        "bad key",
        "revoked key",
        "unknown id",
        "another's id",
        "unknown model",
        "missing prompt",
        "prompt is a number",
        "duration out of range",
        "not JSON",
        "no credits",
    ],
)
def test_refusals(phrases: Phrases, name: str) -> None:
    async def scene(server: Running, provider: ScriptedProvider) -> None:
        provider.gate.clear()
        refused = await _refused(server, phrases, name)
        status, word = phrases.errors[name]
        assert refused.status == status, refused.body
        if word:
            assert phrases.word_of(refused.body) == word
        assert await available(server) == 1000, "something was held for the one who was refused"
        assert "message" in str(refused.body)

    play(scene, Ticket("up_1"), an_output())
