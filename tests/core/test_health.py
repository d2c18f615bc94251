"""A circuit, moved by hand: five failures within a minute rest it, a trial closes it or rests it for longer."""

from darkroom.health import Health
from darkroom.testing import FrozenClock


def failing(health: Health, times: int) -> None:
    for _ in range(times):
        health.sending("up")
        health.failed("up")


def test_five_failures_within_a_minute_rest_it() -> None:
    clock = FrozenClock()
    health = Health(clock)
    failing(health, 4)
    assert health.is_well("up")
    failing(health, 1)
    assert not health.is_well("up")
    assert health.is_well("other")
    assert health.resting == {"up": 1}


def test_failures_that_are_far_between_rest_nothing() -> None:
    clock = FrozenClock()
    health = Health(clock)
    for _ in range(20):
        failing(health, 1)
        clock.advance(20)
    assert health.is_well("up")


def test_a_success_forgets_them() -> None:
    health = Health(FrozenClock())
    failing(health, 4)
    health.answered("up")
    failing(health, 4)
    assert health.is_well("up")


def test_after_its_rest_a_single_one_tries() -> None:
    clock = FrozenClock()
    health = Health(clock)
    failing(health, 5)
    clock.advance(14)
    assert not health.is_well("up")
    clock.advance(1)
    assert health.is_well("up")
    health.sending("up")
    assert not health.is_well("up")
    health.answered("up")
    assert health.is_well("up")
    assert health.resting == {}


def test_a_trial_that_fails_rests_it_twice_as_long() -> None:
    clock = FrozenClock()
    health = Health(clock)
    failing(health, 5)
    for rest_s in (15, 30, 60, 120, 240, 300, 300):
        clock.advance(rest_s - 1)
        assert not health.is_well("up")
        clock.advance(1)
        assert health.is_well("up")
        failing(health, 1)


def test_a_trial_that_was_cut_off_does_not_keep_it_resting_for_ever() -> None:
    clock = FrozenClock()
    health = Health(clock)
    failing(health, 5)
    clock.advance(15)
    health.sending("up")
    clock.advance(119)
    assert not health.is_well("up")
    clock.advance(1)
    assert health.is_well("up")


def test_what_was_sent_before_the_rest_and_fails_in_it_does_not_lengthen_it() -> None:
    clock = FrozenClock()
    health = Health(clock)
    failing(health, 5)
    for _ in range(50):
        health.failed("up")
    clock.advance(15)
    assert health.is_well("up")
