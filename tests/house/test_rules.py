"""The rules of the house, kept by a test instead of by memory."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "darkroom"
MODULES = sorted(SOURCE.rglob("*.py"))

OUTERMOST = {
    "deadlines.py": "one row that cannot be written must not keep the others",
    "costs.py": "one bad look at what was billed must not be the last",
    "courier.py": "one bad message must not keep the others",
    "store/database.py": "whoever asked gets the error, whatever it is",
    "store/postgres/batches.py": "whoever asked gets the error, whatever it is",
    "shared_queue.py": "a queue that stumbles is taken up again",
    "store/postgres/cluster.py": "one that cannot be seen now is seen the next time",
    "sweeper.py": "one bad sweep must not be the last",
    "web/switchboard.py": "the server's outermost frame",
    "worker.py": "a bug must not keep a caller's credits",
    "parking.py": "a bug in a look must not be the last of them",
    "settling.py": "a store that takes nothing now is asked again",
    "providers/manifest/own.py": "an operator's file may raise anything when it is loaded",
    "providers/sketch/worker.py": "a bug in a render must not end the process that renders",
    "readiness.py": "whatever a check raises, it is not ready",
    "web/surveyor.py": "a store that does not answer is a metric of its own",
    "service.py": "what was stored before a submit that fails is deleted, and the error goes on",
}
"""Where `except Exception` may stand, and why."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in MODULES:
        yield str(path.relative_to(SOURCE)), ast.parse(path.read_text("utf-8"))


def test_no_file_has_a_name_that_says_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}
    assert [path for path in MODULES if path.stem in nothing] == []


def test_every_module_opens_with_a_sentence() -> None:
    silent = [name for name, tree in trees() if not (ast.get_docstring(tree) or "").split("\n")[0].endswith((".", ":"))]
    assert silent == []


def test_no_file_is_longer_than_400_lines_and_no_function_longer_than_70() -> None:
    long = [str(path) for path in MODULES if path.read_text("utf-8").count("\n") > 400]
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= 70:
                    long.append(f"{name}:{node.lineno} {node.name}")
    assert long == []


def test_everything_is_caught_only_in_the_outermost_frames() -> None:
    catching = set()
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception":
                catching.add(name)
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), name
    assert catching <= set(OUTERMOST), catching - set(OUTERMOST)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        # A renderer's process sets the number of threads for the libraries that it is about to load. A provider's
        # secret stands where its own file says.
        (r"\bos\.environ\b|\bgetenv\b", {"config.py", "providers/sketch/worker.py", "providers/credentials.py"}),
        (r"\bdatetime\.(now|utcnow|today)\(", {"clock.py"}),
        (r"\bimport sqlite3\b", set()),
        (r"\bTODO\b|\bFIXME\b|\bXXX\b", set()),
    ],
    ids=["environment", "time", "sqlite3", "unfinished"],
)
def test_what_only_one_place_may_do(words: str, allowed: set[str]) -> None:
    doing = {str(path.relative_to(SOURCE)) for path in MODULES if re.search(words, path.read_text("utf-8"))}
    assert doing <= allowed


def test_tests_patch_nothing_and_sleep_nowhere() -> None:
    forbidden = re.compile(r"mock\.patch|monkeypatch\.setattr|\btime\.sleep\(|asyncio\.sleep\((?!0\))|mark\.skip\b")
    own = Path(__file__)
    # A double may take its time, as what it stands for does; a test waits for a named event.
    paths = [path for path in (ROOT / "tests").rglob("test_*.py") if path != own]
    assert [str(path) for path in paths if forbidden.search(path.read_text("utf-8"))] == []
