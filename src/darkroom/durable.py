"""What has to be there after a power cut: written through to the disk."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """A file's bytes; of a folder, the names in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
