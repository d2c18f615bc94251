"""A canvas in the encoder's own planes (4:2:0, BT.709), and the layers laid onto it: wide strips, small sprites.

Working in these planes makes a full-size layer cost about a millisecond a frame, where red, green and blue cost five.
"""

from collections.abc import Iterator

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from darkroom.providers.sketch.fields import Bytes, Floats, singles

BT709 = 1
_TO_YUV = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]],
    np.float32,
) * np.array([[219.0], [224.0], [224.0]], np.float32)
_OFFSET = np.array([16.0, 128.0, 128.0], np.float32)

_BAND = 32
"""Rows that are mixed at a time: so many stay in the processor's cache, which halves the time."""


class Canvas:
    """One frame. `planes` are views of `buffer`: brightness at full size, the two colours at half."""

    def __init__(self, width: int, height: int) -> None:
        assert width % 2 == 0
        assert height % 2 == 0
        self.width = width
        self.height = height
        self.buffer = np.zeros((height * 3 // 2, width), np.uint8)
        # One for all frames: making a new one costs four milliseconds.
        self._reformatter = VideoReformatter()
        flat, size = self.buffer.reshape(-1), width * height
        half = (height // 2, width // 2)
        self.planes: tuple[Bytes, Bytes, Bytes] = (
            flat[:size].reshape(height, width),
            flat[size : size * 5 // 4].reshape(half),
            flat[size * 5 // 4 :].reshape(half),
        )

    def fill(self, picture: Floats | Bytes, *, is_sharp: bool = False) -> None:
        """Lay a picture of any size (rows, columns, 3) over the whole canvas, smoothly; `is_sharp` takes Lanczos."""
        frame = av.VideoFrame.from_ndarray(as_bytes(picture), format="rgb24")
        kind = Interpolation.LANCZOS if is_sharp else Interpolation.BICUBIC
        resized = self._reformatter.reformat(
            frame, self.width, self.height, "yuv420p", dst_colorspace=BT709, interpolation=kind
        )
        self.buffer[:] = np.asarray(resized.to_ndarray(), np.uint8)

    def mix(self, other: "Canvas", share: float) -> None:
        """Dissolve into another canvas; a share of 1 is the other one alone."""
        part = round(share * 256)
        mixed = self.buffer * np.uint16(256 - part)
        mixed += other.buffer * np.uint16(part)
        self.buffer[:] = mixed >> 8

    def copy(self, other: "Canvas") -> None:
        self.buffer[:] = other.buffer

    def as_rgb(self) -> Bytes:
        return rgb_of(av.VideoFrame.from_ndarray(self.buffer, format="yuv420p"))


def as_bytes(picture: Floats | Bytes) -> Bytes:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture, np.uint8)
    scaled = np.clip(singles(picture), 0.0, 1.0) * np.float32(255.0)
    scaled += np.float32(0.5)
    return np.asarray(scaled, np.float32).astype(np.uint8)


def rgb_of(frame: av.VideoFrame) -> Bytes:
    """Red, green and blue of a frame that is in BT.709, whatever its tags say."""
    turned = frame.reformat(format="rgb24", src_colorspace=BT709, interpolation=Interpolation.BICUBIC)
    return np.asarray(turned.to_ndarray(), np.uint8)


class Sprite:
    """A small picture with soft edges, ready to be laid onto a canvas anywhere."""

    def __init__(self, rgb: Floats, alpha: Floats) -> None:
        self.height, self.width = alpha.shape
        parts = list(_parts(rgb, alpha))
        # A grey flake of a few pixels leaves no trace in the colour planes: three times as many for the same time.
        is_grey = max(alpha.shape) <= 14 and float(np.ptp(rgb, axis=2).max()) < 0.06
        self.parts = tuple(parts[:1] if is_grey else parts)

    def place(self, canvas: Canvas, x: float, y: float) -> None:
        """Lay it with its centre at (x, y); whatever hangs over the edge is cut off."""
        left, top = round(x - self.width / 2), round(y - self.height / 2)
        for index, (source, keep) in enumerate(self.parts):
            half = min(index, 1)
            _lay(canvas.planes[index], source, keep, left >> half, top >> half)


class Strip:
    """A wide layer that scrolls sideways for ever: its right edge joins its left edge."""

    def __init__(self, rgb: Floats, alpha: Floats, *, top: int, view: int) -> None:
        # Rows without anything in them are cut off at the top; an even number, so that the colour planes stay in step.
        empty = int(np.argmax(alpha.max(axis=1) > 0)) & ~1
        rgb, alpha = rgb[empty:], alpha[empty:]
        self.top = (top + empty) & ~1
        self.width = alpha.shape[1]
        assert self.width % 2 == 0
        self.view = view
        self.parts = tuple((_repeated(colour, view), _repeated(keep, view)) for colour, keep in _parts(rgb, alpha))
        self.solid = tuple(_solid_from(keep) for _, keep in self.parts)

    def place(self, canvas: Canvas, x: float, y: float = 0.0) -> None:
        start, top = round(x) % self.width, self.top + (round(y) & ~1)
        for index, (plane, (source, keep)) in enumerate(zip(canvas.planes, self.parts, strict=True)):
            half = min(index, 1)
            window = slice(start >> half, (start >> half) + (self.view >> half))
            solid = self.solid[index]
            _lay(plane, source[:solid, window], keep[:solid, window], 0, top >> half)
            begin = (top >> half) + solid
            height = min(len(source) - solid, len(plane) - begin)
            plane[begin : begin + height] = source[solid : solid + height, window]


def _parts(rgb: Floats, alpha: Floats) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """For each plane: the colour times its opacity, and how much of what is below stays (of 256)."""
    for channel, plane in enumerate(to_yuv(rgb)):
        colour, cover = plane * alpha, alpha
        if channel:
            colour, cover = _halved(colour), _halved(cover)
        keep = np.round((1.0 - cover) * 256.0)
        yield colour.astype(np.uint16), keep.astype(np.uint16)


def to_yuv(rgb: Floats) -> Floats:
    """Colours (..., 3) of 0..1 as brightness and the two colours (3, ...), 16..240."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    # Written out: a product of many rows with a matrix of three is ten times as slow.
    planes = [red * w[0] + green * w[1] + blue * w[2] + offset for w, offset in zip(_TO_YUV, _OFFSET, strict=True)]
    return np.asarray(planes, np.float32)


def _repeated(plane: NDArray[np.uint16], view: int) -> NDArray[np.uint16]:
    """With its beginning once more behind its end, so that every window is one plain slice."""
    wide = np.arange(plane.shape[1] + view) % plane.shape[1]
    return np.asarray(plane.take(wide, axis=1), np.uint16)


def _solid_from(keep: NDArray[np.uint16]) -> int:
    """The first row from which on nothing shines through: the rest is copied, four times as fast as it is mixed."""
    clear = np.flatnonzero(keep.any(axis=1))
    return int(clear[-1]) + 1 if len(clear) else 0


def _halved(plane: Floats) -> Floats:
    plane = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)), mode="edge")
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) * np.float32(0.25)


def _lay(plane: Bytes, source: NDArray[np.uint16], keep: NDArray[np.uint16], left: int, top: int) -> None:
    y0, y1 = max(top, 0), min(top + source.shape[0], plane.shape[0])
    x0, x1 = max(left, 0), min(left + source.shape[1], plane.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    target = plane[y0:y1, x0:x1]
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    source, keep = source[part], keep[part]
    mixed = np.empty((min(_BAND, y1 - y0), x1 - x0), np.uint16)
    for start in range(0, y1 - y0, _BAND):
        rows = target[start : start + _BAND]
        band = mixed[: len(rows)]
        np.copyto(band, rows)
        band *= keep[start : start + _BAND]
        band >>= 8
        band += source[start : start + _BAND]
        # Never over 255: colour and what stays were weighted so that they share it.
        np.copyto(rows, band, casting="unsafe")


def enlarged(mask: Floats, width: int, height: int) -> Floats:
    """A mask (rows, columns) at another size, smoothly."""
    image = Image.fromarray(np.ascontiguousarray(mask, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32).clip(0.0, 1.0)


def yuv_of(picture: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """The three planes of a picture of any size, the two colours at half of it where the size is even."""
    rows, columns = picture.shape[0] & ~1, picture.shape[1] & ~1
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:rows, :columns]), format="rgb24")
    canvas = Canvas(columns, rows)
    canvas.buffer[:] = frame.reformat(format="yuv420p", dst_colorspace=BT709).to_ndarray()
    return canvas.planes
