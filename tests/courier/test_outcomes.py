"""What counts as delivered, what is written down otherwise, and when a delivery goes out again."""

import base64
from datetime import timedelta
from typing import Any

import pytest
import structlog
from standardwebhooks import Webhook

from darkroom.clock import SystemClock

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
        (410, False),
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
