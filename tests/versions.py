"""An earlier version of Darkroom, as it was: its tests, and its processes beside those of this one."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"

EARLIER = "a963a9c9b61cc68efee931c356f26132e2f43f24"
"""The version that was in use before this one. Once there are releases it is the tag of the last one."""


def earlier(folder: Path) -> Path:
    """Its files, in `folder`; skips where a clone has no history."""
    kept = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True, check=False)
    if kept.returncode != 0:
        pytest.skip("this clone does not have the earlier version in its history")
    with tarfile.open(fileobj=BytesIO(kept.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder
