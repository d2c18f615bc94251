"""A plan's calls per minute, hour and day, counted by account: in this process, or among all that share a Redis."""

import time
from collections.abc import Sequence
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from darkroom.account import Plan, Principal
from darkroom.errors import LimitReached
from darkroom.wire import LimitState

WINDOWS: dict[str, type[RateLimitItem]] = {
    "minute": RateLimitItemPerMinute,
    "hour": RateLimitItemPerHour,
    "day": RateLimitItemPerDay,
}


class Limiter(Protocol):
    async def count(self, principal: Principal) -> None:
        """Count one call; raises `LimitReached`, and then counts nothing."""
        ...

    def states(self, principal: Principal) -> Sequence[LimitState]:
        """What is left, as far as this process knows. Asks nobody."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether this process counts as it was told to: with others, where it was."""
        ...

    async def close(self) -> None: ...


class Windows:
    """The limits of each plan, as the library has them."""

    def __init__(self) -> None:
        self._items: dict[str, list[tuple[str, RateLimitItem]]] = {}

    def of(self, plan: Plan) -> list[tuple[str, RateLimitItem]]:
        items = self._items.get(plan.name)
        if items is None:
            items = [(window, WINDOWS[window](limit)) for window, limit in plan.windows.items() if limit is not None]
            self._items[plan.name] = items
        return items


class OwnLimiter:
    """Counts in memory: a restart starts every window anew, and another process counts for itself."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._windows = Windows()

    async def count(self, principal: Principal) -> None:
        account_id = principal.account.id
        items = self._windows.of(principal.plan)
        for window, item in items:
            if not self._limiter.test(item, account_id):
                resets_at, _ = self._limiter.get_window_stats(item, account_id)
                raise over(principal, window, item, resets_at)
        for _, item in items:
            self._limiter.hit(item, account_id)

    def states(self, principal: Principal) -> Sequence[LimitState]:
        states = []
        for window, item in self._windows.of(principal.plan):
            resets_at, remaining = self._limiter.get_window_stats(item, principal.account.id)
            states.append(state_of(window, item, remaining, resets_at))
        return states

    @property
    def is_shared(self) -> bool:
        return True

    async def close(self) -> None:
        pass


def over(principal: Principal, window: str, item: RateLimitItem, resets_at: float) -> LimitReached:
    return LimitReached(
        limit=item.amount,
        window=window,
        plan=principal.plan.name,
        retry_after_s=max(1, int(resets_at - time.time()) + 1),
        title=principal.plan.title,
        limits=principal.plan.windows,
    )


def state_of(window: str, item: RateLimitItem, remaining: int, resets_at: float) -> LimitState:
    return LimitState(window=window, limit=item.amount, remaining=remaining, resets_at_s=int(resets_at) + 1)
