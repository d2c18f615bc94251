"""What stands between us and the sky: ranges, dunes, woods, towns. Each is a strip that scrolls at its own speed."""

import numpy as np

from darkroom.providers.sketch.fields import WHITE, Colour, Floats, look_up, mix, ramp, ridge, smooth, tone
from darkroom.providers.sketch.paint import Canvas, Strip
from darkroom.providers.sketch.stage import Layer, Stage

TRAVEL = 0.10
"""Picture heights that the nearest strip scrolls in a second."""


def scrolling(stage: Stage, strip: Strip, *, near: float) -> Layer:
    """`near` is 0 for what never moves and 1 for what passes fastest."""
    begin = float(stage.rng.integers(0, strip.width))
    direction = 1 if stage.reading.seed & 1 else -1

    def paint(canvas: Canvas, second: float) -> None:
        travelled = stage.pace.drift(second) * stage.height * TRAVEL * near * direction
        strip.place(canvas, begin + travelled, 0)

    return paint


def strip_width(stage: Stage) -> int:
    return (stage.width * 3 // 2) & ~1


def depth_colour(stage: Stage, near: float) -> Colour:
    """Air between us and a thing lends it the horizon's colour: the far is pale, the near is dark."""
    return mix(mix(stage.light.horizon, stage.light.far, min(1.0, 0.35 + near * 1.2)), stage.light.near, near**0.8)


def ranges(stage: Stage, *, count: int, top: float, bottom: float, grain: float, snow: bool) -> list[Layer]:
    """Mountain ranges behind one another, the farthest at `top` (share of the height), the nearest at `bottom`."""
    layers = []
    for index in range(count):
        near = (index + 0.5) / count
        crest = top + (bottom - top) * index / max(1, count - 1)
        strip = _range(
            stage, crest=crest, rise=0.40 * (1 - 0.45 * near), near=near, grain=grain, snow=snow and near < 0.6
        )
        layers.append(scrolling(stage, strip, near=near))
    return layers


def _range(stage: Stage, *, crest: float, rise: float, near: float, grain: float, snow: bool) -> Strip:
    width = strip_width(stage)
    line = ridge(stage.rng, width, grain=stage.height * grain, roughness=1.75)
    peak = line.copy()
    line = (np.float32(crest) - np.float32(rise) * (line - np.float32(0.35))) * np.float32(stage.height)
    top = int(line.min()) - 2
    rows = np.arange(top, stage.height, dtype=np.float32)[:, None]
    below = (rows - line) / np.float32(stage.height)
    body = _body(stage, below, near)
    light = _leaning(line, rows - line, softness=0.35)
    body *= (1.0 + 0.20 * (1 - 0.5 * near) * light * np.exp(-np.clip(below, 0, 1) * 4))[..., None]
    if snow:
        # The snow line runs in teeth, and reaches further down where the mountain is higher.
        teeth = ridge(stage.rng, width, grain=stage.height * 0.05, roughness=1.3) - np.float32(0.5)
        reach = np.float32(0.20) * np.clip(peak - np.float32(0.38), 0, 1) + np.float32(0.035) * teeth
        cap = (1 - smooth(-0.004, 0.004, below - reach)) * np.float32(0.92 - 0.45 * near)
        white = tone(mix(stage.light.horizon, WHITE, 0.7)) * (0.93 + 0.10 * light)[..., None]
        body += (white - body) * cap[..., None]
    return Strip(np.clip(body, 0, 1), np.clip(rows - line + 0.5, 0, 1), top=top, view=stage.width)


def _body(stage: Stage, below: Floats, near: float) -> Floats:
    """The colour of a slope: mist gathers at its foot, less so the nearer it is."""
    high = depth_colour(stage, near)
    low = mix(high, stage.light.horizon, 0.55 * (1 - near))
    return look_up(ramp([high, low]), below * np.float32(2.4))


def _leaning(line: Floats, depth: Floats, *, softness: float) -> Floats:
    """Which way a slope faces, -1 (right, dark) to 1 (left, lit); the edge between runs down aslant from each peak."""
    width = len(line)
    span = max(3, width // 90) | 1
    # A smoothed line, or every pebble would throw a shadow down to the valley.
    padded = np.concatenate([line[-span:], line, line[:span]])
    slope = np.gradient(np.convolve(padded, np.hanning(span + 2)[1:-1] / np.hanning(span + 2).sum(), mode="same"))[
        span:-span
    ]
    facing = np.clip(-slope / softness, -1, 1).astype(np.float32)
    columns = np.arange(width) - (np.clip(depth, 0, None) * np.float32(0.45)).astype(np.intp)
    return facing.take(columns % width)


def dunes(stage: Stage, *, count: int, top: float) -> list[Layer]:
    """Sand: long lines with a bright side and a dark side that meet in a sharp crest."""
    layers = []
    for index in range(count):
        near = (index + 0.6) / count
        crest = top + (0.98 - top) * (index / count) ** 1.1
        layers.append(scrolling(stage, _dune(stage, crest, near), near=near))
    return layers


def _dune(stage: Stage, crest: float, near: float) -> Strip:
    width = strip_width(stage)
    line = (crest - 0.16 * (ridge(stage.rng, width, grain=stage.height * 0.9, roughness=3.6) - 0.3)) * stage.height
    line = line.astype(np.float32)
    top = int(line.min()) - 2
    rows = np.arange(top, stage.height, dtype=np.float32)[:, None]
    below = (rows - line) / np.float32(stage.height)
    # The lee side is dark at its crest and takes back the light further down.
    shade = smooth(-0.15, 0.75, -_leaning(line, rows - line, softness=0.32)) * np.exp(-np.clip(below, 0, 1) * 4.5)
    sunny = mix(mix(stage.light.horizon, (0.93, 0.66, 0.38), 0.55), stage.light.lamp, 0.25 * (1 - near))
    dark = mix(mix(stage.light.near, (0.45, 0.22, 0.16), 0.55), stage.light.horizon, 0.4 * (1 - near))
    ripples = 0.022 * np.sin(below * 430 * (1.3 - near) + line / stage.height * 260) * near
    body = tone(sunny) + (tone(dark) - tone(sunny)) * shade[..., None]
    body *= (1 + ripples - 0.35 * np.clip(below, 0, 1))[..., None]
    return Strip(np.clip(body, 0, 1), np.clip(rows - line + 0.5, 0, 1), top=top, view=stage.width)


def woods(stage: Stage, *, count: int, top: float) -> list[Layer]:
    """Firs behind firs, with mist between the rows."""
    return [
        scrolling(
            stage,
            _row_of_firs(stage, near=(index + 0.4) / count, foot=top + (1.05 - top) * index / (count - 1)),
            near=(index + 0.4) / count,
        )
        for index in range(count)
    ]


def _row_of_firs(stage: Stage, *, near: float, foot: float) -> Strip:
    width, height = strip_width(stage), stage.height
    alpha = np.zeros((height, width), np.float32)
    ground = (foot + 0.03 - 0.06 * ridge(stage.rng, width, grain=height * 0.8)) * height
    tall = height * (0.16 + 0.52 * near)
    x = 0.0
    while x < width:
        rise = tall * float(stage.rng.uniform(0.6, 1.15))
        _plant(
            alpha,
            x,
            float(ground[int(x)]) + 0.02 * height,
            rise,
            float(stage.rng.uniform(0.16, 0.23)),
            int(stage.rng.integers(7, 13)),
        )
        x += max(1.0, tall * float(stage.rng.uniform(0.10, 0.34)))
    rows = np.arange(height, dtype=np.float32)[:, None]
    alpha = np.maximum(alpha, np.clip(rows - ground + 0.5, 0, 1))
    above = np.clip((ground - rows) / tall, 0, 1)
    colour = tone(depth_colour(stage, near))
    mist = tone(mix(stage.light.horizon, stage.light.far, 0.4))
    haze = ((1 - above) ** 2 * (0.75 - 0.6 * near))[..., None]
    return Strip(colour + (mist - colour) * haze, alpha, top=0, view=stage.width)


def _plant(alpha: Floats, x: float, foot: float, rise: float, slim: float, tiers: int) -> None:
    """Draw one fir: a cone with hanging tiers."""
    half = int(rise * slim) + 2
    top = max(0, int(foot - rise))
    rows = np.arange(top, min(alpha.shape[0], int(foot)), dtype=np.float32)[:, None]
    if not len(rows):
        return
    columns = np.arange(int(x) - half, int(x) + half + 1)
    down = np.clip((rows - (foot - rise)) / rise, 0.0, 1.0)
    tier = (down * tiers) % 1.0
    reach = rise * slim * down**0.85 * (0.55 + 0.45 * tier) + 0.6
    cone = np.clip(reach - np.abs(columns[None, :] - x) + 0.5, 0, 1).astype(np.float32)
    around = columns % alpha.shape[1]
    window = alpha[top : top + len(rows)]
    window[:, around] = np.maximum(window[:, around], cone)
