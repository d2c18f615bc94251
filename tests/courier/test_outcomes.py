"""What counts as delivered, what is written down otherwise, and when a delivery goes out again."""

import base64
from datetime import timedelta
from typing import Any

import pytest
import structlog
from standardwebhooks import Webhook

from darkroom.clock import SystemClock
from darkroom.patience import USUAL_SCHEDULE_S, Outcome, jitter, next_try_at

from .doubles import NOON, FrozenClock, a_delivery
from .scene import a_scene, look_again, play


@pytest.mark.parametrize(
    ("status", "is_done"),
    [
        (200, True),
        (201, True),
        (204, True),
        (301, False),
        (302, False),
        (304, False),
        (307, False),
        (400, False),
        (404, False),
        (500, False),
    ],
)
def test_two_hundreds_and_nothing_else_are_delivered(status: int, is_done: bool) -> None:
    async def act() -> None:
        async with a_scene(status) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert row.outcomes == [f"answered {status}"]
            assert row.is_done is is_done
            assert row.due_at == (None if is_done else NOON + timedelta(seconds=5))
            assert [letter.path for letter in scene.receiver.letters] == ["/hook"]
            assert scene.receiver.letters[0].body == b"completed"

    play(act)


def test_what_is_gone_is_given_up_at_once_and_nothing_more_is_sent_there() -> None:
    async def act() -> None:
        async with a_scene(410) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert (row.due_at, row.is_done, row.disable_why) == (None, False, "it answered 410 Gone")

    play(act)


@pytest.mark.parametrize(
    ("status", "retry_after", "wait_s"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, "2", 5),
        (503, "Fri, 20 Nov 2026 12:10:00 GMT", 600),
        (503, "Fri, 20 Nov 2026 11:00:00 GMT", 5),
        (429, "999999999999", 3600),
        (429, "soon", 5),
        (429, "-9", 5),
        (500, "120", 5),
    ],
)
def test_a_receiver_that_asks_for_a_rest_gets_one(status: int, retry_after: str, wait_s: int) -> None:
    async def act() -> None:
        async with a_scene(status, retry_after=retry_after) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert row.due_at == NOON + timedelta(seconds=wait_s)

    play(act)


def test_while_a_receiver_rests_its_other_messages_wait_and_lose_no_try() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with a_scene(503, 200, clock=clock, retry_after="60") as scene:
            first = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            second = scene.outbox.add(a_delivery("d2", scene.receiver.url()))
            elsewhere = scene.outbox.add(a_delivery("d3", scene.receiver.url("/other")))
            scene.courier.wake()
            assert await scene.outbox.notes.get() == "d3"
            assert elsewhere.is_done
            assert second.due_at == first.due_at == NOON + timedelta(seconds=60)
            assert (second.delivery.tries, second.outcomes) == (0, [])
            clock.advance(60)
            scene.courier.wake()
            assert {await scene.outbox.notes.get(), await scene.outbox.notes.get()} == {"d1", "d2"}
            assert (first.is_done, second.is_done) == (True, True)

    play(act)


def test_each_try_is_logged_as_it_went_out() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with a_scene(500, 200, clock=clock) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            nowhere = scene.outbox.add(a_delivery("d2", "http://10.0.0.1/"))
            scene.courier.wake()
            assert {await scene.outbox.notes.get(), await scene.outbox.notes.get()} == {"d1", "d2"}
            clock.advance(5)
            scene.courier.wake()
            assert {await scene.outbox.notes.get(), await scene.outbox.notes.get()} == {"d1", "d2"}
            assert [(made.at, made.status, made.outcome) for made in row.tries] == [
                (NOON, 500, "answered 500"),
                (NOON + timedelta(seconds=5), 200, "answered 200"),
            ]
            assert [(made.headers, made.body) for made in row.tries] == [({"Webhook-Id": "d1"}, "completed")] * 2
            assert [made.status for made in nowhere.tries] == [None, None]

    play(act)


def test_the_schedule_is_stretched_by_a_tenth_at_most() -> None:
    outcome = Outcome(is_done=False, text="answered 500", status=500)

    def wait_s(stretch: float) -> float:
        due_at = next_try_at(outcome, tries=2, schedule_s=USUAL_SCHEDULE_S, now=NOON, stretch=lambda: stretch)
        assert due_at is not None
        return (due_at - NOON).total_seconds()

    assert (wait_s(0.9), wait_s(1.0), wait_s(1.1)) == (1620, 1800, 1980)
    drawn = [jitter() for _ in range(1000)]
    assert 0.9 <= min(drawn) < 0.95 < 1.05 < max(drawn) <= 1.1


