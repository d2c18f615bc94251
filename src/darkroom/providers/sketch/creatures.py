"""Jellyfish that swim, and a cat against the moon."""

import math

import numpy as np

from darkroom.providers.sketch.air import dot
from darkroom.providers.sketch.fields import BLACK, WHITE, Colour, Floats, mix, over, singles, smooth, tone
from darkroom.providers.sketch.figures import egg
from darkroom.providers.sketch.paint import Canvas, Sprite, enlarged
from darkroom.providers.sketch.stage import Backdrop, Layer, Stage

HUES: tuple[Colour, ...] = ((0.98, 0.62, 0.86), (0.60, 0.80, 1.0), (0.86, 0.72, 1.0), (0.55, 1.0, 0.92))
SHOAL = ((-0.08, 0.34, 0.18), (0.52, 0.26, 0.08), (-0.60, 0.50, 0.10), (0.36, 0.64, 0.06))
"""Where they swim (x from the middle, y from the top) and how large they are, in picture heights."""


def jellyfish(stage: Stage, behind: Backdrop) -> Backdrop:
    """A shoal of glowing bells: one near and three far, each with its own beat."""
    hues = (mix(stage.reading.tints[0], WHITE, 0.35), *HUES[1:]) if stage.reading.tints else HUES
    shoal = []
    for index, (x, y, size) in enumerate(SHOAL):
        limit = stage.aspect * 0.40
        place = (
            min(max(x, -limit), limit) + float(stage.rng.uniform(-0.05, 0.05)),
            y + float(stage.rng.uniform(-0.04, 0.04)),
        )
        shoal.append(
            (
                place,
                size * float(stage.rng.uniform(0.9, 1.1)) * min(1.0, stage.aspect),
                hues[index],
                float(stage.rng.random()),
            )
        )

    def paint(second: float) -> Floats:
        picture = behind(second)
        for (x, y), size, hue, phase in reversed(shoal):
            beat = stage.pace.turns(0.55, second) + phase
            lift = 0.35 * stage.pace.wave(0.10, second, phase) - 0.10 * math.cos(math.tau * beat)
            side = 0.25 * stage.pace.wave(0.07, second, phase + 0.3)
            _jelly(stage, picture, (x + side * size, y + lift * size), size, hue, beat)
        return picture

    return paint


def _jelly(stage: Stage, picture: Floats, at: tuple[float, float], size: float, hue: Colour, beat: float) -> None:
    rows = np.flatnonzero(np.abs(stage.y[:, 0] - (at[1] + size * 0.9)) < size * 2.9)
    columns = np.flatnonzero(np.abs(stage.x[0] - at[0]) < size * 2.0)
    if not len(rows) or not len(columns):
        return
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    x = (stage.x[:, box[1]] - np.float32(at[0])) / np.float32(size)
    y = (stage.y[box[0]] - np.float32(at[1])) / np.float32(size)
    region = picture[box]
    squeeze = 1.0 + 0.13 * math.sin(math.tau * beat)
    # Light as a product of a row and a column: a round halo for the price of two lines.
    light = np.exp(-((x / np.float32(0.95)) ** 2)) * np.exp(-((y / np.float32(0.95)) ** 2)) * np.float32(0.26)
    _tentacles(light, x, y, squeeze, beat)
    region += tone(hue) * light[..., None]
    body = np.flatnonzero((y[:, 0] > -1.3) & (y[:, 0] < 0.6))
    if len(body):
        span = slice(body[0], body[-1] + 1)
        _bell(region[span], x, y[span], hue, squeeze)


def _bell(region: Floats, x: Floats, y: Floats, hue: Colour, squeeze: float) -> None:
    bell = np.hypot(x / np.float32(squeeze), np.where(y < 0, y * np.float32(1.12 * squeeze), y * np.float32(2.6)))
    rim = np.exp(-(((bell - np.float32(0.93)) / np.float32(0.09)) ** 2)) * np.float32(0.72)
    ribs = np.float32(0.30) + np.float32(0.18) * np.cos(np.arctan2(x, -y - np.float32(0.35)) * 11)
    over(region, mix(hue, WHITE, 0.25), np.clip((1 - smooth(0.80, 1.0, bell)) * ribs + rim, 0, 0.95))
    shine = np.exp(-(((x + np.float32(0.35)) / np.float32(0.26)) ** 2)) * np.exp(
        -(((y + np.float32(0.5)) / np.float32(0.16)) ** 2)
    )
    region += shine[..., None] * np.float32(0.45)


