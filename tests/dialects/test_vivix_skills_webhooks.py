"""Webhooks of Vivix and skills.video as they arrive, verified as their receivers would."""

import asyncio
import hashlib
import hmac
import json

import pytest
from standardwebhooks import Webhook as Verifier

from darkroom.ports import Ticket, Webhook
from darkroom.testing import an_output
from tests.courier.doubles import Letter, Receiver, receiving
from tests.harness import Running, running

pytestmark = pytest.mark.usefixtures("each_database")

DONE = [Ticket("u1"), an_output(name="cat.png")]


async def subscribe(server: Running, dialect: str, url: str) -> str:
    secret = server.engine.dialects[dialect].new_secret()
    webhook = Webhook(
        id=dialect,
        account_id=(await server.engine.store.find_account("default")).id,
        dialect=dialect,
        url=url,
        secret=secret,
        events=(),
        created_at=server.engine.clock.now(),
    )
    await server.engine.store.create_webhook(webhook)
    return secret


async def letters(receiver: Receiver, count: int) -> list[Letter]:
    return [await asyncio.wait_for(receiver.arrivals.get(), 8) for _ in range(count)]


def test_vivix_is_told_once_and_signed() -> None:
    async def story() -> None:
        async with receiving() as receiver, running(DONE, allow_loopback=True) as server:
            secret = await subscribe(server, "vivix", receiver.url())
            body = {"model": "grok-imagine-image-quality", "prompt": "a cat"}
            made = await server.ask("POST", "/api/v1/generate", body, dialect="vivix")
            (letter,) = await letters(receiver, 1)
            assert json.loads(letter.body)["generation_id"] == made.body["generation_id"]
            assert letter.headers["User-Agent"] == "Vivix-Webhook/1.0"
            assert letter.headers["X-Vivix-Event"] == "generation.completed"
            digest = hmac.new(secret.encode(), letter.body, hashlib.sha256).hexdigest()
            assert letter.headers["X-Vivix-Signature"] == f"sha256={digest}"

    asyncio.run(story())


def test_skills_is_told_of_every_step_and_the_official_library_agrees() -> None:
    async def story() -> None:
        async with receiving() as receiver, running(DONE, allow_loopback=True) as server:
            secret = await subscribe(server, "skills", receiver.url())
            await server.ask("POST", "/api/v1/generation/google/nano-banana", {"prompt": "a cat"}, dialect="skills")
            arrived = await letters(receiver, 3)
            verified = [Verifier(secret).verify(letter.body, dict(letter.headers)) for letter in arrived]
            states = {told["type"]: told["prediction"]["state"] for told in verified}
            assert states == {"task.created": "queued", "task.started": "running", "task.completed": "succeeded"}

    asyncio.run(story())
