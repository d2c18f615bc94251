"""One server for all samples."""

from collections.abc import Iterator

import pytest

from tests.seeds.server import Server, serving


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as started:
        yield started


@pytest.fixture(scope="package")
def key(server: Server) -> str:
    """As Elumenta's callers have them."""
    made = server.new_key("--prefix", "nb_")
    assert made.startswith("nb_")
    return made
