"""Generations that were read or written lately, as they are on the disk: polling one costs no query."""

from collections.abc import Iterable

from darkroom.generation import Generation
from darkroom.verbs import Reference

MOST = 5_000


class Recent:
    """Every verb puts in here what it has committed, so that what is found here is never older than the last answer."""

    def __init__(self) -> None:
        self._by_id: dict[str, Generation] = {}
        self._by_number: dict[int, Generation] = {}

    def find(self, reference: Reference) -> Generation | None:
        if isinstance(reference, int):
            return self._by_number.get(reference)
        return self._by_id.get(reference)

    def keep(self, generation: Generation) -> Generation:
        if len(self._by_id) >= MOST and generation.id not in self._by_id:
            # The oldest goes: a dictionary keeps the order of arrival.
            oldest = self._by_id.pop(next(iter(self._by_id)))
            self._by_number.pop(oldest.number, None)
        self._by_id[generation.id] = generation
        self._by_number[generation.number] = generation
        return generation

    def drop(self, generation_ids: Iterable[str]) -> None:
        for generation_id in generation_ids:
            known = self._by_id.pop(generation_id, None)
            if known is not None:
                self._by_number.pop(known.number, None)

    def forget(self) -> None:
        self._by_id.clear()
        self._by_number.clear()