def _tentacles(light: Floats, x: Floats, y: Floats, squeeze: float, beat: float) -> None:
    """Nine threads that trail behind the beat. Each is drawn only in the few columns that it reaches."""
    under = int(np.searchsorted(y[:, 0], 0.0))
    below = y[under:]
    fade = smooth(0.0, 0.18, below) * np.exp(-below * np.float32(0.75)) * (1 - smooth(2.6, 3.6, below))
    for index in range(9):
        thick = index % 3 == 0
        wide = np.float32(0.10 if thick else 0.045)
        swing = (
            0.15
            * below**0.8
            * np.sin(below * np.float32(2.1 + 0.13 * index) - np.float32(math.tau * beat - index * 1.9))
        )
        curve = np.float32((index - 4) / 4.6 * squeeze) * (1 - np.float32(0.13) * below) + swing
        if not len(curve):
            return
        first, last = np.searchsorted(x[0], (float(curve.min()) - 2.2 * wide, float(curve.max()) + 2.2 * wide))
        away = (x[:, first:last] - curve) / wide
        light[under:, first:last] += np.exp(-away * away) * (fade * np.float32(0.34 if thick else 0.55))


def cat(stage: Stage, at: tuple[float, float]) -> Layer:
    """A seated cat, dark before the light: the tail swings, the eyes blink. `at` is where it sits; it is 0.6 high."""
    size = 0.60 * min(1.0, stage.aspect)
    side = max(16, round(stage.height * size) & ~1)
    grid = side // 2
    y = np.linspace(-1.0, 0.28, grid, dtype=np.float32)[:, None]
    x = np.linspace(-0.64, 0.64, grid, dtype=np.float32)[None, :]
    coat = mix(stage.light.near, BLACK, 0.55)
    colour = np.broadcast_to(tone(coat), (side, side, 3))
    body = _cat_body(x, y, 1.6 / grid)
    phases = [
        Sprite(colour, enlarged(np.maximum(body, _tail(x, y, math.sin(math.tau * p / 24))), side, side))
        for p in range(24)
    ]
    eye = dot(max(1.5, stage.height * 0.010), (1.0, 0.86, 0.30), core=0.45)
    ledge = Sprite(
        np.broadcast_to(tone(coat), (stage.height // 4, stage.width, 3)),
        np.ones((stage.height // 4, stage.width), np.float32),
    )
    middle = (at[0] / stage.aspect + 0.5) * stage.width

    def paint(canvas: Canvas, second: float) -> None:
        foot = at[1] * stage.height
        ledge.place(canvas, stage.width / 2, foot + stage.height // 8 - 2)
        phases[int(stage.pace.turns(0.22, second) * 24) % 24].place(canvas, middle, foot - side * 0.5)
        if (stage.pace.turns(0.3, second) + 0.5) % 1.0 > 0.05:
            for way in (-1, 1):
                eye.place(canvas, middle + way * 0.058 * side, foot - side * 0.675)

    return paint


def _cat_body(x: Floats, y: Floats, edge: float) -> Floats:
    parts = [
        egg(x, y, (0.0, -0.06), (0.27, 0.36), edge),
        egg(x, y, (0.0, -0.34), (0.18, 0.26), edge),
        egg(x, y, (0.0, -0.58), (0.19, 0.155), edge),
        egg(x, y, (-0.13, 0.17), (0.15, 0.13), edge),
        egg(x, y, (0.13, 0.17), (0.15, 0.13), edge),
    ]
    for side in (-1, 1):
        lean = (x * side - np.float32(0.118)) - (y + np.float32(0.62)) * np.float32(-0.16)
        ear = smooth(-edge, edge, np.float32(0.40) * (y + np.float32(0.84)) - np.abs(lean))
        parts.append(ear * (y < -0.58))
    return singles(np.maximum.reduce(parts))


def _tail(x: Floats, y: Floats, swing: float) -> Floats:
    """A thick line from the back to the tip; the tip swings most."""
    up = np.clip((np.float32(0.22) - y) / np.float32(0.66), 0, 1)
    spine = np.float32(0.20) + np.float32(0.22) * np.sin(up * np.float32(2.3)) + np.float32(0.13 * swing) * up * up
    thick = np.float32(0.050) - np.float32(0.016) * up
    tip = np.sqrt(np.clip((np.float32(0.97) - up) / np.float32(0.07), 0, 1))
    return 1 - smooth(-0.012, 0.012, np.abs(x - spine) - thick * tip)
