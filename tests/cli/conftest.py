"""A data folder to try commands on. Starting a process takes most of a second, so only some of them get one."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from darkroom.cli.app import app
from tests.seeds.server import darkroom


@contextmanager
def _exit_of_success() -> Iterator[None]:
    try:
        yield
    except SystemExit as stop:
        if stop.code != 0:
            raise


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *words: str, fails: bool = False, **environment: str) -> str:
        """What a command says in a process of its own: on standard output, or on standard error where it fails."""
        done = darkroom(*words, "--data", str(self.path), fails=fails, environment=environment, folder=self.path.parent)
        assert "Traceback" not in done.stderr
        return done.stderr if fails else done.stdout

    def act(self, *words: str) -> str:
        """What a command says on standard output, carried out in this process; raises what it raises."""
        with redirect_stdout(io.StringIO()) as said, _exit_of_success():
            app([*words, "--data", str(self.path)], result_action="return_value")
        return said.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("cli") / "data")
