"""The honest mark in the corner of every picture: which model was asked, and that this is a sketch of its answer."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from darkroom.providers.sketch.paint import Canvas, Sprite


class Mark:
    def __init__(self, model: str, width: int, height: int) -> None:
        size = max(8, round(min(width, height) * 0.026))
        self._letters = _written(f"{model} · sketch", size, room=width - size)
        self._corner = (
            width - self._letters.width - round(size * 0.35),
            height - self._letters.height - round(size * 0.25),
        )

        pixels = np.asarray(self._letters, np.float32) / 255
        self._sprite = Sprite(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))

    def put(self, canvas: Canvas) -> None:
        x, y = self._corner
        self._sprite.place(canvas, x + self._sprite.width / 2, y + self._sprite.height / 2)

    def on_picture(self, picture: Image.Image) -> Image.Image:
        """A copy of a finished picture that bears the mark."""
        marked = picture.copy()
        marked.paste(self._letters, self._corner, self._letters)
        return marked


def _written(text: str, size: int, *, room: int) -> Image.Image:
    """White letters on their own soft shadow, legible over any picture; smaller where the name would not fit."""
    font = ImageFont.load_default(size)
    while size > 5 and font.getlength(text) + size > room:
        size -= 1
        font = ImageFont.load_default(size)
    wide, tall = round(font.getlength(text)) + size, round(size * 1.9)
    letters = Image.new("L", (wide, tall))
    ImageDraw.Draw(letters).text((size / 2, tall / 2), text, fill=255, font=font, anchor="lm")
    shadow = np.asarray(letters.filter(ImageFilter.GaussianBlur(size * 0.16)), np.float32) / 255
    ink = np.asarray(letters, np.float32) / 255 * np.float32(0.82)
    dark = np.clip(shadow * np.float32(1.3), 0, 1) * np.float32(0.55)
    alpha = ink + dark * (1 - ink)
    white = np.repeat((ink / np.maximum(alpha, 1e-4))[..., None], 3, axis=2)
    return Image.fromarray((np.dstack([white, alpha]) * 255).round().astype(np.uint8))
