"""A town at the waterside: towers with lit windows, its mirror image in the water, lights that pass."""

import numpy as np

from darkroom.providers.sketch.air import dot
from darkroom.providers.sketch.fields import WHITE, Colour, Floats, mix, tone
from darkroom.providers.sketch.grounds import depth_colour, scrolling, strip_width
from darkroom.providers.sketch.paint import Canvas, Strip
from darkroom.providers.sketch.stage import Layer, Stage

LAMPS: tuple[Colour, ...] = ((1.0, 0.84, 0.52), (1.0, 0.72, 0.38), (0.98, 0.93, 0.80), (0.70, 0.88, 1.0))
SIGNS: tuple[Colour, ...] = (
    (1.0, 0.18, 0.56),
    (0.15, 0.90, 1.0),
    (0.72, 0.30, 1.0),
    (1.0, 0.62, 0.15),
    (0.25, 1.0, 0.62),
)


def skylines(stage: Stage, *, count: int, foot: float) -> list[Layer]:
    """Rows of towers that stand on the line `foot` (share of the height)."""
    layers = []
    for index in range(count):
        near = (index + 0.6) / count
        layers.append(scrolling(stage, _skyline(stage, near=near, foot=foot), near=near * 0.8))
    return layers


def _skyline(stage: Stage, *, near: float, foot: float) -> Strip:
    width, height = strip_width(stage), round(stage.height * foot)
    rgb, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    x = 0
    while x < width:
        wide = int(stage.height * stage.rng.uniform(0.045, 0.11) * (0.7 + near))
        tall = stage.height * float(stage.rng.beta(1.6, 2.6)) * (0.72 - 0.30 * near) + stage.height * 0.10
        _tower(stage, rgb, alpha, (x, max(2, int(height - tall)), min(x + wide, width)), near)
        # At least one column on: a picture of a few pixels would otherwise never be full.
        x += max(1, wide + int(stage.rng.integers(-2, max(1, int(wide * 0.35)))))
    top = int(np.argmax(alpha.max(axis=1) > 0)) & ~1
    return Strip(rgb[top:], alpha[top:], top=top, view=stage.width)


def _tower(stage: Stage, rgb: Floats, alpha: Floats, box: tuple[int, int, int], near: float) -> None:
    left, top, right = box
    if right - left < 4:
        return
    wall = tone(depth_colour(stage, near * 0.9)) * float(stage.rng.uniform(0.82, 1.12))
    rows = rgb.shape[0]
    # The street lights the foot of a tower; one side takes a little of the sky.
    lift = np.linspace(0, 1, rows - top, dtype=np.float32)[:, None, None] ** 2
    side = np.linspace(0.88, 1.10, right - left, dtype=np.float32)[None, :, None]
    rgb[top:, left:right] = wall * side + (tone(stage.light.horizon) - wall) * lift * 0.35
    alpha[top:, left:right] = 1.0
    _roof(stage, rgb, alpha, box, wall)
    _windows(stage, rgb, box, near)
    if near > 0.4 and stage.light.stars and stage.rng.random() < 0.34:
        _sign(stage, rgb, box)


