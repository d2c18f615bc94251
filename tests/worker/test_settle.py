"""One attempt settles exactly once, whatever the provider does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from darkroom.attempts import Rules
from darkroom.errors import (
    Ambiguous,
    ContentRefused,
    ProviderRejected,
    ProviderTimedOut,
    ProviderUnavailable,
)
from darkroom.generation import Status
from darkroom.ports import Output, Pending, Produced, Ticket, Work
from darkroom.testing import FrozenClock, Step, an_output
from tests.worker.scene import interrupted, play, working

GIVE_UP = Rules(max_attempts=3, limit_s=20.0, when_ambiguous="fail", hold_s=3600.0, retry_s=0.0)
SOON = Pending(after_s=0.0)
UP = Ticket("up_1")
UNAVAILABLE = ProviderUnavailable("connection refused")


def a_bug(work: Work) -> Output:
    raise RuntimeError("a bug in a provider")


CASES: list[tuple[str, list[Step], Status, str | None, int, int]] = [
    ("at once", [an_output(used=25_000_000)], Status.COMPLETED, None, 25, 1),
    ("after polling", [UP, SOON, SOON, an_output(used=25_000_000)], Status.COMPLETED, None, 25, 1),
    ("the whole quote", [UP, an_output()], Status.COMPLETED, None, 40, 1),
    ("more than the quote", [UP, an_output(used=60_000_000)], Status.COMPLETED, None, 40, 1),
    ("nothing used", [UP, an_output(used=0)], Status.COMPLETED, None, 0, 1),
    ("refused at the door", [ContentRefused("no")], Status.FAILED, "content_refused", 0, 1),
    ("refused while made", [UP, SOON, ContentRefused("no")], Status.FAILED, "content_refused", 0, 1),
    ("rejected", [ProviderRejected("no such model")], Status.FAILED, "provider_rejected", 0, 1),
    ("too late for the provider", [UP, ProviderTimedOut("too slow")], Status.FAILED, "provider_timed_out", 0, 1),
    ("not sent once", [UNAVAILABLE, UP, an_output()], Status.COMPLETED, None, 40, 2),
    ("never sent", [UNAVAILABLE] * 3, Status.FAILED, "provider_unavailable", 0, 3),
    ("out of reach while made", [UP, *[UNAVAILABLE] * 3, an_output()], Status.COMPLETED, None, 40, 1),
    ("lost", [Ambiguous("the answer was lost")], Status.FAILED, "ambiguous", 0, 1),
    ("a bug at the start", [a_bug], Status.FAILED, "ambiguous", 0, 1),
    ("a bug while made", [UP, SOON, a_bug], Status.FAILED, "ambiguous", 0, 1),
]


@pytest.mark.parametrize(
    ("script", "status", "cause", "spent", "attempts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_one_attempt_settles_exactly_once(
    tmp_path: Path, script: Sequence[Step], status: Status, cause: str | None, spent: int, attempts: int
) -> None:
    async def act() -> None:
        async with working(tmp_path, script, rules=GIVE_UP) as scene:
            id = await scene.submit()
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (status, attempts)
            assert (ended.cause.code if ended.cause else None) == cause
            assert await scene.books() == (100 - spent, 0, spent)
            moves = await scene.rows("SELECT kind, count(*) FROM entry WHERE generation_id IS NOT NULL GROUP BY kind")
            moved = {"hold": 1} | ({"capture": 1} if spent else {}) | ({"release": 1} if spent < 40 else {})
            assert dict(moves) == moved
            told = await scene.rows("SELECT count(*) FROM event WHERE status IN ('completed', 'failed', 'canceled')")
            assert told == [(1,)]

    play(act)


def test_a_result_is_stored_before_it_is_told(tmp_path: Path) -> None:
    async def act() -> None:
        async with working(tmp_path, [UP, an_output(content=b"moving pictures")]) as scene:
            ended = await scene.reach(await scene.submit())
            await scene.idle()
            (asset,) = ended.outputs
            assert (asset.media_type, asset.size_bytes, asset.duration_s) == ("video/mp4", 15, 5.0)
            assert (tmp_path / "assets" / asset.key).read_bytes() == b"moving pictures"
            assert list((tmp_path / "work").iterdir()) == []

    play(act)


def test_several_outputs_with_thumbnails(tmp_path: Path) -> None:
    def three(work: Work) -> Output:
        made = []
        for index in range(3):
            picture, small = work.folder / f"{index}.png", work.folder / f"{index}.jpg"
            picture.write_bytes(b"picture %d" % index)
            small.write_bytes(b"small %d" % index)
            made.append(Produced(path=picture, media_type="image/png", width=8, height=4, thumbnail=small))
        return Output(files=tuple(made))

    async def act() -> None:
        async with working(tmp_path, [three]) as scene:
            ended = await scene.reach(await scene.submit())
            assert len({asset.key for asset in ended.outputs}) == 3
            for index, asset in enumerate(ended.outputs):
                assert (tmp_path / "assets" / asset.key).read_bytes() == b"picture %d" % index
                assert asset.thumbnail is not None
                assert (tmp_path / "assets" / asset.thumbnail).read_bytes() == b"small %d" % index
            assert await scene.books() == (60, 0, 40)

    play(act)


def test_tries_cut_off_by_a_restart_do_not_use_up_those_of_an_unreachable_provider(tmp_path: Path) -> None:
    async def act() -> None:
        now = FrozenClock().now()
        async with interrupted(tmp_path) as (store, id):
            for _ in range(3):
                await store.begin(id, now=now)
                await store.rescue(now=now)
        async with working(tmp_path, [UNAVAILABLE, UNAVAILABLE, UP, an_output()]) as scene:
            ended = await scene.reach(id)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 6)

    play(act)
