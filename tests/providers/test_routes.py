"""What the shipped manifests say that they run, against the catalogue's own models."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from darkroom.catalogue import Catalogue, Model, Route, load
from darkroom.providers.configured import Configured, read_files
from darkroom.providers.manifest.reading import SHIPPED, shipped
from darkroom.routing import lack
from tests.catalogue.test_shipped import least

BY_PATTERN = {"darkroom"}
"""Runs every model, so that it has nothing to say of single ones."""

NONE = {"comfyui", "openai-videos", "stability-upscale"}
"""Whose models are those of the one who sets it up."""


@cache
def every() -> tuple[Configured, Catalogue]:
    """All of them set up at once."""
    configured = read_files([Path(str(SHIPPED)) / f"{name}.toml" for name in shipped()])
    return configured, configured.join(load())


def routes() -> Iterator[tuple[Model, Route]]:
    for model in every()[1]:
        for route in model.routes:
            yield model, route


def test_all_at_once_they_join_the_catalogue_and_each_has_its_models() -> None:
    configured, joined = every()
    assert len(configured.manifests) == len(shipped())
    assert {model.slug for model in load()} <= {model.slug for model in joined}
    assert {route.provider for _, route in routes()} == set(shipped()) - NONE
    # Nobody pays for a real model and gets a sketch.
    assert all(route.provider != "sketch" for _, route in routes())


@pytest.mark.parametrize("name", sorted(set(shipped()) - NONE))
def test_a_route_is_for_tasks_that_its_model_has(name: str) -> None:
    strange = [
        (model.slug, task)
        for model, route in routes()
        for task in route.reach.tasks
        if route.provider == name and task not in model.tasks
    ]
    assert strange == []


@pytest.mark.parametrize("name", sorted(set(shipped()) - NONE - BY_PATTERN))
def test_a_route_takes_something_of_what_can_be_asked_for(name: str) -> None:
    dead = [
        (model.slug, route.upstream) for model, route in routes() if route.provider == name and is_dead(model, route)
    ]
    assert dead == []


def is_dead(model: Model, route: Route) -> bool:
    """Whether the route takes no combination of the lengths, shapes and sizes that its model offers."""
    properties: Any = model.schema["properties"]
    told = {
        field: properties[field].get("enum") or [None]
        for field, role in model.roles.items()
        if role in ("duration", "aspect_ratio", "resolution", "size")
    }
    for values in product(*told.values()):
        inputs = {field: value for field, value in zip(told, values, strict=True) if value is not None}
        accepted = model.accept({**least(model), **inputs})
        brief = model.brief(accepted, {})
        for task in route.reach.tasks or (brief.task,):
            if not lack(route.reach, replace(brief, task=task), model.words(accepted)):
                return False
    return True
