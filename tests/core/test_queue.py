"""The dispatcher: lanes, slots, and what it does with what it has already."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from darkroom.ports import Turn
from darkroom.queue import Dispatcher


def a_turn(id: str, *, lane: str = "fast", account: str = "ann", **given: Any) -> Turn:
    """Turns are numbered in the order of their ids' letters."""
    return Turn(id=id, number=given.pop("number", ord(id[0])), lane=lane, account_id=account, **given)


class Hands:
    """A handler that holds each id until it is let go."""

    def __init__(self, queue: Dispatcher) -> None:
        self.queue = queue
        self.began: list[str] = []
        self.ended: list[str] = []
        self.canceled: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.doors: dict[str, asyncio.Event] = {}

    async def handle(self, id: str) -> None:
        self.began.append(id)
        door = self.doors.setdefault(id, asyncio.Event())
        try:
            await door.wait()
        except asyncio.CancelledError:
            self.canceled.append(id)
            raise
        if id in self.faults:
            raise self.faults.pop(id)
        self.ended.append(id)

    def let_go(self, *ids: str) -> None:
        for id in ids:
            self.doors[id].set()


async def breathe() -> None:
    """Let everything that can happen now happen."""
    for _ in range(10):
        await asyncio.sleep(0)


def play(act: Callable[[Hands], Awaitable[None]], *, slots: int = 2) -> None:
    async def run() -> None:
        hands = Hands(Dispatcher({"fast": slots, "slow": 1}))
        hands.queue.start(hands.handle)
        async with asyncio.timeout(5):
            await act(hands)
        await hands.queue.close(limit_s=0)

    asyncio.run(run())


def test_a_lane_has_so_many_slots_first_come_first_served() -> None:
    async def act(hands: Hands) -> None:
        for id in "abcd":
            hands.queue.enqueue(a_turn(id, lane="fast"))
        hands.queue.enqueue(a_turn("s", lane="slow"))
        await breathe()
        assert hands.began == ["a", "b", "s"]
        assert (hands.queue.depths, hands.queue.in_hand) == ({"fast": 2, "slow": 0}, 3)
        assert [hands.queue.position(id) for id in "abcdz"] == [None, None, 0, 1, None]
        hands.let_go("b")
        await breathe()
        assert hands.began == ["a", "b", "s", "c"]
        assert hands.queue.position("d") == 0

    play(act)


def test_what_it_has_it_does_not_take_twice() -> None:
    async def act(hands: Hands) -> None:
        for _ in range(3):
            for id in "ab":
                hands.queue.enqueue(a_turn(id, lane="fast"))
        await breathe()
        assert (hands.began, hands.queue.depths["fast"]) == (["a"], 1)
        hands.let_go("a")
        await breathe()
        hands.queue.enqueue(a_turn("a", lane="fast"))
        hands.doors["b"].set()
        await breathe()
        assert hands.began == ["a", "b", "a"]

    play(act, slots=1)


def test_what_has_no_lane_is_left_to_the_next_sweep() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("a", lane="gone"))
        await breathe()
        assert (hands.began, hands.queue.in_hand) == ([], 0)
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        assert hands.began == ["a"]

    play(act)


def test_what_is_put_off_comes_again_and_no_sooner() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        hands.queue.again("a", after_s=3600, lane="fast")
        hands.let_go("a")
        await breathe()
        hands.queue.enqueue(a_turn("a", lane="fast"))  # as each sweep does
        await breathe()
        assert hands.began == ["a"]
        assert hands.queue.interrupt("a")
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        assert hands.began == ["a", "a"]

    play(act)


def test_what_is_put_off_for_a_moment_comes_by_itself() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        hands.queue.again("a", after_s=0, lane="fast")
        hands.let_go("a")
        await breathe()
        await breathe()
        assert (hands.began, hands.ended) == (["a", "a"], ["a", "a"])

    play(act)


