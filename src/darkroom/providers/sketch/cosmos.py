"""Outer space: gas in two sheets, and a lit ball that turns."""

import math

import numpy as np

from darkroom.providers.sketch.fields import (
    BLACK,
    WHITE,
    Colour,
    Floats,
    look_up,
    mix,
    noise,
    over,
    ramp,
    rolled,
    smooth,
    tone,
)
from darkroom.providers.sketch.stage import Backdrop, Stage

GASES: tuple[Colour, ...] = ((0.20, 0.32, 0.85), (0.75, 0.20, 0.62), (0.10, 0.60, 0.66), (0.85, 0.42, 0.22))
WORLDS: tuple[Colour, ...] = (
    (0.84, 0.45, 0.28),
    (0.30, 0.55, 0.82),
    (0.72, 0.62, 0.45),
    (0.55, 0.38, 0.75),
    (0.25, 0.62, 0.55),
)


def nebula(stage: Stage) -> Backdrop:
    """Two sheets of gas that slide over one another."""
    rows, columns = stage.shape
    one = noise(stage.rng, rows, columns, grain=rows * 0.8, roughness=1.75)
    two = noise(stage.rng, rows, columns, grain=rows * 0.5, roughness=1.5)
    first = stage.reading.tints[0] if stage.reading.tints else GASES[stage.reading.seed % 4]
    other = mix(GASES[(stage.reading.seed + 1) % 4], first, 0.35)
    table = ramp(
        [
            (0.01, 0.01, 0.035),
            mix(first, BLACK, 0.86),
            mix(first, BLACK, 0.55),
            mix(other, BLACK, 0.15),
            mix(other, WHITE, 0.6),
        ]
    )

    def paint(second: float) -> Floats:
        travelled = stage.pace.drift(second) * stage.unit * 0.012
        a = rolled(one, travelled * 0.4, travelled, stage.shape)
        b = rolled(two, -travelled * 0.5, travelled * 1.8, stage.shape)
        return look_up(table, a * b * np.float32(1.45))

    return paint


def planet(stage: Stage, behind: Backdrop, at: tuple[float, float], size: float) -> Backdrop:
    """A lit ball that turns, with an atmosphere and, mostly, a ring."""
    hue = stage.reading.tints[0] if stage.reading.tints else WORLDS[stage.reading.seed % len(WORLDS)]
    rows = np.flatnonzero(np.abs(stage.y[:, 0] - at[1]) < size * 1.5)
    columns = np.flatnonzero(np.abs(stage.x[0] - at[0]) < size * 2.3)
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    x = (stage.x[:, box[1]] - np.float32(at[0])) / np.float32(size)
    y = (stage.y[box[0]] - np.float32(at[1])) / np.float32(size)
    ball, shading, air = _lighting(x, y, 1.5 / stage.unit / size)
    rings = [_ring(x, y, front=front) if stage.reading.seed % 3 else None for front in (False, True)]
    texture = noise(stage.rng, 256, 512, grain=56, roughness=1.5, stretch=2.6)
    z = np.sqrt(np.clip(1 - x * x - y * y, 0, 1))
    row = ((np.arcsin(np.clip(y, -1, 1)) / math.pi + 0.5) * 255).astype(np.int32) * 512
    column = ((np.arctan2(x, z) / math.tau + 0.5) * 511).astype(np.int32)
    table = ramp([mix(hue, BLACK, 0.6), hue, mix(hue, WHITE, 0.30), mix(hue, (1.0, 0.9, 0.7), 0.65)])
    sheen = tone(mix(hue, WHITE, 0.55))

    def paint(second: float) -> Floats:
        picture = behind(second)
        region = picture[box]
        turned = int(stage.pace.turns(0.022, second) * 512)
        region += sheen * air[..., None]
        if rings[0] is not None:
            over(region, sheen, rings[0])
        over(
            region, look_up(table, texture.reshape(-1).take(row + ((column + turned) & 511))) * shading[..., None], ball
        )
        if rings[1] is not None:
            over(region, sheen, rings[1])
        return picture

    return paint


def _lighting(x: Floats, y: Floats, edge: float) -> tuple[Floats, Floats, Floats]:
    """The disc, how bright its surface is, and the air that shines around it."""
    distance = np.hypot(x, y)
    ball = 1 - smooth(1 - edge, 1 + edge, distance)
    z = np.sqrt(np.clip(1 - distance * distance, 0, 1))
    lit = np.clip(-0.62 * x - 0.38 * y + 0.68 * z, 0, 1) ** np.float32(0.8)
    shading = 0.05 + 1.05 * lit + 0.45 * distance**8 * lit
    towards = np.clip(0.55 - 0.5 * x - 0.3 * y, 0, 1)
    air = (
        np.exp(-np.clip(distance - 1, 0, None) * 12)
        * (1 - ball)
        * towards
        * np.float32(0.7)
        * (1 - smooth(1.2, 1.48, distance))
    )
    return ball, shading, air


def _ring(x: Floats, y: Floats, *, front: bool) -> Floats:
    leaning = y + x * np.float32(0.28)
    radius = np.hypot(x, leaning * np.float32(4.2))
    bands = 0.45 + 0.35 * np.sin(radius * 34) + 0.2 * np.sin(radius * 83)
    alpha = smooth(1.38, 1.46, radius) * (1 - smooth(2.06, 2.20, radius)) * np.clip(bands, 0, 1) * np.float32(0.55)
    return np.where((leaning > 0) == front, alpha, np.float32(0.0))
