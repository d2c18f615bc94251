"""What was told of ended generations, as it was last sent: it stays the same, byte for byte, for a day."""

from collections.abc import Hashable
from datetime import datetime
from typing import Generic, TypeVar

from darkroom.generation import Generation

MOST = 10_000
LARGEST_BYTES = 16 * 1024
"""What is longer is made anew each time: who reads one under many host names must not fill the memory with it."""

Sent = TypeVar("Sent")


class Rendered(Generic[Sent]):
    """Measured: rendering and encoding is a quarter of a status read, and most reads are repeats; of a thousand streams
    it is half of the time until the last has its end. `place` tells apart what is told of one generation."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Hashable, str], tuple[Generation, int, Sent]] = {}

    def find(self, place: Hashable, generation: Generation, *, now: datetime) -> Sent | None:
        kept = self._kept.get((place, generation.id))
        # The very same object: one that was marked, removed or expired since is another. Links are signed by the day.
        if kept is None or kept[0] is not generation or kept[1] != now.toordinal():
            return None
        return kept[2]

    def keep(self, place: Hashable, generation: Generation, sent: Sent, *, size_bytes: int, now: datetime) -> None:
        if size_bytes > LARGEST_BYTES:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[place, generation.id] = (generation, now.toordinal(), sent)
