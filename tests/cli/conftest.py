"""A data folder with a few generations, made once: each command is a process, and starting one takes a second."""

from pathlib import Path

import pytest

from tests.seeds.server import darkroom


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *words: str, fails: bool = False, **environment: str) -> str:
        """What a command on this folder says on standard output, or on standard error where it fails."""
        done = darkroom(*words, "--data", str(self.path), fails=fails, environment=environment, folder=self.path.parent)
        assert "Traceback" not in done.stderr
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("cli") / "data")
