"""A double of a store that stands around a real one, on either database."""

from typing import Any

from darkroom.ports import Store


class Around:
    """What it does not define itself, the store within does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