def test_what_comes_again_may_come_in_another_lane() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("s", lane="slow"))
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        hands.queue.again("a", after_s=0, lane="slow")
        hands.let_go("a")
        await breathe()
        await breathe()
        assert (hands.began, hands.queue.depths) == (["s", "a"], {"fast": 0, "slow": 1})
        hands.let_go("s")
        await breathe()
        assert hands.began == ["s", "a", "a"]

    play(act)


def test_interrupt_takes_out_what_waits_and_cancels_what_is_in_hand() -> None:
    async def act(hands: Hands) -> None:
        for id in "ab":
            hands.queue.enqueue(a_turn(id, lane="fast"))
        await breathe()
        assert hands.queue.interrupt("b")
        assert not hands.queue.interrupt("b")
        assert hands.queue.interrupt("a")
        assert not hands.queue.interrupt("a"), "it was told already"
        await breathe()
        assert (hands.began, hands.canceled) == (["a"], ["a"])
        assert (hands.queue.depths["fast"], hands.queue.in_hand) == (0, 0)
        assert not hands.queue.interrupt("a")
        hands.queue.enqueue(a_turn("c", lane="fast"))
        await breathe()
        assert hands.began == ["a", "c"]

    play(act, slots=1)


def test_a_handler_that_stumbles_gives_its_slot_back() -> None:
    async def act(hands: Hands) -> None:
        for id in "ab":
            hands.queue.enqueue(a_turn(id, lane="fast"))
        await breathe()
        hands.faults["a"] = RuntimeError("stumbled")
        hands.let_go("a")
        await breathe()
        assert hands.began == ["a", "b"]

    play(act, slots=1)


def test_nothing_is_handed_out_before_the_start_nor_after_the_close() -> None:
    async def run() -> None:
        hands = Hands(Dispatcher({"fast": 1}))
        hands.queue.enqueue(a_turn("a", lane="fast"))
        hands.queue.enqueue(a_turn("b", lane="fast"))
        await breathe()
        assert hands.began == []
        hands.queue.start(hands.handle)
        await breathe()
        closing = asyncio.ensure_future(hands.queue.close(limit_s=30))
        await breathe()
        hands.let_go("a")
        await closing
        await breathe()
        assert (hands.began, hands.ended, hands.canceled) == (["a"], ["a"], [])

    asyncio.run(run())


def test_close_cancels_what_does_not_end_in_time() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("a", lane="fast"))
        await breathe()
        await hands.queue.close(limit_s=0.01)
        assert (hands.canceled, hands.queue.in_hand) == (["a"], 0)

    play(act)


def test_an_account_runs_no_more_than_its_plan_lets_it_and_others_go_on() -> None:
    async def act(hands: Hands) -> None:
        for id in "abcd":
            hands.queue.enqueue(a_turn(id, run_limit=1))
        hands.queue.enqueue(a_turn("x", account="bob"))
        await breathe()
        assert hands.began == ["a", "x"]
        hands.let_go("a")
        await breathe()
        assert hands.began == ["a", "x", "b"]
        hands.let_go("x")
        await breathe()
        assert hands.began == ["a", "x", "b"], "a free slot is no reason to start a second one"
        assert hands.queue.interrupt("c")
        hands.let_go("b")
        await breathe()
        assert hands.began == ["a", "x", "b", "d"]

    play(act, slots=3)


def test_the_limit_counts_every_lane() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("a", run_limit=1))
        hands.queue.enqueue(a_turn("s", lane="slow", run_limit=1))
        await breathe()
        assert hands.began == ["a"]
        hands.let_go("a")
        await breathe()
        assert hands.began == ["a", "s"]

    play(act)


def test_a_turn_that_was_given_before_the_limit_was_reached_waits_too() -> None:
    async def act(hands: Hands) -> None:
        hands.queue.enqueue(a_turn("x", lane="slow", account="bob"))
        hands.queue.enqueue(a_turn("s", lane="slow", run_limit=1))
        hands.queue.enqueue(a_turn("a", run_limit=1))
        await breathe()
        assert hands.began == ["x", "a"]
        hands.let_go("x")
        await breathe()
        assert hands.began == ["x", "a"]
        hands.let_go("a")
        await breathe()
        assert hands.began == ["x", "a", "s"]

    play(act)
