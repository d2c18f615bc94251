"""How a picture moved from one frame to the next, found by phase correlation of two small grey copies."""

from dataclasses import dataclass

import numpy as np

from darkroom.providers.sketch.fields import Bytes, Floats

_SIDE = 96


@dataclass(frozen=True, slots=True)
class Shift:
    """A movement in shares of the picture's width and height."""

    x: float
    y: float

    def __add__(self, other: "Shift") -> "Shift":
        return Shift(self.x + other.x, self.y + other.y)

    def pulled_back(self) -> "Shift":
        """A little back to the middle: without this a long pan would run off the picture and stay there."""
        return Shift(self.x * 0.985, self.y * 0.985)


def shift_between(before: Bytes, after: Bytes) -> Shift:
    one, other = np.fft.rfft2(_grey(before)), np.fft.rfft2(_grey(after))
    cross = other * np.conj(one)
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), s=(_SIDE, _SIDE))
    row, column = np.unravel_index(int(np.argmax(peaks)), peaks.shape)
    down, across = (((int(place) + _SIDE // 2) % _SIDE - _SIDE // 2) / _SIDE for place in (row, column))
    # A jump over a quarter of the picture is a cut, not a movement.
    return Shift(across, down) if max(abs(down), abs(across)) < 0.25 else Shift(0.0, 0.0)


def _grey(picture: Bytes) -> Floats:
    rows = np.linspace(0, picture.shape[0] - 1, _SIDE).astype(np.intp)
    columns = np.linspace(0, picture.shape[1] - 1, _SIDE).astype(np.intp)
    small = picture[np.ix_(rows, columns)].mean(axis=2, dtype=np.float32)
    window = np.hanning(_SIDE).astype(np.float32)
    result: Floats = (small - small.mean()) * window[:, None] * window[None, :]
    return result
