"""What is far away: the sky and its lamp, clouds, stars, northern lights."""

import numpy as np

from darkroom.providers.sketch.fields import (
    WHITE,
    Colour,
    Floats,
    glow,
    look_up,
    mix,
    noise,
    over,
    ramp,
    rolled,
    singles,
    smooth,
    tone,
)
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.stage import Backdrop, Layer, Stage


def sky(
    stage: Stage,
    *,
    horizon: float = 1.0,
    lamp: tuple[float, float] | None = None,
    size: float = 0.07,
    clouds: float = 0.6,
) -> Backdrop:
    """A graded sky down to `horizon`, lit by a sun or moon at `lamp` (x, y), with clouds that pass."""
    base = graded(stage, horizon)
    lit = np.zeros(stage.shape, np.float32)
    if lamp:
        lit = hang_lamp(stage, base, lamp, size)
    if not clouds:
        return lambda second: base.copy()
    rows, columns = stage.shape
    texture = noise(stage.rng, rows, columns * 2, grain=rows * 0.5, roughness=1.7, stretch=2.6)
    # Clouds fade towards the horizon and the zenith, and take the lamp's colour where they are near it.
    cover = smooth(0.0, 0.15, stage.y) * (1 - smooth(horizon * 0.72, horizon, stage.y)) * np.float32(clouds)
    bright = mix(stage.light.horizon, WHITE, 0.25)
    colours = tone(bright) + (tone(stage.light.lamp) - tone(bright)) * lit[..., None]
    colours *= np.float32(0.32) if stage.light.stars else np.float32(1.0)
    lift = colours - base

    def paint(second: float) -> Floats:
        travelled = stage.pace.drift(second) * stage.unit * 0.022
        density = smooth(0.48, 0.86, rolled(texture, 0.0, travelled, stage.shape)) * cover
        picture = lift * density[..., None]
        picture += base
        return picture

    return paint


def graded(stage: Stage, horizon: float) -> Floats:
    table = ramp([stage.light.zenith, stage.light.middle, stage.light.horizon], [0.0, 0.58, 1.0], size=512)
    return np.repeat(look_up(table, stage.y / np.float32(horizon)), stage.shape[1], axis=1)


def hang_lamp(stage: Stage, base: Floats, at: tuple[float, float], size: float) -> Floats:
    """Paint the sun or the moon into `base`; returns how strongly each spot is lit by it."""
    distance = np.hypot(stage.x - np.float32(at[0]), stage.y - np.float32(at[1]))
    halo = np.exp(-distance / np.float32(0.22 if stage.light.stars else 0.34)).astype(np.float32)
    glow(base, stage.light.lamp, halo * np.float32(0.22 if stage.light.stars else 0.45))
    disc = 1 - smooth(size - 1.6 / stage.unit, size + 1.6 / stage.unit, distance)
    if stage.reading.light == "neon":
        over(base, retro_sun(stage, at, size), disc * slits(stage, at, size))
    elif stage.light.stars:
        spots = noise(stage.rng, *stage.shape, grain=size * stage.unit * 0.9)
        over(base, tone(mix(stage.light.lamp, WHITE, 0.3)) * (0.80 + 0.20 * spots[..., None]), disc)
    else:
        over(base, mix(stage.light.lamp, WHITE, 0.45), disc)
    return singles(np.clip(halo * 1.4, 0.0, 1.0))


def retro_sun(stage: Stage, at: tuple[float, float], size: float) -> Floats:
    table = ramp([(1.0, 0.90, 0.45), (1.0, 0.48, 0.42), (0.96, 0.16, 0.62)])
    return np.repeat(
        look_up(table, (stage.y - np.float32(at[1] - size)) / np.float32(2 * size)), stage.shape[1], axis=1
    )


def slits(stage: Stage, at: tuple[float, float], size: float) -> Floats:
    """The dark bars across the lower half of a sun of the eighties, wider towards its foot."""
    depth = (stage.y - np.float32(at[1])) / np.float32(size)
    bars = np.sin(depth * np.float32(21.0))
    return np.where((depth > 0.0) & (bars > 0.95 - depth * 0.9), np.float32(0.0), np.float32(1.0))


def stars(stage: Stage, *, horizon: float, density: float = 1.0) -> Layer:
    """Points of light that twinkle, each at its own pace."""
    count = round(260 * density * stage.light.stars * stage.aspect)
    size = 1 if stage.height < 900 else 2
    xs = stage.rng.integers(0, stage.width - size, count)
    ys = (stage.rng.random(count) ** 1.4 * horizon * (stage.height - size)).astype(np.intp)
    bright = stage.rng.random(count) ** 3 * 150 + 40
    phase = stage.rng.random(count)
    rate = np.array([stage.pace.turns(float(r), 1.0) for r in stage.rng.uniform(0.15, 0.7, count)])

    def paint(canvas: Canvas, second: float) -> None:
        level = bright * (0.65 + 0.35 * np.sin(np.pi * 2 * (phase + rate * second)))
        plane = canvas.planes[0]
        for down in range(size):
            for across in range(size):
                lit = plane[ys + down, xs + across] + level
                plane[ys + down, xs + across] = np.minimum(lit, 235).astype(np.uint8)

    return paint


def aurora(stage: Stage, backdrop: Backdrop, colours: tuple[Colour, Colour, Colour]) -> Backdrop:
    """Curtains of light over another sky: green at the hem, violet where they fade."""
    columns = stage.shape[1]
    folds = noise(stage.rng, 64, columns * 2, grain=columns * 0.30, roughness=3.0)
    beams = noise(stage.rng, 64, columns * 2, grain=columns * 0.03, roughness=1.2)
    # One look-up from the height above the hem to the colour there, already dimmed: 0 is below the hem.
    above = np.linspace(0, 2.2, 512, dtype=np.float32)
    table = (
        look_up(ramp(colours), above) * (np.exp(-above * 2.6) * smooth(0.0, 0.06, above) * np.float32(0.62))[:, None]
    )
    reach = np.float32(0.38)

    def paint(second: float) -> Floats:
        picture = backdrop(second)
        travelled = stage.pace.drift(second)
        for layer in range(3):
            row = layer * 17 + stage.pace.wave(0.05, second, layer / 3) * 5 + 20
            hem = 0.34 + 0.10 * layer + 0.34 * (rolled(folds, row, travelled * 9 * (layer + 1), (1, columns)) - 0.5)
            beam = rolled(beams, row, -travelled * 14 * (layer + 1), (1, columns))
            last = int(np.searchsorted(stage.y[:, 0], float(hem.max())))
            light = look_up(table, (hem - stage.y[:last]) / (reach * np.float32(2.2)))
            light *= (np.float32(0.25) + np.float32(1.1) * beam * beam)[..., None]
            picture[:last] += light
        return picture

    return paint


def rays(stage: Stage, source: tuple[float, float], *, spread: float = 26.0) -> Floats:
    """For each spot, where it lies on a fan of light beams from `source`: the column of a one-row texture."""
    return singles(np.arctan2(stage.x - np.float32(source[0]), stage.y - np.float32(source[1])) * np.float32(spread))
