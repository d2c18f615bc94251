"""A flower that opens, before lights that are far out of focus."""

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
    singles,
    smooth,
    tone,
)
from darkroom.providers.sketch.stage import Backdrop, Stage

BLOSSOMS: tuple[tuple[Colour, Colour], ...] = (
    ((0.98, 0.62, 0.74), (0.78, 0.10, 0.36)),
    ((1.0, 0.88, 0.55), (0.95, 0.42, 0.16)),
    ((0.80, 0.72, 1.0), (0.40, 0.20, 0.72)),
    ((1.0, 0.95, 0.93), (0.94, 0.55, 0.52)),
)


def bokeh(stage: Stage, colours: list[Colour], *, count: int = 26) -> Backdrop:
    """Lights far out of focus, that wander slowly."""
    rows, _ = stage.shape
    base = np.repeat(look_up(ramp(colours, size=512), stage.y), stage.shape[1], axis=1)
    clouds = noise(stage.rng, *stage.shape, grain=rows * 0.7, roughness=2.2)
    base *= (0.72 + 0.5 * clouds)[..., None]
    discs = [_disc(rows * float(stage.rng.uniform(0.03, 0.10))) for _ in range(5)]
    places = stage.rng.random((count, 4))

    def paint(second: float) -> Floats:
        picture = base.copy()
        for index, (x, y, phase, warm) in enumerate(places):
            hue = mix(mix(colours[0], WHITE, 0.45), stage.light.lamp, float(warm))
            sway = stage.pace.wave(0.06, second, float(phase))
            _stamp(
                picture,
                discs[index % 5],
                hue,
                (x * 1.1 - 0.05 + 0.02 * sway) * stage.shape[1],
                (y + 0.015 * sway) * rows,
                0.10 + 0.16 * float(warm),
            )
        return picture

    return paint


def _disc(radius: float) -> Floats:
    half = math.ceil(radius) + 2
    axis = np.arange(-half, half + 1, dtype=np.float32)
    distance = singles(np.hypot(axis[:, None], axis[None, :]) / np.float32(radius))
    return singles((1 - smooth(0.88, 1.04, distance)) * (np.float32(0.7) + np.float32(0.3) * distance))


def _stamp(picture: Floats, disc: Floats, colour: Colour, x: float, y: float, strength: float) -> None:
    half = disc.shape[0] // 2
    left, top = int(x) - half, int(y) - half
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + disc.shape[1], picture.shape[1]), min(top + disc.shape[0], picture.shape[0])
    if x0 < x1 and y0 < y1:
        picture[y0:y1, x0:x1] += (
            tone(colour) * (disc[y0 - top : y1 - top, x0 - left : x1 - left] * np.float32(strength))[..., None]
        )


def flower(stage: Stage, behind: Backdrop) -> Backdrop:
    """Rings of petals that open one after another around a golden heart."""
    pale, deep = BLOSSOMS[stage.reading.seed % len(BLOSSOMS)]
    if stage.reading.tints:
        deep = stage.reading.tints[0]
        pale = mix(deep, WHITE, 0.62)
    heart = (0.0, 0.50)
    size = min(0.44, stage.aspect * 0.44)
    x, y = stage.x - np.float32(heart[0]), (stage.y - np.float32(heart[1])) * np.float32(1.12)
    distance, angle = np.hypot(x, y), np.arctan2(y, x).astype(np.float32)
    number = int(stage.rng.integers(6, 10))
    rings = 4
    offset = float(stage.rng.random())

    def paint(second: float) -> Floats:
        picture = behind(second)
        opened = _opening(stage, second)
        for ring in range(rings):
            share = ring / rings
            open_now = min(1.0, max(0.12, opened * 1.55 - 0.55 * share))
            reach = size * (1 - 0.74 * share) * (0.30 + 0.70 * open_now)
            turn = (
                offset + ring * math.pi / number + 0.10 * stage.pace.wave(0.05, second, share) + 0.25 * (1 - open_now)
            )
            _petals(
                picture,
                distance,
                angle + np.float32(turn),
                number,
                reach,
                mix(pale, deep, share * 0.75),
                deep,
                1.6 / stage.unit,
            )
        _heart(picture, distance, angle, size * (0.06 + 0.05 * opened), 1.6 / stage.unit)
        return picture

    return paint


def _opening(stage: Stage, second: float) -> float:
    share = stage.pace.drift(second) / max(
        0.1, stage.pace.drift(stage.pace.duration_s * (0.5 if stage.pace.loop else 1.0))
    )
    return 0.22 + 0.78 * (share * share * (3 - 2 * share))


def _petals(
    picture: Floats, distance: Floats, angle: Floats, number: int, reach: float, pale: Colour, deep: Colour, edge: float
) -> None:
    """One ring of petals. Only the part of the picture that it covers is touched."""
    rows = np.flatnonzero((distance < reach * 1.02).any(axis=1))
    columns = np.flatnonzero((distance < reach * 1.02).any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    r, a = distance[box], angle[box] * np.float32(number / 2)
    across = np.abs(np.cos(a))
    limit = reach * (0.50 + 0.50 * across**0.55 - 0.06 * across**12)
    along = np.clip(r / limit, 0, 1.2)
    alpha = 1 - smooth(-edge, edge, r - limit)
    # Dark in the throat and in the folds between petals, bright towards the rim, with fine veins.
    bright = smooth(0.02, 0.95, along) * (0.45 + 0.55 * smooth(0.0, 0.55, across)) + 0.05 * np.cos(a * 14) * along
    shadow = np.clip((r - limit) / np.float32(reach * 0.16), 0, 1)
    dark = mix(deep, BLACK, 0.45)
    colours = look_up(ramp([dark, deep, mix(deep, pale, 0.6), pale, mix(pale, WHITE, 0.35)]), bright)
    region = picture[box]
    region *= (1 - 0.30 * np.exp(-shadow * 4) * (1 - alpha) * (r < reach * 1.02))[..., None]
    over(region, colours, alpha)


def _heart(picture: Floats, distance: Floats, angle: Floats, size: float, edge: float) -> None:
    rows = np.flatnonzero((distance < size * 1.2).any(axis=1))
    columns = np.flatnonzero((distance < size * 1.2).any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    r, a = distance[box], angle[box]
    grains = 0.5 + 0.5 * np.sin(r / np.float32(size) * 26) * np.sin(a * 21 + r * 90)
    colours = look_up(
        ramp([(0.45, 0.22, 0.04), (0.92, 0.62, 0.12), (1.0, 0.90, 0.50)]),
        0.75 - 0.5 * r / np.float32(size) + 0.35 * grains,
    )
    over(picture[box], colours, 1 - smooth(size - edge * 2, size + edge, r))
