"""What an operator is shown of attempts, and of what waits for a word."""

import asyncio
import json
from pathlib import Path

import pytest

from darkroom.clock import SystemClock
from darkroom.credits import credits
from darkroom.errors import InvalidInput
from darkroom.generation import Status
from darkroom.ports import Address, Settlement
from tests.cli.conftest import Folder
from tests.worker.scene import interrupted

AWAY = Address(base_url="https://up.example", credential="studio")


def leave(folder: Path, ticket: str) -> str:
    """What a worker leaves that could not tell what came of a paid call."""

    async def act() -> str:
        async with interrupted(folder) as (store, id):
            now = SystemClock().now()
            await store.begin(id, now=now)
            await store.note_ticket(id, 1, ticket, address=AWAY, sent_at=now, reason="first by weight")
            await store.note_outcome(id, 1, "ambiguous", now=now, detail="the answer was [lost]")
        return id

    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(act())


@pytest.mark.parametrize(
    ("ticket", "advice"), [("", "look at the provider's own records"), ("up_1", "its ticket is looked at")]
)
def test_what_is_ambiguous_is_listed_until_somebody_decides(tmp_path: Path, ticket: str, advice: str) -> None:
    folder = Folder(tmp_path / "data")
    id = leave(folder.path, ticket)
    told = folder.act("attempts", "--ambiguous")
    for words in (id, "reel", "sketch studio", "the answer was [lost]", advice):
        assert words in told
    (held,) = json.loads(folder.act("attempts", "--ambiguous", "--json"))
    assert (held["generation_id"], held["model"], held["provider"], held["credential"]) == (
        id,
        "reel",
        "sketch",
        "studio",
    )
    assert 0 <= held["age_s"] < 60
    assert folder.act("resolve", id, "fail") == f"{id} is failed now\n"
    assert json.loads(folder.act("attempts", "--ambiguous", "--json")) == []


def test_what_was_tried_for_a_generation(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    id = leave(folder.path, "up_1")
    told = folder.act("attempts", id)
    for words in ("sketch studio", "first by weight", "up_1", "ambiguous", "the answer was [lost]"):
        assert words in told
    (attempt,) = json.loads(folder.act("attempts", id, "--json"))
    assert (attempt["number"], attempt["ticket"], attempt["base_url"]) == (1, "up_1", "https://up.example")


@pytest.mark.parametrize("words", [(), ("some-id", "--ambiguous")])
def test_one_or_the_other_is_asked_for(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        Folder(tmp_path / "data").act("attempts", *words)


def test_what_came_in_and_what_was_billed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")

    async def act() -> None:
        async with interrupted(folder.path) as (store, id):
            now = SystemClock().now()
            await store.begin(id, now=now)
            ending = Settlement(status=Status.COMPLETED, used=credits(30), cost_micro_usd=250_000)
            await store.settle(id, 1, ending, now=now)

    folder.path.mkdir(parents=True)
    asyncio.run(act())
    (line,) = json.loads(folder.act("costs", "--json"))["items"]
    assert (line["name"], line["captured"], line["cost_usd"], line["margin_usd"]) == ("reel", 30, 0.25, None)
    told = folder.act("costs", "--by", "provider", "--since", "2020-01-01")
    for words in ("since 2020-01-01 00:00 UTC", "sketch", "30", "$0.25"):
        assert words in told
    priced = folder.run("costs", "--by", "account", DARKROOM_CREDIT_USD="0.05")
    for words in ("ann", "$1.50", "$0.25", "$1.25 (83%)"):
        assert words in priced
