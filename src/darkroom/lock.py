"""One server to a data folder: the lock, and who holds it."""

import fcntl
import os
from pathlib import Path

from darkroom.errors import Misconfigured


class FolderInUse(Misconfigured):
    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"the data folder {folder} is in use by another Darkroom ({holder}); "
            "stop that one, or give this one a folder of its own with --data"
        )
        self.holder = holder


class FolderLock:
    """Held by the process, so that the kernel lets go of it however the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def take(self, about: str) -> None:
        """Raises `FolderInUse`. `about` is shown to whoever is refused."""
        file = os.open(self._folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip()
            os.close(file)
            raise FolderInUse(self._folder, holder or "process unknown") from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()}, {about}".encode(), 0)
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
