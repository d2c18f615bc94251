"""Whose turn it is in a lane: accounts in fair turns, and within an account the more urgent first.

An account that waits stands once in the round, however many it has: one with ten thousand waiting is as far from its
next turn as one with a single one.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field

from darkroom.ports import Turn

Rank = tuple[int, int]
"""Less urgent and later come after: `-priority`, then the generation's number."""

MOST_IDLE = 1_000


@dataclass(slots=True)
class _Account:
    """`is_called` says that it stands in the round."""

    is_called: bool = False
    waiting: dict[str, tuple[Rank, Turn]] = field(default_factory=dict)
    order: list[tuple[Rank, str]] = field(default_factory=list)

    def first(self) -> Turn | None:
        """The most urgent that still waits. What was taken out is still in the order, and is passed over here."""
        while self.order:
            rank, id = self.order[0]
            known = self.waiting.get(id)
            if known is not None and known[0] == rank:
                return known[1]
            heapq.heappop(self.order)
        return None


class Turns:
    """Those that wait in one lane. To add, to take and to remove cost the logarithm of how many wait."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._round: deque[str] = deque()
        self._account_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._account_of)

    def __contains__(self, generation_id: str) -> bool:
        return generation_id in self._account_of

    def add(self, turn: Turn, *, may_run: bool = True) -> None:
        """`may_run` says whether its account may start one more now; one that may not is called by `call`."""
        account = self._accounts.setdefault(turn.account_id, _Account())
        rank = (-turn.priority, turn.number)
        account.waiting[turn.id] = (rank, turn)
        heapq.heappush(account.order, (rank, turn.id))
        self._account_of[turn.id] = turn.account_id
        if may_run:
            self.call(turn.account_id)

    def call(self, account_id: str) -> None:
        """Put an account at the end of the round, where it has some that wait and does not stand there yet."""
        account = self._accounts.get(account_id)
        if account is None or account.is_called or not account.waiting:
            return
        account.is_called = True
        self._round.append(account_id)

    def take(self) -> Turn | None:
        """The next one. Its account stands in no round until it is called again."""
        while self._round:
            account = self._accounts[self._round.popleft()]
            account.is_called = False
            turn = account.first()
            if turn is None:
                continue
            self._forget(turn.id)
            return turn
        return None

    def remove(self, generation_id: str) -> bool:
        """Tells whether it was waiting."""
        if generation_id not in self._account_of:
            return False
        self._forget(generation_id)
        return True

    def position(self, generation_id: str) -> int | None:
        """How many are likely to start before it: as many of its own account, and as many turns of each other one."""
        account_id = self._account_of.get(generation_id)
        if account_id is None:
            return None
        own = self._accounts[account_id].waiting
        rank = own[generation_id][0]
        before = sum(other < rank for other, _ in own.values())
        others = sum(
            min(len(account.waiting), before) for other_id, account in self._accounts.items() if other_id != account_id
        )
        return before + others

    def _forget(self, generation_id: str) -> None:
        account = self._accounts[self._account_of.pop(generation_id)]
        del account.waiting[generation_id]
        if len(account.order) > 2 * len(account.waiting) + 16:
            account.order = sorted((rank, id) for id, (rank, _) in account.waiting.items())
        if len(self._accounts) > 2 * len(self._account_of) + MOST_IDLE:
            self._accounts = {id: known for id, known in self._accounts.items() if known.waiting or known.is_called}
