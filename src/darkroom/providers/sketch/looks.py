"""A look for given pictures, from the prompt: its colours, posterised or with drawn edges where it asks for them."""

from dataclasses import dataclass

import numpy as np

from darkroom.brief import Brief
from darkroom.providers.sketch.fields import BLACK, WHITE, Bytes, Floats, mix, ramp
from darkroom.providers.sketch.paint import Canvas, to_yuv
from darkroom.providers.sketch.reading import read
from darkroom.providers.sketch.stage import LIGHT

DRAWN = ("anime", "cartoon", "comic", "sketch", "ink", "drawing", "manga", "pencil", "line")
FLAT = ("poster", "pop", "flat", "pixel", "minimal", "vector", "cel", "cartoon", "comic")
COLOURLESS = ("monochrome", "noir", "black-and-white", "grayscale", "greyscale")

STRENGTH = 0.62
"""How far the colours follow the prompt: the rest stays with the picture, so that it is recognised."""


@dataclass(frozen=True, slots=True)
class Look:
    """Three tables over brightness: the new brightness, and the two colours to lean towards."""

    brightness: Bytes
    blue: Floats
    red: Floats
    has_edges: bool

    def apply(self, canvas: Canvas) -> None:
        luma, blue, red = canvas.planes
        edges = _edges(luma) if self.has_edges else None
        level = luma[::2, ::2]
        for plane, table in ((blue, self.blue), (red, self.red)):
            plane[:] = plane * np.float32(1 - STRENGTH) + table.take(level)
        luma[:] = self.brightness.take(luma)
        if edges is not None:
            np.subtract(luma, np.minimum(edges, luma - np.minimum(luma, 16)), out=luma)


def look_of(brief: Brief) -> Look:
    words = brief.prompt.lower()
    light = LIGHT[read(brief.prompt, brief.seed).light]
    tints = read(brief.prompt, brief.seed).tints
    light = light.tinted(tints)
    bright = tints[-1] if tints else light.horizon
    table = ramp([mix(light.near, BLACK, 0.3), light.zenith, light.middle, bright, mix(bright, WHITE, 0.7)])
    if _says(words, COLOURLESS):
        table = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[:, None], 3, axis=1)
    colours = to_yuv(table)
    return Look(
        brightness=_curve(colours[0], flat=_says(words, FLAT)),
        blue=colours[1] * np.float32(STRENGTH),
        red=colours[2] * np.float32(STRENGTH),
        has_edges=_says(words, DRAWN),
    )


def _says(words: str, vocabulary: tuple[str, ...]) -> bool:
    return any(word in words for word in vocabulary)


def _curve(colours: Floats, *, flat: bool) -> Bytes:
    """Mostly the old brightness with more contrast, some of the new colours' own; in six steps to look flat."""
    old = np.arange(256, dtype=np.float32)
    share = np.clip((old - 16) / 219, 0, 1)
    contrast = share * share * (3 - 2 * share)
    if flat:
        contrast = np.round(contrast * 6) / 6
    curve = 16 + 219 * (0.55 * contrast + 0.45 * share)
    return np.clip(0.78 * curve + 0.22 * colours, 16, 235).round().astype(np.uint8)


def _edges(luma: Bytes) -> Bytes:
    """Dark lines where neighbours differ."""
    across = np.abs(np.diff(luma.astype(np.int16), axis=1, prepend=luma[:, :1]))
    down = np.abs(np.diff(luma.astype(np.int16), axis=0, prepend=luma[:1]))
    return np.asarray(np.clip((across + down - 14) * 6, 0, 190), np.uint8)
