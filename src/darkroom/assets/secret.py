"""The key that signs the URLs of assets: made once, readable by its owner alone."""

import fcntl
import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def kept_secret(path: Path) -> bytes:
    """What is in that file; made where there is none yet."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # Cut off while it was made, or torn by a crash: anyone could sign with a secret that is empty.
        if not path.exists() or path.stat().st_size < SECRET_BYTES:
            made = path.with_suffix(".new")
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(secrets.token_bytes(SECRET_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            made.replace(path)
        return path.read_bytes()
    finally:
        os.close(folder)
