"""Finding a model by any of its names."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from darkroom.catalogue.model import Model, Route
from darkroom.errors import ModelUnavailable, UnknownModel

LONGEST_NAME = 200
"""Comparing names takes time that grows with their length; no model's is as long as this."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A name that a dialect's callers may well ask for and that we do not run."""

    name: str
    dialect: str
    reason: str


class Catalogue:
    """Every model that can be asked for; `models` by slug."""

    def __init__(self, models: Mapping[str, Model], unavailable: Mapping[str, Unavailable]) -> None:
        self._models = dict(models)
        self._unavailable = dict(unavailable)
        self._named: dict[str, dict[str, Model]] = {}
        for model in self._models.values():
            for dialect, names in model.names.items():
                self._named.setdefault(dialect, {}).update(dict.fromkeys(names, model))

    def find(self, name: str, *, dialect: str | None = None) -> Model:
        """By the dialect's own name first, then by slug; raises `UnknownModel`, `ModelUnavailable`."""
        model = self._named.get(dialect or "", {}).get(name) or self._models.get(name)
        if model is not None:
            return model
        absent = self._unavailable.get(name)
        if absent is not None and dialect in (None, "", absent.dialect):
            raise ModelUnavailable(name, absent.reason)
        raise UnknownModel(name[:LONGEST_NAME], near=self._near(name[:LONGEST_NAME], dialect))

    def of(self, dialect: str) -> tuple[Model, ...]:
        """The models that a dialect's callers can name, in the order of their files."""
        return tuple(dict.fromkeys(self._named.get(dialect, {}).values()))

    def joined(self, models: Iterable[Model], routes: Mapping[str, tuple[Route, ...]]) -> "Catalogue":
        """With the models and the routes of the installation's own providers, which take the place of those shipped."""
        joined = {**self._models, **{model.slug: model for model in models}}
        for slug, own in routes.items():
            if slug not in joined:
                raise UnknownModel(slug, near=self._near(slug, None))
            joined[slug] = replace(joined[slug], routes=own)
        return Catalogue(joined, self._unavailable)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def _near(self, name: str, dialect: str | None) -> list[str]:
        known = self._named.get(dialect or "") or self._models
        return difflib.get_close_matches(name, known, n=3)
