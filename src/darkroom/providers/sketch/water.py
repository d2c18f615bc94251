"""The sea from above and from below."""

import numpy as np
from numpy.typing import NDArray

from darkroom.providers.sketch.fields import (
    WHITE,
    Colour,
    Floats,
    look_up,
    mix,
    noise,
    ramp,
    ridge,
    rolled,
    singles,
    smooth,
    tone,
)
from darkroom.providers.sketch.skies import rays
from darkroom.providers.sketch.stage import Backdrop, Stage

DEPTHS: tuple[Colour, Colour, Colour] = ((0.30, 0.78, 0.85), (0.03, 0.36, 0.58), (0.01, 0.07, 0.20))
_FINE = 8


def sea(stage: Stage, above: Backdrop, *, line: float, lamp: tuple[float, float]) -> Backdrop:
    """Open water up to the horizon at `line`: waves in perspective, and a path of light under the lamp."""
    first = int(np.searchsorted(stage.y[:, 0], line))
    y = stage.y[first:]
    away = np.float32(0.16) / (y - np.float32(line) + np.float32(0.012))
    # Nearest-neighbour sampling stays smooth only while one wave spans many texels: hence the large texture.
    size = 1024
    texture = noise(stage.rng, size, size, grain=44, roughness=1.9, stretch=0.45)
    across = (stage.x * away * np.float32(150)).astype(np.intp)
    along = (away * np.float32(230)).astype(np.intp)
    near, far = along * size + across, along * 2 * size + across * 2
    calm = np.clip(1.15 - away / 9.0, 0.12, 1.0)
    deep = tone(mix(stage.light.zenith, (0.0, 0.16, 0.24), 0.45))
    mirror = tone(mix(stage.light.horizon, stage.light.middle, 0.35))
    share = smooth(0.0, 0.75, (y - np.float32(line)) / np.float32(1 - line))
    base = mirror + (deep - mirror) * (0.25 + 0.75 * share)[..., None]
    path = np.exp(
        -(((stage.x - np.float32(lamp[0])) / (np.float32(0.05) + (y - np.float32(line)) * np.float32(0.42))) ** 2)
    )
    lit = tone(mix(stage.light.lamp, WHITE, 0.2))

    def paint(second: float) -> Floats:
        picture = above(second)
        travelled = stage.pace.drift(second)
        one = _sampled(texture, near, int(travelled * 34) * size + int(travelled * 9))
        two = _sampled(texture, far, -int(travelled * 22) * size - int(travelled * 31))
        wave = (one + 0.6 * two - 0.8) * calm
        glitter = path * (smooth(0.06, 0.34, wave) * (np.float32(1.1) - np.float32(0.75) * share) + np.float32(0.16))
        glitter += smooth(0.42, 0.62, wave) * share * np.float32(0.4)
        glitter = np.minimum(glitter, 1.0)
        water = base * ((np.float32(1.0) + np.float32(0.75) * wave) * (1 - glitter))[..., None]
        water += lit * glitter[..., None]
        picture[first:] = water
        return picture

    return paint


def _sampled(texture: Floats, places: NDArray[np.intp], shift: int) -> Floats:
    """The texture at flat places, moved along. Off a row's end is one row lower, which nobody sees in water."""
    return texture.reshape(-1).take((places + shift) & (texture.size - 1))


def underwater(stage: Stage) -> Backdrop:
    """Blue depth with shafts of light from above and a rippling ceiling."""
    colours = (
        [mix(c, t, 0.5) for c, t in zip(DEPTHS, (stage.reading.tints * 3)[:3], strict=True)]
        if stage.reading.tints
        else list(DEPTHS)
    )
    base = np.repeat(look_up(ramp(colours, [0.0, 0.4, 1.0], size=512), stage.y), stage.shape[1], axis=1)
    # The beams are a line of noise, fine enough to be read without interpolation, spread over the fan.
    fan = (rays(stage, (-0.3, -0.9), spread=150.0) * _FINE).astype(np.intp)
    shafts = ridge(stage.rng, 1024 * _FINE, grain=42 * _FINE, roughness=1.3)
    other = ridge(stage.rng, 1024 * _FINE, grain=75 * _FINE, roughness=1.5)
    rows, columns = stage.shape
    ceiling = noise(stage.rng, 128, columns, grain=16, roughness=2.2, stretch=2.2)
    reach = np.exp(-stage.y * 1.7)
    light = tone(mix(colours[0], WHITE, 0.55))
    top = max(2, rows // 6)
    fade = (1 - smooth(0.0, 0.16, stage.y[:top])) * np.float32(0.4)

    def paint(second: float) -> Floats:
        travelled = stage.pace.drift(second)
        beams = _beam(shafts, fan, travelled * 7) * _beam(other, fan, -travelled * 4)
        picture = base + light * (smooth(0.18, 0.62, beams) * reach * np.float32(0.42))[..., None]
        ripple = rolled(ceiling, travelled * 5, travelled * 8, (top, columns))
        picture[:top] += light * (smooth(0.45, 0.8, ripple) * fade)[..., None]
        return singles(picture)

    return paint


def _beam(texture: Floats, fan: NDArray[np.intp], shift: float) -> Floats:
    return texture.take((fan + round(shift * _FINE)) & (texture.size - 1))
