"""Many polls in one call: who is told what, also where one of the ids is not known there."""

import asyncio
from collections.abc import Sequence

import pytest

from darkroom.errors import ProviderUnavailable
from darkroom.providers.client import Answer
from darkroom.providers.manifest.batch import Batch, Items
from darkroom.providers.manifest.verdicts import LostThere

ANSWER = Answer(status=200, headers={}, body=b"", value=None)


class Upstream:
    """Refuses a whole question for one id that it does not know."""

    def __init__(self, *known: str, trouble: Exception | None = None) -> None:
        self.known = known
        self.trouble = trouble
        self.asked: list[list[str]] = []

    async def ask(self, ids: Sequence[str]) -> tuple[Answer, Items]:
        self.asked.append(list(ids))
        if self.trouble is not None:
            raise self.trouble
        if not set(ids) <= set(self.known):
            raise LostThere
        return ANSWER, {id: f"the state of {id}" for id in ids}


async def told(batch: Batch, *ids: str) -> list[object]:
    async with asyncio.timeout(120):
        found = await asyncio.gather(*map(batch.poll, ids), return_exceptions=True)
    return [item[1] if isinstance(item, tuple) else type(item) for item in found]


def test_what_is_due_together_is_asked_together() -> None:
    upstream = Upstream("a", "b")
    assert asyncio.run(told(Batch(upstream.ask, most=10), "a", "b")) == ["the state of a", "the state of b"]
    assert upstream.asked == [["a", "b"]]


def test_never_more_at_once_than_it_takes() -> None:
    upstream = Upstream("a", "b", "c")
    asyncio.run(told(Batch(upstream.ask, most=2), "a", "b", "c"))
    assert upstream.asked == [["a", "b"], ["c"]]


def test_an_id_that_is_lost_says_nothing_of_the_others() -> None:
    upstream = Upstream("a", "c")
    found = asyncio.run(told(Batch(upstream.ask, most=10), "a", "b", "c"))
    assert found == ["the state of a", LostThere, "the state of c"]
    assert upstream.asked == [["a", "b", "c"], ["a"], ["b"], ["c"]]


@pytest.mark.parametrize("trouble", [ProviderUnavailable("503"), LostThere(), TypeError("a bug")])
def test_trouble_is_told_to_each(trouble: Exception) -> None:
    upstream = Upstream("a", "b", trouble=trouble)
    assert asyncio.run(told(Batch(upstream.ask, most=10), "a", "b")) == [type(trouble)] * 2
