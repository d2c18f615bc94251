"""The shipped catalogue, read once, and a way to write a small one of a test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from darkroom.catalogue import Catalogue, Model, load

FERN = """
slug = "fern"
name = "Fern"
maker = "Nobody"
modality = "video"
tasks = ["text-to-video", "image-to-video"]
expected_wait_s = [10, 20]
price = { credits = 3 }

[inputs.prompt]
type = "string"
required = true
minLength = 1
"""
"""The smallest useful model: a test appends the fields that it is about."""


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    return load()


@pytest.fixture
def fern(tmp_path: Path) -> Callable[..., Model]:
    """Makes a model of `FERN` with some of its text replaced and some more at its end."""

    def make(more: str = "", **replaced: str) -> Model:
        text = FERN
        for old, new in replaced.items():
            line = next(line for line in FERN.splitlines() if line.startswith(f"{old} ="))
            text = text.replace(line, f"{old} = {new}")
        (tmp_path / "fern.toml").write_text(text + more, encoding="utf-8")
        return load(tmp_path, shipped=False).find("fern")

    return make
