"""Numbers on a grid: noise that tiles, smooth steps, ramps of colour. Everything else is painted with these."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Red, green and blue as the screen takes them (sRGB), each 0 to 1."""

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)


def singles(values: Any) -> Floats:
    """Single precision: half the memory of Python's own, and plenty for a picture or a sound."""
    result: Floats = np.asarray(values, np.float32)
    return result


def noise(
    rng: np.random.Generator, height: int, width: int, *, grain: float, roughness: float = 1.8, stretch: float = 1.0
) -> Floats:
    """Soft random clouds in 0..1 that tile in both directions. `grain` is the height of the largest cloud in pixels."""
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None, :] * stretch
    frequency = np.sqrt(fy * fy + fx * fx)
    # Flat below the largest cloud, falling above it: one spectrum instead of a sum of octaves, and periodic for free.
    weight = 1.0 / (1.0 + (frequency * grain) ** (2 * roughness)) ** 0.5
    weight[0, 0] = 0.0
    phases = rng.standard_normal(weight.shape) + 1j * rng.standard_normal(weight.shape)
    return evened(np.fft.irfft2(phases * weight, s=(height, width)))


def ridge(rng: np.random.Generator, width: int, *, grain: float, roughness: float = 1.4) -> Floats:
    """A random line in 0..1 that joins its own beginning: a horizon, a mountain range, a swell."""
    return singles(noise(rng, 1, width, grain=grain, roughness=roughness)[0])


def evened(values: NDArray[np.float64] | Floats) -> Floats:
    """Stretch values to 0..1; three deviations are enough, so that one odd peak does not flatten the rest."""
    spread = 3.0 * float(values.std()) or 1.0
    return singles(np.clip(0.5 + (values - values.mean()) / (2 * spread), 0.0, 1.0).astype(np.float32))


def smooth(low: float, high: float, values: Floats) -> Floats:
    """0 below `low`, 1 above `high`, and an S-curve between."""
    t = np.clip((values - np.float32(low)) * np.float32(1.0 / (high - low)), 0.0, 1.0)
    return singles(t * t * (np.float32(3.0) - np.float32(2.0) * t))


def ease(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return value * value * (3 - 2 * value)


def mix(one: Sequence[float], other: Sequence[float], share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def ramp(colours: Sequence[Colour], stops: Sequence[float] | None = None, *, size: int = 256) -> Floats:
    """A table of `size` colours that runs smoothly through the given ones."""
    at = np.linspace(0, 1, len(colours)) if stops is None else np.asarray(stops)
    where = np.linspace(0, 1, size)
    table = np.asarray(colours, np.float32)
    return np.stack([np.interp(where, at, table[:, c]) for c in range(3)], axis=1).astype(np.float32)


def tone(colour: Sequence[float] | Floats) -> Floats:
    """A colour ready for arithmetic with pictures: a bare tuple would make everything it touches twice as wide."""
    return np.asarray(colour, np.float32)


def look_up(table: NDArray[Any], values: Floats) -> NDArray[Any]:
    """The table's colour for every value in 0..1; a table of bytes gives bytes, and is faster."""
    last = len(table) - 1
    return table.take((np.clip(values, 0.0, 1.0) * last).astype(np.intp), axis=0)


def rolled(texture: Floats, rows: float, columns: float, shape: tuple[int, int]) -> Floats:
    """A window of a tiling texture, moved by a fraction of a pixel without a jerk."""
    height, width = shape
    row, column = int(np.floor(rows)), int(np.floor(columns))
    down, across = np.float32(rows - row), np.float32(columns - column)
    ys = np.arange(row, row + height + 1) % texture.shape[0]
    xs = np.arange(column, column + width + 1) % texture.shape[1]
    window = texture.take(ys, axis=0).take(xs, axis=1)
    tall = window[:-1] + (window[1:] - window[:-1]) * down
    return singles(tall[:, :-1] + (tall[:, 1:] - tall[:, :-1]) * across)


def over(below: Floats, colour: Sequence[float] | Floats, alpha: Floats) -> None:
    """Paint a colour onto `below` (rows, columns, 3) where `alpha` (rows, columns) says so."""
    below += (tone(colour) - below) * alpha[..., None]


def glow(below: Floats, colour: Sequence[float], strength: Floats) -> None:
    """Add light: brightens and never darkens."""
    below += tone(colour) * strength[..., None]
