"""Whose turn it is: fair between accounts, by urgency within one, and nobody lost."""

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from darkroom.ports import Turn
from darkroom.turns import Turns


def a_turn(number: int, account: str = "ann", priority: int = 0) -> Turn:
    return Turn(id=f"{account}{number}", number=number, lane="l", account_id=account, priority=priority)


def take(turns: Turns) -> str:
    """One turn, and its account is called again, as a lane does whose accounts have no limits."""
    turn = turns.take()
    assert turn is not None
    turns.call(turn.account_id)
    return turn.id


def test_ten_thousand_of_one_account_do_not_stand_before_another_s_first() -> None:
    turns = Turns()
    for number in range(10_000):
        turns.add(a_turn(number, "ann"))
    for _ in range(50):
        assert take(turns).startswith("ann")
    turns.add(a_turn(10_000, "bob"))
    assert turns.position("bob10000") == 0
    assert "bob10000" in (take(turns), take(turns))


def test_accounts_take_turns_however_many_each_has() -> None:
    turns = Turns()
    for account, many in (("ann", 6), ("bob", 2), ("cid", 4)):
        for number in range(many):
            turns.add(a_turn(number, account))
    order = [take(turns)[:3] for _ in range(12)]
    assert order == ["ann", "bob", "cid"] * 2 + ["ann", "cid"] * 2 + ["ann"] * 2


def test_who_comes_back_gets_nothing_for_the_time_away() -> None:
    turns = Turns()
    turns.add(a_turn(0, "bob"))
    for number in range(9):
        turns.add(a_turn(number, "ann"))
    for _ in range(6):
        take(turns)
    for number in range(1, 4):
        turns.add(a_turn(number, "bob"))
    order = [take(turns)[:3] for _ in range(6)]
    assert order.count("bob") == 3
    assert order[0] == "ann" or order[1] == "ann"
    assert "bobbobbob" not in "".join(order)


def test_the_more_urgent_of_an_account_goes_first_and_others_turns_stay() -> None:
    turns = Turns()
    for number, priority in enumerate((0, -1, 1, 0, 1)):
        turns.add(a_turn(number, "ann", priority))
    turns.add(a_turn(9, "bob", -1))
    assert [take(turns) for _ in range(6)] == ["ann2", "bob9", "ann4", "ann0", "ann3", "ann1"]


def test_what_is_taken_out_is_never_given() -> None:
    turns = Turns()
    for number in range(100):
        turns.add(a_turn(number))
    for number in range(0, 100, 2):
        assert turns.remove(f"ann{number}")
        assert not turns.remove(f"ann{number}")
    assert turns.position("ann5") == 2
    assert [take(turns) for _ in range(50)] == [f"ann{number}" for number in range(1, 100, 2)]
    assert turns.take() is None
    assert len(turns) == 0


def test_an_account_that_was_not_called_waits() -> None:
    turns = Turns()
    turns.add(a_turn(1), may_run=False)
    assert turns.take() is None
    turns.call("ann")
    turns.call("ann")
    assert take(turns) == "ann1"
    turns.call("nobody")
    assert turns.take() is None


class Everything(RuleBasedStateMachine):
    """Against a model that keeps a plain list: the same waiting, the best of each account, nobody twice."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns()
        self.waiting: dict[str, Turn] = {}
        self.numbers = count()

    added = Bundle("added")

    @rule(target=added, account=st.sampled_from("abc"), priority=st.sampled_from([-1, 0, 1]))
    def add(self, account: str, priority: int) -> str:
        turn = a_turn(next(self.numbers), account, priority)
        self.turns.add(turn)
        self.waiting[turn.id] = turn
        return turn.id

    @rule()
    def take(self) -> None:
        turn = self.turns.take()
        if turn is None:
            assert not self.waiting
            return
        own = [other for other in self.waiting.values() if other.account_id == turn.account_id]
        assert turn is min(own, key=lambda other: (-other.priority, other.number))
        del self.waiting[turn.id]
        self.turns.call(turn.account_id)

    @rule(id=consumes(added))
    def remove(self, id: str) -> None:
        assert self.turns.remove(id) == (self.waiting.pop(id, None) is not None)

    @invariant()
    def as_many_wait(self) -> None:
        assert len(self.turns) == len(self.waiting)


TestEverything = Everything.TestCase
TestEverything.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("accounts", [5_000])
def test_accounts_that_are_long_gone_are_forgotten(accounts: int) -> None:
    turns = Turns()
    for number in range(accounts):
        turns.add(a_turn(number, f"account {number} "))
        take(turns)
    assert len(turns._accounts) < 2_000
