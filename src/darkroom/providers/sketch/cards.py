"""Pictures as cards with a white border and a shadow, that hang in a scene."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from darkroom.providers.sketch.paint import Canvas, Sprite
from darkroom.providers.sketch.stage import Pace

CARDS_AT_MOST = 8
LEANS = (-4.0, 3.0, -2.0, 5.0, -3.0, 2.0, -5.0, 4.0)
"""Degrees: hung by hand, not by a machine."""


@dataclass(frozen=True, slots=True)
class Card:
    sprite: Sprite
    x: float
    y: float
    phase: float

    def put(self, canvas: Canvas, pace: Pace, second: float) -> None:
        swing = pace.wave(0.16, second, self.phase)
        drift = pace.wave(0.09, second, self.phase + 0.4)
        self.sprite.place(canvas, self.x + drift * canvas.width * 0.012, self.y + swing * canvas.height * 0.022)


def spread(images: list[Image.Image], width: int, height: int) -> list[Card]:
    """Lay the pictures out in rows, each as large as its cell allows."""
    shown = images[:CARDS_AT_MOST]
    columns = min(len(shown), max(1, round(math.sqrt(len(shown) * width / height))))
    rows = math.ceil(len(shown) / columns)
    cell = (width * 0.88 / columns, height * 0.80 / rows)
    cards = []
    for index, image in enumerate(shown):
        row, column = divmod(index, columns)
        in_row = min(columns, len(shown) - row * columns)
        x = width / 2 + (column - (in_row - 1) / 2) * cell[0]
        y = height * 0.47 + (row - (rows - 1) / 2) * cell[1]
        cards.append(Card(_printed(image, cell, LEANS[index]), x, y, index * 0.31))
    return cards


def shelf(images: list[Image.Image], width: int, height: int) -> list[Card]:
    """The pictures in a row along the lower edge, small: the rest of the frame belongs to what is behind them."""
    shown = images[:CARDS_AT_MOST]
    cell = (width * min(0.22, 0.88 / max(1, len(shown))), height * 0.32)
    return [
        Card(_printed(image, cell, LEANS[index]), width * 0.06 + cell[0] * (index + 0.5), height * 0.80, index * 0.31)
        for index, image in enumerate(shown)
    ]


def _printed(image: Image.Image, cell: tuple[float, float], lean: float) -> Sprite:
    room = (max(8, round(cell[0] * 0.80)), max(8, round(cell[1] * 0.80)))
    border = max(2, round(min(room) * 0.03))
    print_ = ImageOps.expand(ImageOps.contain(image, room, Image.Resampling.LANCZOS), border, "#f6f4ef").convert("RGBA")
    pad = max(4, round(min(room) * 0.08))
    sheet = Image.new("RGBA", (print_.width + 2 * pad, print_.height + 2 * pad))
    sheet.paste(print_, (pad, pad))
    sheet = sheet.rotate(lean, Image.Resampling.BICUBIC, expand=True)
    shadow = Image.new("RGBA", sheet.size)
    shadow.putalpha(
        sheet.getchannel("A").point(lambda level: level * 0.55).filter(ImageFilter.GaussianBlur(pad * 0.45))
    )
    shadow.alpha_composite(sheet)
    pixels = np.asarray(shadow, np.float32) / 255
    return Sprite(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))
