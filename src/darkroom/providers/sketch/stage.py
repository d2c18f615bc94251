"""What a scene is built on: its size, light, chance and clock; and the scene itself, which paints any moment."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from darkroom.providers.sketch.fields import Bytes, Colour, Floats, mix, singles
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.reading import Reading

Backdrop = Callable[[float], Floats]
"""Second to a soft picture on the coarse grid (rows, columns, 3), new each time, so that another may paint into it."""
Finished = Callable[[float], Floats | Bytes]
"""The same when nothing else is painted into it; the canvas enlarges it."""
Layer = Callable[[Canvas, float], None]
"""Paints one moment onto a canvas at full size."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A scene's clock. In a loop everything comes back to where it began, without a seam."""

    duration_s: float
    loop: bool
    tempo: float

    def drift(self, second: float) -> float:
        """How far a camera has travelled, in seconds of plain travel: a loop goes there and comes back."""
        if not self.loop:
            return second * self.tempo
        return self.duration_s * self.tempo * 0.25 * (1 - math.cos(math.tau * second / self.duration_s))

    def turns(self, per_second: float, second: float) -> float:
        """How often something that goes round has gone round: a whole number of times in a loop."""
        rate = per_second * self.tempo
        if self.loop:
            rate = math.copysign(max(1, round(abs(rate) * self.duration_s)), rate) / self.duration_s
        return rate * second

    def wave(self, per_second: float, second: float, phase: float = 0.0) -> float:
        return math.sin(math.tau * (self.turns(per_second, second) + phase))


@dataclass(frozen=True, slots=True)
class Light:
    """The colours of an hour: the sky from its top to the horizon, the lamp in it, the ground from far to near."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    lamp: Colour
    far: Colour
    near: Colour
    stars: float = 0.0

    def tinted(self, tints: Sequence[Colour]) -> "Light":
        if not tints:
            return self
        first, last = tints[0], tints[-1]
        return Light(
            zenith=mix(self.zenith, mix(first, (0, 0, 0), 0.55), 0.6),
            middle=mix(self.middle, first, 0.6),
            horizon=mix(self.horizon, mix(last, (1, 1, 1), 0.25), 0.55),
            lamp=mix(self.lamp, last, 0.35),
            far=mix(self.far, mix(first, (0, 0, 0), 0.4), 0.5),
            near=mix(self.near, mix(first, (0, 0, 0), 0.8), 0.4),
            stars=self.stars,
        )


LIGHT: dict[str, Light] = {
    "day": Light(
        zenith=(0.16, 0.42, 0.78), middle=(0.42, 0.68, 0.92), horizon=(0.84, 0.92, 0.96),
        lamp=(1.0, 0.97, 0.86), far=(0.52, 0.66, 0.76), near=(0.10, 0.22, 0.20),
    ),
    "dawn": Light(
        zenith=(0.33, 0.42, 0.66), middle=(0.78, 0.62, 0.72), horizon=(1.0, 0.83, 0.68),
        lamp=(1.0, 0.92, 0.76), far=(0.66, 0.56, 0.66), near=(0.20, 0.17, 0.28),
    ),
    "sunset": Light(
        zenith=(0.16, 0.13, 0.36), middle=(0.72, 0.28, 0.40), horizon=(1.0, 0.62, 0.28),
        lamp=(1.0, 0.86, 0.52), far=(0.52, 0.25, 0.38), near=(0.10, 0.05, 0.13),
    ),
    "night": Light(
        zenith=(0.015, 0.03, 0.10), middle=(0.05, 0.10, 0.24), horizon=(0.16, 0.24, 0.42),
        lamp=(0.90, 0.93, 1.0), far=(0.09, 0.14, 0.27), near=(0.01, 0.02, 0.06), stars=1.0,
    ),
    "neon": Light(
        zenith=(0.05, 0.02, 0.14), middle=(0.22, 0.05, 0.36), horizon=(0.86, 0.22, 0.58),
        lamp=(1.0, 0.62, 0.70), far=(0.26, 0.08, 0.40), near=(0.03, 0.01, 0.09), stars=0.6,
    ),
    "mist": Light(
        zenith=(0.42, 0.50, 0.56), middle=(0.60, 0.67, 0.70), horizon=(0.82, 0.85, 0.84),
        lamp=(0.98, 0.97, 0.92), far=(0.62, 0.69, 0.71), near=(0.14, 0.19, 0.21),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """`rng` gives the scene's chance. `x` and `y` are its coarse grid: y from 0 (top) to 1 (bottom), x in the same
    unit with 0 in the middle."""

    width: int
    height: int
    reading: Reading
    pace: Pace
    light: Light
    rng: np.random.Generator
    x: Floats
    y: Floats

    @property
    def shape(self) -> tuple[int, int]:
        return self.y.shape[0], self.x.shape[1]

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @property
    def unit(self) -> float:
        """The coarse grid's rows in one picture height: what turns a share of the height into coarse pixels."""
        return float(self.y.shape[0])


def stage(reading: Reading, pace: Pace, *, width: int, height: int, coarse: int) -> Stage:
    """`coarse` bounds the pixels of the coarse grid: few for a film, many for a still."""
    shrink = min(1.0, math.sqrt(coarse / (width * height)))
    rows, columns = max(2, round(height * shrink)), max(2, round(width * shrink))
    y = (np.arange(rows, dtype=np.float32) + 0.5)[:, None] / rows
    x = ((np.arange(columns, dtype=np.float32) + 0.5)[None, :] / columns - 0.5) * np.float32(width / height)
    return Stage(
        width=width,
        height=height,
        reading=reading,
        pace=pace,
        light=LIGHT[reading.light].tinted(reading.tints),
        rng=np.random.default_rng(reading.seed),
        x=singles(x),
        y=singles(y),
    )


@dataclass(frozen=True, slots=True)
class Scene:
    backdrop: Finished
    layers: list[Layer] = field(default_factory=list)

    def paint(self, canvas: Canvas, second: float) -> None:
        canvas.fill(self.backdrop(second))
        for layer in self.layers:
            layer(canvas, second)
