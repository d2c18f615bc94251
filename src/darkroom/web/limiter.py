"""A plan's calls per minute, hour and day, counted by account."""

import time
from collections.abc import Sequence

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


class Limiter:
    """Counts in memory: a restart starts every window anew."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items: dict[str, list[tuple[str, RateLimitItem]]] = {}

    def count(self, principal: Principal) -> None:
        """Count one call; raises `LimitReached`, and then counts nothing."""
        account_id = principal.account.id
        items = self._of(principal.plan)
        for window, item in items:
            if not self._limiter.test(item, account_id):
                resets_at, _ = self._limiter.get_window_stats(item, account_id)
                retry_after_s = max(1, int(resets_at - time.time()) + 1)
                raise LimitReached(
                    limit=item.amount,
                    window=window,
                    plan=principal.plan.name,
                    retry_after_s=retry_after_s,
                    title=principal.plan.title,
                    limits=principal.plan.windows,
                )
        for _, item in items:
            self._limiter.hit(item, account_id)

    def states(self, principal: Principal) -> Sequence[LimitState]:
        states = []
        for window, item in self._of(principal.plan):
            resets_at, remaining = self._limiter.get_window_stats(item, principal.account.id)
            states.append(
                LimitState(window=window, limit=item.amount, remaining=remaining, resets_at_s=int(resets_at) + 1)
            )
        return states

    def _of(self, plan: Plan) -> list[tuple[str, RateLimitItem]]:
        items = self._items.get(plan.name)
        if items is None:
            items = [(window, WINDOWS[window](limit)) for window, limit in plan.windows.items() if limit is not None]
            self._items[plan.name] = items
        return items
