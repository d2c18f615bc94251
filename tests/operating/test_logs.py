"""Every line that is written about a generation says which."""

import asyncio
import logging

import structlog

from darkroom.errors import ProviderUnavailable
from darkroom.ports import Output, Work
from darkroom.testing import an_output
from tests.harness import running
from tests.web.scene import a_video_at

log = structlog.get_logger("a provider")


def talkative(work: Work) -> Output:
    log.info("painting")
    return an_output()(work)


def test_a_line_that_knows_nothing_of_generations_has_the_id() -> None:
    async def run() -> list[tuple[str, object]]:
        lines: list[tuple[str, object]] = []

        def keep(logger: object, name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
            lines.append((str(line["event"]), line.get("generation")))
            raise structlog.DropEvent

        before = structlog.get_config()
        # Every level: whatever ran before may have asked for fewer.
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, keep],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )
        try:
            async with running([ProviderUnavailable("refused"), talkative]) as server:
                id = await a_video_at(server)
                await server.reach(id)
                assert ("painting", id) in lines
                assert ("settled", id) in lines
                other = await a_video_at(server)
                assert other != id
        finally:
            structlog.configure(**before)
        return lines

    lines = asyncio.run(run())
    assert [event for event, generation in lines if event in ("painting", "settled") and generation is None] == []
