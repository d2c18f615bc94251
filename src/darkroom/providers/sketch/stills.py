"""Pictures that stand still: reads the given ones, fits them, writes results and thumbnails."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from darkroom.errors import InputUnusable
from darkroom.providers.sketch.fields import Bytes
from darkroom.providers.sketch.paint import Canvas, yuv_of

THUMBNAIL_SIDE = 512
PIXELS_AT_MOST = 80_000_000
"""More than any camera's picture; a small file can claim to be larger than the memory."""

_WRITING: dict[str, tuple[str, dict[str, object]]] = {
    "png": ("PNG", {"compress_level": 4}),
    "jpg": ("JPEG", {"quality": 93, "subsampling": 0}),
    "jpeg": ("JPEG", {"quality": 93, "subsampling": 0}),
    "webp": ("WEBP", {"quality": 90, "method": 3}),
    "avif": ("AVIF", {"quality": 82, "speed": 8, "max_threads": 1}),
}
"""Ending to Pillow's name for the format, and how to write it."""


def load(path: Path) -> Image.Image:
    """An upright picture in red, green and blue: turned as its camera noted, laid on white where it is transparent."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > PIXELS_AT_MOST:
                raise InputUnusable(
                    f"the image '{path.name}' has more than {PIXELS_AT_MOST // 1_000_000} million pixels"
                )
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                clear = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
            return upright.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputUnusable(f"the image '{path.name}' cannot be decoded") from error


def covered(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture, cut and scaled so that it fills the size."""
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def save(picture: Bytes | Image.Image, path: Path) -> None:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    name, options = _WRITING[path.suffix[1:]]
    image.save(path, name, **options)


def thumbnail(picture: Bytes | Image.Image, path: Path) -> Path:
    image = picture.copy() if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.save(path, "JPEG", quality=86)
    return path


class Still:
    """A picture under a moving camera: any part of it, by fractions of a pixel, onto a canvas."""

    def __init__(self, image: Image.Image) -> None:
        self.width, self.height = image.size
        self._planes = [Image.fromarray(plane) for plane in yuv_of(np.asarray(image))]

    def show(self, canvas: Canvas, *, zoom: float = 1.0, x: float = 0.5, y: float = 0.5) -> None:
        """Fill the canvas with the part that a camera sees; x and y place it between the edges (0 to 1)."""
        scale = max(canvas.width / self.width, canvas.height / self.height) * zoom
        wide, tall = canvas.width / scale, canvas.height / scale
        left, top = (self.width - wide) * x, (self.height - tall) * y
        box = (max(left, 0.0), max(top, 0.0), min(left + wide, self.width), min(top + tall, self.height))
        for source, target in zip(self._planes, canvas.planes, strict=True):
            size = (target.shape[1], target.shape[0])
            ratio = source.width / self.width
            part = (box[0] * ratio, box[1] * ratio, box[2] * ratio, box[3] * ratio)
            target[:] = np.asarray(source.resize(size, Image.Resampling.BILINEAR, box=part))
