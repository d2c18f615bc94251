"""What callers are told to expect: the catalogue's word at first, then what was observed."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from darkroom import catalogue
from darkroom.generation import Generation, Status
from darkroom.history import History
from darkroom.ports import Took
from darkroom.testing import FrozenClock
from tests.core.test_generation import a_generation

NOW = FrozenClock().now()
# Its file says that it takes 45 to 90 s.
QUEUED = replace(a_generation(), model="kling-v2.1", created_at=NOW)
RUNNING = replace(QUEUED, status=Status.RUNNING, started_at=NOW)


def ended(seconds: float, status: Status = Status.COMPLETED) -> Generation:
    return replace(RUNNING, status=status, settled_at=NOW + timedelta(seconds=seconds))


def at(seconds: float) -> object:
    return NOW + timedelta(seconds=seconds)


def test_the_catalogue_is_believed_until_something_was_observed() -> None:
    history = History(catalogue.load())
    assert history.usual_s("kling-v2.1") == 67.5
    history.changed(ended(8))
    assert history.usual_s("kling-v2.1") == 8
    assert history.usual_s("veo-3.1") != 8


def test_the_usual_is_the_middle_of_the_last_fifty() -> None:
    history = History(catalogue.load())
    history.prime([Took("kling-v2.1", "sketch", 1000.0)] * 30 + [Took("kling-v2.1", "sketch", 10.0)] * 20)
    assert history.usual_s("kling-v2.1") == 1000
    for _ in range(30):
        history.changed(ended(10))
    assert history.usual_s("kling-v2.1") == 10


def test_what_was_not_completed_tells_nothing() -> None:
    history = History(catalogue.load())
    for status in (Status.FAILED, Status.CANCELED):
        history.changed(ended(1, status))
    history.changed(RUNNING)
    assert history.usual_s("kling-v2.1") == 67.5


def test_a_model_that_was_taken_out() -> None:
    assert History(catalogue.load()).usual_s("long-gone") == 30


@pytest.mark.parametrize(
    ("generation", "after_s", "retry_s", "end_s"),
    [
        (QUEUED, 0, 10, 10),
        (QUEUED, 100, 10, 110),
        (RUNNING, 0, 10, 10),
        (RUNNING, 7.5, 3, 10),
        (RUNNING, 9.9, 1, 10.89),  # a tenth of its age more, at the least
        (RUNNING, 50, 5, 55),
        (RUNNING, 5000, 30, 5500),
    ],
)
def test_the_end_is_never_expected_in_the_past(
    generation: Generation, after_s: float, retry_s: int, end_s: float
) -> None:
    history = History(catalogue.load())
    history.changed(ended(10))
    now = NOW + timedelta(seconds=after_s)
    assert history.retry_after_s(generation, now) == retry_s
    assert history.outlook(generation, now).expected_end_at == at(end_s)


def test_a_queue_is_reckoned_with_where_there_is_one() -> None:
    history = History(catalogue.load(), rounds_before=lambda generation: (1.5, 3))
    history.changed(ended(10))
    outlook = history.outlook(QUEUED, NOW)
    assert (outlook.stage, outlook.queue_position, outlook.expected_end_at) == ("queued", 3, at(25))
    assert history.outlook(RUNNING, NOW).queue_position is None


@pytest.mark.parametrize(
    ("progress", "stage"), [(None, "starting"), (0.0, "generating"), (0.5, "generating"), (1.0, "storing")]
)
def test_stages(progress: float | None, stage: str) -> None:
    assert History(catalogue.load()).outlook(replace(RUNNING, progress=progress), NOW).stage == stage
    assert History(catalogue.load()).outlook(ended(3), NOW).expected_end_at is None
