"""Answers about ended generations, as they were last sent: they stay the same, byte for byte, for a day."""

from datetime import datetime

from darkroom.generation import Generation
from darkroom.web.respond import Content
from darkroom.wire import Route

MOST = 10_000
LARGEST_BYTES = 16 * 1024
"""A longer answer is made anew each time: who reads one under many host names must not fill the memory with it."""


class Rendered:
    """Measured: rendering and encoding is a quarter of a status read, and most reads are repeats."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str, str], tuple[Generation, int, Content]] = {}

    def find(self, route: Route, generation: Generation, *, url: str, now: datetime) -> Content | None:
        kept = self._kept.get((route.method, route.path, url, generation.id))
        # The very same object: one that was marked, removed or expired since is another.
        if kept is None or kept[0] is not generation or kept[1] != now.toordinal():
            return None
        return kept[2]

    def keep(self, route: Route, generation: Generation, content: Content, *, url: str, now: datetime) -> None:
        if len(content.body) > LARGEST_BYTES:
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[route.method, route.path, url, generation.id] = (generation, now.toordinal(), content)
