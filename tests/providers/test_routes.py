"""What the shipped manifests say that they run, against the catalogue's own models."""

from pathlib import Path

import pytest

from darkroom.catalogue import load
from darkroom.providers.configured import read_files
from darkroom.providers.manifest.reading import SHIPPED, shipped


@pytest.mark.parametrize("name", shipped())
def test_a_manifest_runs_models_that_there_are_and_tasks_that_they_have(name: str) -> None:
    configured = read_files([Path(str(SHIPPED)) / f"{name}.toml"])
    models = {model.slug: model for model in configured.join(load())}
    strange = [
        (slug, task)
        for slug, routes in configured.routes(load()).items()
        for route in routes
        for task in route.reach.tasks
        if task not in models[slug].tasks
    ]
    assert strange == []
