"""What has no outline: flames and silk."""

import numpy as np

from darkroom.providers.sketch.fields import BLACK, WHITE, Bytes, Colour, look_up, mix, noise, ramp, rolled, smooth
from darkroom.providers.sketch.paint import as_bytes
from darkroom.providers.sketch.stage import Finished, Stage

SILKS: tuple[tuple[Colour, Colour], ...] = (
    ((0.36, 0.16, 0.62), (0.98, 0.48, 0.58)),
    ((0.05, 0.32, 0.55), (0.32, 0.85, 0.80)),
    ((0.62, 0.12, 0.30), (1.0, 0.66, 0.34)),
    ((0.10, 0.22, 0.62), (0.66, 0.58, 1.0)),
    ((0.05, 0.38, 0.34), (0.92, 0.86, 0.52)),
)


def flames(stage: Stage) -> Finished:
    """Tongues of flame: one noise rises and licks, a second one, rising faster, tears it; height cools both."""
    rows, _ = stage.shape
    body = noise(stage.rng, rows * 2, stage.shape[1], grain=rows * 0.42, roughness=1.9, stretch=0.42)
    lick = noise(stage.rng, rows * 2, stage.shape[1], grain=rows * 0.22, roughness=1.7, stretch=0.5)
    hue = stage.reading.tints[0] if stage.reading.tints else (0.94, 0.33, 0.04)
    table = as_bytes(
        ramp(
            [
                (0.02, 0.01, 0.025),
                mix(hue, BLACK, 0.86),
                mix(hue, BLACK, 0.42),
                hue,
                mix(hue, (1.0, 0.85, 0.35), 0.75),
                (1.0, 0.97, 0.82),
            ],
            [0.0, 0.22, 0.42, 0.60, 0.80, 1.0],
        )
    )
    up = 1 - stage.y
    wide = np.float32(min(0.62, 0.34 * stage.aspect))
    # The hearth is hottest in the middle of the foot; the flames lean together as they rise.
    shape = np.float32(0.95) - up * np.float32(1.25) - (stage.x / (wide * (1.25 - 0.55 * up))) ** 2 * np.float32(0.55)

    def paint(second: float) -> Bytes:
        sway = stage.pace.wave(0.11, second) * rows * 0.02
        slow = rolled(body, stage.pace.turns(0.34, second) * rows * 2, sway, stage.shape)
        fast = rolled(lick, stage.pace.turns(0.58, second) * rows * 2, -sway, stage.shape)
        return look_up(
            table, shape + (slow - np.float32(0.5)) * np.float32(1.15) + (fast - np.float32(0.5)) * np.float32(0.75)
        )

    return paint


def silk(stage: Stage) -> Finished:
    """Folds of cloth in the light: a noise bends the folds, and their slope is the shading."""
    rows, columns = stage.shape
    bend = noise(stage.rng, rows, columns, grain=rows * 1.1, roughness=3.4)
    other = noise(stage.rng, rows, columns, grain=rows * 1.4, roughness=3.6)
    dark, pale = SILKS[stage.reading.seed % len(SILKS)]
    if stage.reading.tints:
        dark, pale = stage.reading.tints[0], stage.reading.tints[-1]
    table = as_bytes(ramp([mix(dark, BLACK, 0.72), mix(dark, BLACK, 0.25), dark, pale, mix(pale, WHITE, 0.55)]))
    along = (stage.x * np.float32(stage.rng.uniform(-0.9, 0.9)) + stage.y) * np.float32(stage.rng.uniform(1.2, 1.9))

    def paint(second: float) -> Bytes:
        travelled = stage.pace.drift(second) * stage.unit * 0.035
        a = rolled(bend, travelled, travelled * 0.6, stage.shape)
        b = rolled(other, -travelled * 0.7, travelled * 0.4, stage.shape)
        turn = (along + a * np.float32(1.7) + b * np.float32(0.9)) * np.float32(6.283)
        wave, crease = np.sin(turn), np.cos(turn * 2 + a * 7)
        return look_up(table, 0.44 + 0.25 * wave + 0.13 * crease * b + 0.22 * smooth(0.80, 1.0, wave))

    return paint


def _whole(stage: Stage) -> int:
    return stage.shape[1]
