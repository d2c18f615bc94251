"""A model that no provider of this server runs is refused at the door, and nothing is held."""

import asyncio

from darkroom.testing import ScriptedProvider
from tests.harness import running


def test_a_model_without_a_provider_here_is_refused() -> None:
    async def scene() -> None:
        async with running(ScriptedProvider([], name="elsewhere")) as server:
            body = {"model": "kling-v2.1", "inputs": {"prompt": "a flower"}}
            refused = await server.ask("POST", "/v1/generations", body)
            assert refused.status == 404
            assert refused.body["error"]["code"] == "model_unavailable"
            assert "no provider of this server runs it" in refused.body["error"]["message"]
            assert (await server.ask("GET", "/v1/account")).body["held"] == 0

    asyncio.run(scene())
