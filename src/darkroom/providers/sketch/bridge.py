"""New frames between what was and what will be: on from a last frame, up to a first one, through the prompt's scene."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image

from darkroom.brief import Brief
from darkroom.providers.sketch.fields import Bytes, ease
from darkroom.providers.sketch.motion import shift_between
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.shot import staged
from darkroom.providers.sketch.stills import Still, covered

THROUGH = 0.85
"""How much of the prompt's scene shows where it shows most."""


@dataclass(frozen=True, slots=True)
class Travel:
    """The camera's movement when the footage stopped, in shares of the picture a frame."""

    x: float = 0.0
    y: float = 0.0

    @classmethod
    def after(cls, before: Bytes, last: Bytes) -> "Travel":
        shift = shift_between(before, last)
        return cls(-shift.x, -shift.y)


class Bridge:
    """`first` and `last` are the frames on either side, themselves not shown again; at least one is usual."""

    def __init__(self, brief: Brief, first: Bytes | None, last: Bytes | None, travel: Travel) -> None:
        self._brief = brief
        self._first = first
        self._last = last
        self._travel = travel

    def frames(self, canvas: Canvas, count: int, fps: Fraction) -> Iterator[Canvas]:
        size = (canvas.width, canvas.height)
        first, last = _still(self._first, size), _still(self._last, size)
        built = staged(self._brief, *size, duration_s=float(count / fps))
        other = Canvas(*size)
        for index in range(count):
            share = (index + 1) / count if self._last is not None else (index + 1) / (count + 1)
            seen = _seen(share, has_first=first is not None, has_last=last is not None)
            if first is None or seen > 0:
                built.paint(other, float(index / fps))
            if first is None:
                canvas.copy(other)
            else:
                self._on(first, canvas, index + 1, share)
                canvas.mix(other, seen)
            if last is not None and (arrived := ease((share - 0.4) / 0.6)) > 0:
                last.show(other, zoom=1 + 0.10 * (1 - ease(share)))
                canvas.mix(other, arrived)
            yield canvas

    def _on(self, first: Still, canvas: Canvas, frame: int, share: float) -> None:
        """Go on with the speed that the footage had, slower and slower, and a little forward to have room for it."""
        zoom = 1 + 0.20 * ease(share)
        room = 1 - 1 / zoom
        glide = 12 * (1 - math.exp(-frame / 12))
        x, y = (
            0.5 + (self._travel.x * glide / room if room > 1e-4 else 0),
            0.5 + (self._travel.y * glide / room if room > 1e-4 else 0),
        )
        first.show(canvas, zoom=zoom, x=min(max(x, 0.0), 1.0), y=min(max(y, 0.0), 1.0))


def _seen(share: float, *, has_first: bool, has_last: bool) -> float:
    """How much of the scene shows over the first picture."""
    if not has_first:
        return 1.0
    if has_last:
        return THROUGH * math.sin(math.pi * ease(share)) ** 2
    return THROUGH * ease((share - 0.08) / 0.85)


def _still(picture: Bytes | None, size: tuple[int, int]) -> Still | None:
    return None if picture is None else Still(covered(Image.fromarray(np.ascontiguousarray(picture)), *size))
