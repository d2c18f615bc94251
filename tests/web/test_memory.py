"""What a caller can make us remember is bounded by more than its number."""

import asyncio
from datetime import UTC, datetime

from darkroom.dialects import DIALECTS
from darkroom.web.rendered import Rendered
from darkroom.web.respond import Content
from tests.core.test_generation import a_generation
from tests.harness import running

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GENERATION = a_generation()


def test_a_long_answer_is_not_kept_for_every_name_that_we_are_called_by() -> None:
    route = DIALECTS[0].routes[0]
    for size, is_kept in ((1000, True), (1_000_000, False)):
        content = Content(200, [], b"x" * size)
        rendered = Rendered()
        rendered.keep(route, GENERATION, content, url="http://one.example", now=NOW)
        assert (rendered.find(route, GENERATION, url="http://one.example", now=NOW) is content) == is_kept


def test_words_without_end_are_refused_and_nothing_is_held() -> None:
    async def act() -> None:
        async with running() as server:
            body = {"model": "aimlapi/alibaba/happyhorse-1-0", "inputs": {"prompt": "x" * 70_000}}
            refused = await server.ask("POST", "/v1/generations", body)
            assert refused.status == 422
            assert "65536 bytes" in refused.body["error"]["message"]
            assert (await server.ask("GET", "/v1/account")).body["held"] == 0

    asyncio.run(act())
