"""Webhooks on their way: how many at once, that nobody waits for a slow receiver, and that none is sent twice over."""

import asyncio
from datetime import UTC, datetime, timedelta

from darkroom.clock import SystemClock

from .doubles import NOON, a_delivery
from .scene import a_scene, look, look_again, play


def test_a_slow_receiver_holds_up_nobody_but_itself() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            scene.receiver.door.clear()
            for number in range(40):
                scene.outbox.add(a_delivery(f"slow-{number}", scene.receiver.url("/slow", host="slow.example")))
            scene.outbox.add(a_delivery("quick", scene.receiver.url(host="quick.example")))
            scene.courier.wake()
            assert await scene.outbox.notes.get() == "quick"
            assert scene.receiver.waiting <= 4
            scene.receiver.door.set()
            assert {await scene.outbox.notes.get() for _ in range(40)} == {f"slow-{number}" for number in range(40)}

    play(act)


def test_a_slow_receiver_with_more_than_a_hand_holds_up_nobody_either() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            scene.receiver.door.clear()
            for number in range(1500):
                scene.outbox.add(a_delivery(f"slow-{number}", scene.receiver.url("/slow", host="slow.example")))
            scene.outbox.add(a_delivery("quick", scene.receiver.url(host="quick.example")))
            scene.courier.wake()
            assert await scene.outbox.notes.get() == "quick"
            scene.receiver.door.set()
            for _ in range(1500):
                await scene.outbox.notes.get()
            assert len(scene.receiver.letters) == 1501

    play(act)


def test_two_hundred_and_fifty_six_are_on_their_way_at_once() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            scene.receiver.door.clear()
            for number in range(300):
                scene.outbox.add(a_delivery(f"d{number}", scene.receiver.url("/slow", host=f"h{number}.example")))
            scene.courier.wake()
            for _ in range(256):
                await scene.receiver.arrivals.get()
            scene.receiver.door.set()
            for _ in range(300):
                await scene.outbox.notes.get()
            assert scene.receiver.most_waiting == 256

    play(act)


def test_a_delivery_that_is_on_its_way_is_not_sent_again() -> None:
    """Its row is due until it is noted, and stands in an answer that was made before that and comes after it."""

    async def act() -> None:
        async with a_scene() as scene:
            scene.receiver.door.clear()
            scene.outbox.add(a_delivery("d1", scene.receiver.url("/slow")))
            scene.courier.wake()
            await scene.receiver.arrivals.get()
            await look_again(scene)
            scene.outbox.gate.clear()
            await look(scene)
            scene.receiver.door.set()
            await scene.outbox.notes.get()
            scene.outbox.add(a_delivery("d2", scene.receiver.url()))
            scene.outbox.gate.set()
            scene.courier.wake()
            assert await scene.outbox.notes.get() == "d2"
            await look_again(scene)
            assert [letter.id for letter in scene.receiver.letters] == ["d1", "d2"]

    play(act)


def test_what_is_due_later_goes_out_without_a_wake() -> None:
    async def act() -> None:
        async with a_scene(clock=SystemClock()) as scene:
            scene.outbox.add(a_delivery("d1", scene.receiver.url()), due_at=datetime.now(UTC) + timedelta(seconds=0.1))
            scene.courier.wake()
            assert (await scene.receiver.arrivals.get()).id == "d1"

    play(act)


def test_a_retry_goes_out_without_a_wake() -> None:
    async def act() -> None:
        async with a_scene(500, 200, clock=SystemClock(), schedule_for=lambda dialect: (0.1,)) as scene:
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            async with asyncio.timeout(3):
                assert {await scene.outbox.notes.get(), await scene.outbox.notes.get()} == {"d1"}
            assert row.is_done

    play(act)


def test_more_than_a_handful_goes_out_without_a_wake() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            for number in range(1001):
                scene.outbox.add(a_delivery(f"d{number}", "http://media.example/", dialect="mute"))
            scene.courier.wake()
            async with asyncio.timeout(3):
                assert len({await scene.outbox.notes.get() for _ in range(1001)}) == 1001

    play(act)


def test_a_thousand_changes_that_may_have_left_something_are_few_looks() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            await scene.outbox.looks.get()
            loop = asyncio.get_running_loop()
            began = loop.time()
            for _ in range(1000):
                scene.courier.stir()
                await asyncio.sleep(0)
            scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.stir()
            assert (await scene.receiver.arrivals.get()).id == "d1"
            # Fifty a second, the one that sent it, and the one after a message that has arrived.
            assert scene.outbox.looks.qsize() <= (loop.time() - began) * 50 + 2

    play(act)


def test_what_could_not_be_noted_goes_out_again() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            scene.outbox.note_faults.append(OSError("disk"))
            scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            await scene.receiver.arrivals.get()
            while scene.outbox.note_faults:
                await look_again(scene)
            await look_again(scene)
            assert await scene.outbox.notes.get() == "d1"
            assert [letter.id for letter in scene.receiver.letters] == ["d1", "d1"]

    play(act)


def test_an_outbox_that_cannot_be_read_is_looked_into_again() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            await scene.outbox.looks.get()
            scene.outbox.faults.append(OSError("disk"))
            await look(scene)
            scene.outbox.add(a_delivery("d1", scene.receiver.url()))
            scene.courier.wake()
            assert await scene.outbox.notes.get() == "d1"

    play(act)


def test_close_leaves_what_is_on_its_way_in_the_outbox() -> None:
    async def act() -> None:
        async with a_scene() as scene:
            scene.receiver.door.clear()
            row = scene.outbox.add(a_delivery("d1", scene.receiver.url("/slow")))
            scene.courier.wake()
            await scene.receiver.arrivals.get()
            await scene.courier.close()
            assert (row.due_at, row.outcomes) == (NOON, [])

    play(act)
