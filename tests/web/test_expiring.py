"""A word before the end: whoever asked for it is told once that a generation's assets are about to be deleted."""

import asyncio

import msgspec

from darkroom.dialects.native import Native
from darkroom.generation import Notice
from darkroom.testing import FrozenClock, an_output
from tests.dialects.samples import a_delivery
from tests.harness import Running, free_port, rows_of, running


async def told(server: Running) -> list[str]:
    """The states of all messages that have been written, in order."""
    return [event for (event,) in await rows_of(server.engine, "SELECT event FROM delivery ORDER BY number")]


def test_it_is_told_once_and_in_time() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with running([an_output(), an_output()], clock=clock, allow_loopback=True) as server:
            body = {
                "model": "kling-v2.1",
                "inputs": {"prompt": "a crane"},
                "webhook_url": f"http://127.0.0.1:{free_port()}/",
                "expires_after_s": 7200,
            }
            warned = (await server.ask("POST", "/v1/generations", {**body, "warn_before_s": 3600})).body["id"]
            silent = (await server.ask("POST", "/v1/generations", body)).body["id"]
            for id in (warned, silent):
                await server.reach(id)
            before = await told(server)
            assert set(before) == {"running", "completed"}
            clock.advance(3599)
            await server.engine.retention.expire()
            assert await told(server) == before
            clock.advance(1)
            await server.engine.retention.expire()
            await server.engine.retention.expire()
            assert await told(server) == [*before, "expiring"]
            delivery = a_delivery(await server.engine.store.get(warned), state=Notice.EXPIRING)
            message = Native().message(delivery, server.engine.reply())
            assert message is not None
            sent = msgspec.json.decode(message.body)
            assert (sent["type"], sent["data"]["id"]) == ("generation.expiring", warned)
            assert sent["data"]["expires_at"] == "2026-03-08T14:05:00Z"
            clock.advance(3601)
            assert (await server.ask("GET", f"/v1/generations/{warned}")).status == 410
            await server.engine.retention.expire()
            assert await told(server) == [*before, "expiring"]

    asyncio.run(act())


def test_what_is_no_time_is_refused() -> None:
    async def act() -> None:
        async with running() as server:
            for name in ("warn_before_s", "expires_after_s"):
                for value in (0, -1, 1.5, "60", True, 10**12):
                    body = {"model": "kling-v2.1", "inputs": {"prompt": "a crane"}, name: value}
                    refused = await server.ask("POST", "/v1/generations", body)
                    assert (refused.status, refused.body["error"]["problems"][0]["field"]) == (422, name)

    asyncio.run(act())