def test_a_failed_delivery_goes_out_again_when_it_is_due_under_the_same_id() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with a_scene(500, 200, clock=clock) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            clock.advance(4.9)
            await look_again(scene)
            assert len(scene.receiver.letters) == 1
            clock.advance(0.1)
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert [letter.id for letter in scene.receiver.letters] == ["d1", "d1"]
            assert row.outcomes == ["answered 500", "answered 200"]
            assert row.is_done

    play(act)


def test_after_the_last_try_a_delivery_is_given_up() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with a_scene(503, clock=clock) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            for wait_s in (5, 300, 1800, 7200, 18000, 36000, 36000):
                scene.courier.wake()
                await scene.outbox.notes.get()
                assert row.due_at == clock.now() + timedelta(seconds=wait_s)
                clock.advance(wait_s)
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert (row.due_at, row.is_done, row.delivery.tries) == (None, False, 8)
            assert len({letter.id for letter in scene.receiver.letters}) == 1

    play(act)


def test_a_dialect_may_have_a_schedule_of_its_own() -> None:
    async def act() -> None:
        clock = FrozenClock()
        schedules = {"plain": (0.1,), "mute": ()}
        async with a_scene(500, clock=clock, schedule_for=schedules.__getitem__) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert row.due_at == NOON + timedelta(seconds=0.1)
            clock.advance(0.1)
            scene.courier.wake()
            await scene.outbox.notes.get()
            assert row.due_at is None

    play(act)


@pytest.mark.parametrize(
    ("url", "dialect", "outcome", "is_done"),
    [
        ("http://10.0.0.1/hook", "plain", "must be reachable from the public internet", False),
        ("ftp://hooks.example/", "plain", "must start with http:// or https://", False),
        ("http://[::1", "plain", "must be a URL", False),
        ("http://127.0.0.1:1/", "broken", "internal error", False),
        ("http://127.0.0.1:1/", "unknown", "internal error", False),
        ("http://127.0.0.1:1/", "mute", "not sent", True),
    ],
)
def test_what_does_not_go_out_is_noted_and_holds_nothing_up(
    url: str, dialect: str, outcome: str, is_done: bool
) -> None:
    async def act() -> None:
        async with a_scene() as scene:
            row = scene.outbox.add(a_delivery("d1", url, dialect=dialect))
            other = scene.outbox.add(a_delivery("d2", scene.receiver.url()))
            scene.courier.wake()
            assert {await scene.outbox.notes.get(), await scene.outbox.notes.get()} == {"d1", "d2"}
            assert row.outcomes == [outcome]
            assert row.is_done is is_done
            assert row.due_at == (None if is_done else NOON + timedelta(seconds=5))
            assert other.is_done
            assert len(scene.receiver.letters) == 1

    play(act)


def test_the_standard_webhooks_library_accepts_the_signature() -> None:
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()

    async def act() -> None:
        async with a_scene(clock=SystemClock()) as scene:
            scene.outbox.add(a_delivery("d1", scene.receiver.url(), dialect="signed", secret=secret))
            scene.courier.wake()
            letter = await scene.receiver.arrivals.get()
            told: Any = Webhook(secret).verify(letter.body, dict(letter.headers))
            assert told == {"type": "generation.completed"}
            assert letter.id == "d1"

    play(act)


def test_the_log_names_the_host_and_no_secret() -> None:
    async def act() -> None:
        async with a_scene(500) as scene:
            url = scene.receiver.url("/hook/path-token?key=query-token", host="hooks.example")
            scene.outbox.add(a_delivery("d1", url, secret="hook-secret"))
            scene.courier.wake()
            await scene.outbox.notes.get()
            await look_again(scene)

    with structlog.testing.capture_logs() as entries:
        play(act)
    (entry,) = [entry for entry in entries if entry["event"] == "webhook failed"]
    assert entry["host"] == "hooks.example"
    assert entry["delivery"] == "d1"
    assert not any(secret in str(entries) for secret in ("path-token", "query-token", "hook-secret"))
