"""A process of its own on a store: `submits` as many generations as it can, or `tells` of each once it was answered."""

import asyncio
import sys
from pathlib import Path

from darkroom.errors import InsufficientCredits
from tests.store.conftest import Dsn, Home, a_new, opened


async def submits(home: Home, tries: int) -> None:
    """Prints how many were accepted."""
    async with opened(home) as store:
        ann = await store.find_account("ann")
        print("ready", flush=True)
        sys.stdin.readline()
        accepted = 0
        for _ in range(tries):
            try:
                await store.submit(a_new(ann, 1))
                accepted += 1
            except InsufficientCredits:
                pass
        print(accepted, flush=True)


async def tells(home: Home, at_once: int) -> None:
    """Prints the id of each accepted generation, until it is killed."""
    async with opened(home) as store:
        ann = await store.find_account("ann")

        async def one() -> None:
            while True:
                stored = await store.submit(a_new(ann, 1))
                print(stored.id, flush=True)

        await asyncio.gather(*(one() for _ in range(at_once)))


if __name__ == "__main__":
    _, act, path, number = sys.argv
    asyncio.run(
        {"submits": submits, "tells": tells}[act](
            Dsn(path) if path.startswith("postgresql:") else Path(path), int(number)
        )
    )
