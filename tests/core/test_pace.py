"""When a provider is asked: expectations worked out by hand from docs/generations.md."""

import asyncio
from collections.abc import Sequence

import pytest

from darkroom.pace import Schedule, Watch
from darkroom.ports import Pace

PACE = Pace(interval_s=4.0, longest_s=30.0)


@pytest.mark.parametrize(
    ("observed_s", "earliest_s", "late_s"),
    [
        ((), 0.0, 225.0),  # twice the catalogue's 90 s, and a quarter more
        ((50.0,) * 19, 0.0, 225.0),
        ((300.0, *(50.0,) * 18), 0.0, 375.0),
        ((50.0,) * 20, 40.0, 62.5),
        ((100.0, *(50.0,) * 20), 40.0, 125.0),
    ],
)
def test_what_is_learnt_from_those_before(observed_s: Sequence[float], earliest_s: float, late_s: float) -> None:
    schedule = Schedule.learnt(observed_s, (45, 90), PACE)
    assert (schedule.earliest_s, schedule.late_s) == (earliest_s, late_s)


@pytest.mark.parametrize(
    ("age_s", "next_s"),
    [
        (0.0, 40.0),  # not before an end is plausible
        (30.0, 10.0),
        (38.0, 4.0),
        (60.0, 4.0),  # every interval while it is to be expected
        (100.0, 4.0),
        (120.0, 6.0),  # 60 s late: a tenth of that
        (1000.0, 30.0),
    ],
)
def test_from_one_look_to_the_next(age_s: float, next_s: float) -> None:
    assert Schedule(PACE, earliest_s=40.0, late_s=60.0).after_look_s(age_s) == next_s


@pytest.mark.parametrize(("misses", "next_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 30.0), (1000, 30.0)])
def test_an_error_is_asked_again_soon_and_then_less_often(misses: int, next_s: float) -> None:
    assert Schedule(PACE).after_miss_s(misses) == next_s


@pytest.mark.parametrize(("asked_s", "given_s"), [(0.0, 1.0), (-5.0, 1.0), (12.0, 12.0), (1e9, 300.0)])
def test_a_provider_s_own_wish_is_kept_within_bounds(asked_s: float, given_s: float) -> None:
    assert Schedule(PACE).bounded_s(asked_s) == given_s


class Hands(asyncio.SelectorEventLoop):
    """A loop whose clock is moved by hand."""

    at = 1000.0

    def time(self) -> float:
        return self.at


def moved(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Hands)
    loop.at += seconds


async def is_due(watch: Watch) -> bool:
    resting = asyncio.ensure_future(watch.rest())
    for _ in range(3):
        await asyncio.sleep(0)
    return resting.done() or resting.cancel() is None


def by_hand(act: object) -> None:
    with asyncio.Runner(loop_factory=Hands) as runner:
        runner.run(act)  # type: ignore[arg-type]


def test_the_interval_counts_from_the_question_not_from_its_answer() -> None:
    async def act() -> None:
        watch = Watch(Schedule(PACE), age_s=0.0, first_s=0.0)
        watch.ask()
        moved(0.5)  # the answer takes its time
        watch.found_unfinished(None)
        moved(3.4)
        assert not await is_due(watch)
        moved(0.2)
        assert await is_due(watch)

    by_hand(act())


def test_a_nudge_is_followed_at_once_but_not_all_the_time() -> None:
    async def act() -> None:
        watch = Watch(Schedule(PACE), age_s=0.0, first_s=4.0)
        moved(2.0)
        resting = asyncio.ensure_future(watch.rest())
        await asyncio.sleep(0)
        watch.nudge()
        await resting
        watch.ask()
        watch.found_unfinished(None)
        watch.nudge()
        assert not await is_due(watch)
        moved(1.1)
        assert await is_due(watch)

    by_hand(act())


def test_a_nudge_that_comes_during_a_look_is_followed_by_another_soon() -> None:
    """The answer on its way may be older than the nudge."""

    async def act() -> None:
        watch = Watch(Schedule(PACE), age_s=0.0, first_s=0.0)
        watch.ask()
        watch.nudge()
        moved(0.9)
        watch.found_unfinished(None)
        moved(0.2)
        assert await is_due(watch)
        watch.ask()
        watch.found_unfinished(None)
        moved(1.1)
        assert not await is_due(watch)

    by_hand(act())


def test_two_errors_and_an_answer() -> None:
    async def act() -> None:
        watch = Watch(Schedule(PACE), age_s=0.0, first_s=0.0)
        for pause_s in (1.0, 2.0):
            watch.ask()
            watch.missed(None)
            moved(pause_s - 0.1)
            assert not await is_due(watch)
            moved(0.2)
            assert await is_due(watch)
        watch.ask()
        watch.missed(60.0)
        moved(59.0)
        assert not await is_due(watch)
        moved(1.1)
        assert await is_due(watch)
        watch.ask()
        watch.found_unfinished(None)
        watch.missed(None)
        moved(1.1)
        assert await is_due(watch)

    by_hand(act())