def _roof(stage: Stage, rgb: Floats, alpha: Floats, box: tuple[int, int, int], wall: Floats) -> None:
    left, top, right = box
    kind, middle = int(stage.rng.integers(0, 4)), (left + right) // 2
    if kind == 0:
        rise, half = int(stage.height * 0.07), max(1, stage.height // 480)
        rgb[max(0, top - rise) : top, middle - half : middle + half] = wall
        alpha[max(0, top - rise) : top, middle - half : middle + half] = 1.0
    elif kind == 1:
        for step in range(1, 4):
            inset, rise = (right - left) * step // 8, int(stage.height * 0.012)
            rows = slice(max(0, top - rise * step), max(0, top - rise * (step - 1)))
            rgb[rows, left + inset : right - inset] = wall
            alpha[rows, left + inset : right - inset] = 1.0


def _windows(stage: Stage, rgb: Floats, box: tuple[int, int, int], near: float) -> None:
    left, top, right = box
    pitch = max(4, int(stage.height * (0.008 + 0.009 * near)))
    pane, margin = max(2, pitch * 5 // 9), pitch
    columns, rows = (right - left - 2 * margin + pitch // 2) // pitch, (rgb.shape[0] - top - margin) // (pitch * 4 // 3)
    if columns < 1 or rows < 1:
        return
    # Whole floors are lit or dark together more often than single rooms are.
    lit = stage.rng.random((rows, columns)) < (0.10 + 0.62 * stage.rng.random((rows, 1)) ** 2)
    strength = (0.95 if stage.light.stars else 0.30) * (0.55 + 0.45 * near)
    lamp = np.asarray(LAMPS[int(stage.rng.integers(0, len(LAMPS)))], np.float32)
    for row, column in np.argwhere(lit):
        y, x = top + margin + int(row) * (pitch * 4 // 3), left + margin + int(column) * pitch
        share = strength * float(stage.rng.uniform(0.45, 1.0))
        spot = rgb[y : y + pane, x : x + pane]
        spot += (lamp - spot) * share


def _sign(stage: Stage, rgb: Floats, box: tuple[int, int, int]) -> None:
    """A tall neon sign with its glow on the wall."""
    left, top, right = box
    colour = np.asarray(SIGNS[int(stage.rng.integers(0, len(SIGNS)))], np.float32)
    x = int(stage.rng.integers(left + 2, max(left + 3, right - 4)))
    y = top + int((rgb.shape[0] - top) * stage.rng.uniform(0.1, 0.4))
    tall, wide = int(stage.height * stage.rng.uniform(0.05, 0.12)), max(2, stage.height // 200)
    reach = wide * 7
    columns = np.arange(max(0, x - reach), min(rgb.shape[1], x + wide + reach))
    near = np.exp(-(((columns - x - wide / 2) / (reach * 0.45)) ** 2)).astype(np.float32)
    wall = rgb[y : y + tall, columns[0] : columns[-1] + 1]
    wall += (colour - wall) * (near * 0.5)[None, :, None]
    rgb[y : y + tall, x : x + wide] = mix(tuple(colour), WHITE, 0.45)


def mirrored(stage: Stage, *, line: float) -> Layer:
    """Below `line` the picture is its own reflection: darker, squeezed and rippled."""

    def paint(canvas: Canvas, second: float) -> None:
        for index, plane in enumerate(canvas.planes):
            shore = round(plane.shape[0] * line)
            depth = np.arange(plane.shape[0] - shore, dtype=np.float32)
            share = depth / max(1, len(depth))
            swell = np.sin(
                depth * (900 / plane.shape[0]) ** 0.5 * 0.55 / (0.3 + share)
                - np.float32(6.283 * stage.pace.turns(1.1, second))
            )
            rows = shore - 1 - depth * 1.25 + swell * share * plane.shape[0] * 0.014
            image = plane.take(np.clip(rows, 0, shore - 1).astype(np.intp), axis=0)
            dim = np.float32(0.80) - np.float32(0.45) * share[:, None]
            calm = np.float32(128 if index else 22)
            plane[shore:] = (calm + (image - calm) * dim).astype(np.uint8)

    return paint


def traffic(stage: Stage, *, line: float) -> Layer:
    """Lamps that travel along the quay, white one way and red the other."""
    size = stage.height * 0.009
    sprites = [dot(size, colour, core=0.35) for colour in ((1.0, 0.94, 0.78), (1.0, 0.22, 0.16))]
    cars = [
        (i % 2, float(stage.rng.random()), float(stage.rng.uniform(0.06, 0.12))) for i in range(round(9 * stage.aspect))
    ]

    def paint(canvas: Canvas, second: float) -> None:
        for way, start, speed in cars:
            at = (start + stage.pace.turns(speed if way else -speed, second)) % 1.0
            sprites[way].place(canvas, at * (stage.width + 60) - 30, stage.height * line - size * (1.0 + 0.9 * way))

    return paint
