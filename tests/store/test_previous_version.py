"""The tests of the version before this one, run with its code, on the tables and functions of this one.

So it is while a cluster is upgraded: the older processes have started, then the first newer one brings the database up
to date beneath them, and they work on.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from darkroom.store.postgres.migrate import functions, newest
from darkroom.store.queries import POSTGRES
from tests.postgres import NEWER
from tests.versions import ROOT, SOURCE, earlier

TESTS = ("attempts", "books", "endpoints", "lifecycle", "lost", "races", "upkeep", "wakes")
"""Of its store: every verb, the books, races and lost answers. Those of its migrations are about itself."""


def test_the_previous_version_s_tests_pass_on_this_version_s_tables(tmp_path: Path) -> None:
    older = earlier(tmp_path)
    # Where its tests get their database is ours: it is what brings a newer version's tables.
    shutil.copy(ROOT / "tests" / "postgres.py", older / "tests" / "postgres.py")
    files = [f"tests/store/test_{name}.py" for name in TESTS]
    environment = {**os.environ, "PYTHONPATH": f"{older / 'src'}:{older}", NEWER: str(SOURCE)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "postgres or lost or wakes"]
    done = subprocess.run([*command, *files], cwd=older, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    passed = re.findall(r"^(\.+) ", done.stdout, re.M)
    assert sum(map(len, passed)) > 60, done.stdout


def test_other_functions_have_another_number(tmp_path: Path) -> None:
    """Or an older process that starts beside newer ones would take them for its own version's, and put its own back."""
    theirs = earlier(tmp_path) / "src" / "darkroom" / "store" / "postgres"
    before = "\n".join(file.read_text("utf-8") for file in sorted((theirs / "functions").glob("*.sql")))
    last = max(int(file.name[:4]) for file in (theirs / "migrations").glob("*.sql"))
    assert POSTGRES.joinpath("migrations").is_dir()
    assert newest() > last or functions() == before
