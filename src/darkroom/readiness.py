"""Whether this process can serve now, and what is missing where it cannot."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
"""Raises where something is missing; the error's text is shown."""

OK = "ok"
CHECK_LIMIT_S = 3.0
KEPT_S = 2.0
"""A load balancer asks often, and from many places; a bucket is paid by the question."""


class NotReady(Exception):
    """What is missing, in words that anyone may read."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each check found: `ok`, or what is wrong."""

    checks: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        return all(found == OK for found in self.checks.values())


class Checks:
    def __init__(self, checks: Mapping[str, Check], *, kept_s: float = KEPT_S) -> None:
        self._checks = checks
        self._kept_s = kept_s
        self._kept: Readiness | None = None
        self._until = 0.0
        self._told: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def look(self) -> Readiness:
        """All checks at once; who asks while they run, or just after, is told the same."""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if self._kept is None or now >= self._until:
                self._kept = await self._look()
                self._until = now + self._kept_s
            return self._kept

    async def _look(self) -> Readiness:
        found = await asyncio.gather(*(_found(check) for check in self._checks.values()))
        for name, (words, error) in zip(self._checks, found, strict=True):
            self._tell(name, words, error)
        return Readiness({name: words for name, (words, _) in zip(self._checks, found, strict=True)})

    def _tell(self, name: str, words: str, error: Exception | None) -> None:
        """Once when it goes, once when it comes back: a load balancer asks all night."""
        if words == self._told.get(name, OK):
            return
        self._told[name] = words
        if words == OK:
            log.info("ready again", check=name)
        else:
            log.warning("not ready", check=name, found=words, exc_info=error)


def disk_check(folder: Path) -> Check:
    """Whether the data folder can be written to."""

    def write() -> None:
        path = folder / ".ready"
        try:
            path.write_bytes(b"x" * 4096)
            path.unlink()
        except OSError as error:
            raise NotReady(f"the data folder cannot be written to: {error.strerror}") from None

    async def check() -> None:
        await asyncio.to_thread(write)

    return check


async def _found(check: Check) -> tuple[str, Exception | None]:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            await check()
    except NotReady as error:
        return str(error), error.__cause__ if isinstance(error.__cause__, Exception) else None
    except TimeoutError:
        return f"no answer within {CHECK_LIMIT_S:g} s", None
    except Exception as error:  # noqa: BLE001 - it is logged once, by `_tell`
        # The name alone for whoever asks: a database's words may tell its address.
        return type(error).__name__, error
    return OK, None
