"""What a caller can make us remember is bounded by more than its number."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from darkroom.web.rendered import Rendered
from tests.core.test_generation import a_generation
from tests.harness import running

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GENERATION = a_generation()


def test_a_long_answer_is_not_kept_for_every_name_that_we_are_called_by() -> None:
    place = ("GET", "/v1/generations/{id}", "http://one.example")
    for size, is_kept in ((1000, True), (1_000_000, False)):
        content = b"x" * size
        rendered: Rendered[bytes] = Rendered()
        rendered.keep(place, GENERATION, content, size_bytes=size, now=NOW)
        assert (rendered.find(place, GENERATION, now=NOW) is content) == is_kept


def test_what_was_told_is_not_told_of_another_state_or_another_day() -> None:
    rendered: Rendered[bytes] = Rendered()
    rendered.keep("here", GENERATION, b"told", size_bytes=4, now=NOW)
    assert rendered.find("here", GENERATION, now=NOW) == b"told"
    marked = msgspec.structs.replace(GENERATION, is_favorite=True)
    assert rendered.find("here", marked, now=NOW) is None
    assert rendered.find("here", GENERATION, now=NOW + timedelta(days=1)) is None
    assert rendered.find("elsewhere", GENERATION, now=NOW) is None


def test_words_without_end_are_refused_and_nothing_is_held() -> None:
    async def act() -> None:
        async with running() as server:
            body = {"model": "aimlapi/alibaba/happyhorse-1-0", "inputs": {"prompt": "x" * 70_000}}
            refused = await server.ask("POST", "/v1/generations", body)
            assert refused.status == 422
            assert "65536 bytes" in refused.body["error"]["message"]
            assert (await server.ask("GET", "/v1/account")).body["held"] == 0

    asyncio.run(act())
