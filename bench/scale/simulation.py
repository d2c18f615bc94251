"""Generations that come and go: drawn at random, or given, and counted second by second."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.scale.figures import Measured

Seconds = NDArray[np.float32]
Counts = NDArray[np.int64]

WINDOW_S = 600
"""What is looked at; as long again goes before it, until as many end as begin."""

EVENTS = 3
"""Queued, running, ended."""
ROWS = 1 + 1 + 2 + EVENTS
"""A generation, an attempt, a hold and its capture or release, the events."""
NOTES_A_SECOND = 200
"""A process gathers for 5 ms before it wakes the others (docs/postgres.md): it sends no more than these."""


@dataclass(frozen=True)
class Callers:
    """Assumed, not measured: how long work takes, how callers look at it, what it makes. Each is one line to change."""

    median_s: float = 45.0
    spread: float = 0.8
    """How long a generation takes: log-normal, one in ten over 125 s."""
    poll: float = 0.6
    wait: float = 0.2
    stream: float = 0.1
    """Which part of the callers asks again and again, waits in a long-poll, watches a stream; the rest has webhooks."""
    poll_every_s: float = 5.0
    asset_bytes: float = 0.5 * 1.5e6 + 0.4 * 12e6 + 0.1 * 1e6
    """Half pictures of 1.5 MB, two fifths videos of 12 MB, a tenth sounds of 1 MB."""
    day_share: float = 1 / 3
    """A day's average, of the rate of its busiest second."""

    @property
    def hook(self) -> float:
        return 1 - self.poll - self.wait - self.stream


@dataclass(frozen=True)
class Drawn:
    """When each generation begins, how long it takes, and a number between 0 and 1 that says which caller has it."""

    began: Seconds
    took: Seconds
    caller: Seconds


@dataclass(frozen=True)
class Load:
    """The busiest second."""

    rate: float
    in_flight: float
    polls: float
    waiters: float
    streams: float
    upstream_polls: float
    webhooks: float
    events: float
    rows: float
    asset_bytes: float


def draw(rate: float, callers: Callers, *, seed: int = 1) -> Drawn:
    chance = np.random.default_rng(seed)
    count = int(chance.poisson(rate * 2 * WINDOW_S))
    began = chance.uniform(0, 2 * WINDOW_S, count).astype(np.float32)
    took = chance.lognormal(np.log(callers.median_s), callers.spread, count).astype(np.float32)
    return Drawn(began, took, chance.uniform(size=count).astype(np.float32))


def simulate(rate: float, measured: Measured, callers: Callers, *, seed: int = 1) -> Load:
    return busiest(rate, draw(rate, callers, seed=seed), measured, callers, since_s=WINDOW_S, until_s=2 * WINDOW_S)


def busiest(rate: float, drawn: Drawn, measured: Measured, callers: Callers, *, since_s: int, until_s: int) -> Load:
    """What is there at once is counted; what happens in a second follows from it, or from the rate."""

    def most(mask: NDArray[np.bool_]) -> float:
        return float(present(drawn.began[mask], drawn.took[mask], until_s)[since_s:].max())

    polls, waits = callers.poll, callers.poll + callers.wait
    everyone = np.ones(drawn.caller.shape, dtype=bool)
    return Load(
        rate=rate,
        in_flight=most(everyone),
        polls=most(drawn.caller < polls) / callers.poll_every_s,
        waiters=most((drawn.caller >= polls) & (drawn.caller < waits)),
        streams=most((drawn.caller >= waits) & (drawn.caller < waits + callers.stream)),
        upstream_polls=rate * measured.polls_each,
        webhooks=rate * callers.hook * (EVENTS - 1),
        events=rate * EVENTS,
        rows=rate * ROWS,
        asset_bytes=rate * callers.asset_bytes,
    )


def present(began: Seconds, took: Seconds, until_s: int) -> Counts:
    """How many are there at the end of each whole second: begun in it or before, and ended after it."""
    come = np.bincount(began.astype(np.int64), minlength=until_s)[:until_s]
    ends = np.minimum(began + took, until_s).astype(np.int64)
    gone = np.bincount(ends, minlength=until_s + 1)[:until_s]
    return np.cumsum(come - gone).astype(np.int64)
