"""What stands between us and the sky: ranges, dunes, woods, towns. Each is a strip that scrolls at its own speed."""

import numpy as np
from PIL import Image

from darkroom.providers.sketch.fields import WHITE, Colour, Floats, mix, noise, ramp, ridge, smooth, tone
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


def ranges(
    stage: Stage, *, count: int, top: float, bottom: float, grain: float, snow: bool, rough: float = 1.55
) -> list[Layer]:
    """Mountain ranges behind one another, the farthest at `top` (share of the height), the nearest at `bottom`."""
    layers = []
    for index in range(count):
        near = (index + 0.5) / count
        crest = top + (bottom - top) * index / max(1, count - 1)
        rise = 0.30 * (1 - 0.45 * near)
        layers.append(
            scrolling(
                stage, _range(stage, crest=crest, rise=rise, near=near, grain=grain, snow=snow, rough=rough), near=near
            )
        )
    return layers


def _range(stage: Stage, *, crest: float, rise: float, near: float, grain: float, snow: bool, rough: float) -> Strip:
    width = strip_width(stage)
    # Folding a smooth line at its middle turns its swells into peaks.
    line = 1 - np.abs(2 * ridge(stage.rng, width, grain=stage.height * grain, roughness=rough) - 1)
    line = (crest - rise * (line - 0.35)) * stage.height
    top = int(line.min()) - 2
    rows = np.arange(top, stage.height, dtype=np.float32)[:, None]
    below = (rows - line) / stage.height
    alpha = np.clip(rows - line + 0.5, 0.0, 1.0)
    body = _body(stage, below, near)
    light = _facets(stage, line, below.shape)
    body *= (1.0 + 0.42 * (1 - 0.6 * near) * light * np.exp(-np.clip(below, 0, 1) * 5))[..., None]
    if snow:
        height = (crest * stage.height - line) / (rise * stage.height) + 0.35
        cap = (1 - smooth(0.03, 0.16, below + 0.05 * light)) * smooth(0.25, 0.9, height)
        white = tone(mix(stage.light.horizon, WHITE, 0.65)) * (0.90 + 0.16 * light)[..., None]
        body += (white - body) * (cap * (0.92 - 0.35 * near))[..., None]
    return Strip(np.clip(body, 0, 1), alpha, top=top, view=stage.width)


def _body(stage: Stage, below: Floats, near: float) -> Floats:
    """The colour of a slope: mist gathers at its foot, less so the nearer it is."""
    table = ramp([depth_colour(stage, near), mix(depth_colour(stage, near), stage.light.horizon, 0.5 * (1 - near))])
    return table.take((np.clip(below * 2.2, 0, 1) * 255).astype(np.intp), axis=0)


def _facets(stage: Stage, line: Floats, shape: tuple[int, int]) -> Floats:
    """Light and shade of a rough slope, in -1..1: its sides face left and right in turn."""
    # Made at a quarter of the size: rock this far away has no finer grain, and noise is the dearest thing here.
    rows, columns = max(8, shape[0] // 4), shape[1] // 4
    texture = noise(stage.rng, rows, columns, grain=stage.height * 0.04, roughness=2.0, stretch=1.1)
    slope = np.gradient(texture, axis=1) * stage.height * 0.05
    rough = np.asarray(Image.fromarray(slope.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    side = np.gradient(line) * 0.55
    result: Floats = np.clip(rough + side[None, :], -1, 1).astype(np.float32)
    return result


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
    top = int(line.min()) - 2
    rows = np.arange(top, stage.height, dtype=np.float32)[:, None]
    below = (rows - line) / stage.height
    # The lee side is dark at its crest and takes back the light further down; the line between them leans with depth.
    lean = np.gradient(line)[None, :] * 2.2 + 0.10 * np.sin(below * 9 + line[None, :] / stage.height * 40)
    shade = smooth(-0.10, 0.34, lean.astype(np.float32)) * np.exp(-np.clip(below, 0, 1) * 4.5)
    sunny = mix(mix(stage.light.horizon, (0.93, 0.66, 0.38), 0.55), stage.light.lamp, 0.25 * (1 - near))
    dark = mix(mix(stage.light.near, (0.45, 0.22, 0.16), 0.55), stage.light.horizon, 0.4 * (1 - near))
    ripples = 0.022 * np.sin(below * 430 * (1.3 - near) + line[None, :] / stage.height * 260) * near
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
        x += tall * float(stage.rng.uniform(0.10, 0.34))
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
