"""One server to a data folder: that it may be written to, the lock, and who holds it."""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from darkroom.errors import Misconfigured

TRIES, PAUSE_S = 5, 0.02
"""Someone who only looks has the lock for some microseconds: that must not keep a server from its folder."""


class FolderInUse(Misconfigured):
    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"the data folder {folder} is in use by another Darkroom ({holder}); "
            "stop that one, or give this one a folder of its own with --data"
        )
        self.holder = holder


class FolderShut(Misconfigured):
    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"the data folder {folder} is not there for user {os.geteuid()} to write to ({reason}); "
            "give it to that user, or name another with --data"
        )


def open_folder(folder: Path) -> Path:
    """The data folder, made where there is none; raises `FolderShut`. A volume is often mounted as root's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderShut(folder, error.strerror or type(error).__name__) from None
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise FolderShut(folder, os.strerror(errno.EACCES))
    return folder


class FolderLock:
    """Held by the process, so that the kernel lets go of it however the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self.was_left = False
        """Whether the one before us ended without letting go: it was killed, or its machine went down."""

    def take(self, about: str) -> None:
        """Raises `FolderInUse`. `about` is shown to whoever is refused."""
        file = self._open()
        if not _lock(file, fcntl.LOCK_EX, tries=TRIES):
            holder = os.read(file, 200).decode(errors="replace").strip()
            os.close(file)
            raise FolderInUse(self._folder, holder or "process unknown")
        self.was_left = os.fstat(file).st_size > 0
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()}, {about}".encode(), 0)
        self._file = file

    def is_taken(self) -> bool:
        """Whether a process has it, this one or another."""
        file = self._open()
        try:
            # The kernel tells only those who try. Shared, so that two who look do not see each other.
            return not _lock(file, fcntl.LOCK_SH, tries=1)
        finally:
            os.close(file)

    def _open(self) -> int:
        return os.open(self._folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def release(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def _lock(file: int, kind: int, *, tries: int) -> bool:
    for attempt in range(tries):
        if attempt:
            time.sleep(PAUSE_S)
        with suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
    return False
