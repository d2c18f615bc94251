"""How long the command line stands by a generation that nobody seems to work on: a restart takes a while."""

import asyncio
import random
import time

from darkroom.errors import DarkroomError

PATIENCE_S = 120.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 3.0


class GaveUp(DarkroomError):
    """Whoever did the work is gone, and has not come back. The generation is kept as it is."""


class Patience:
    """Runs out once there has been no sign for `limit_s` seconds. `complaint` is what is said then."""

    def __init__(self, limit_s: float, complaint: str) -> None:
        self._limit_s = limit_s
        self._complaint = complaint
        self.renew()

    def renew(self) -> None:
        """There was a sign."""
        self._since = time.monotonic()
        self._pause_s = FIRST_PAUSE_S

    async def rest(self) -> None:
        """Pause before the next try, longer each time; raises `GaveUp`."""
        self.check()
        # Spread, or all who were cut off by one restart come back in the same instant.
        await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def check(self) -> None:
        if time.monotonic() - self._since > self._limit_s:
            raise GaveUp(self._complaint)
