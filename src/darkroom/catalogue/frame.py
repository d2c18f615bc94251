"""Width and height in pixels, from the words that callers use: `1024x1024`, `1080p`, `4K`, `9:16`."""

import re
from functools import lru_cache

from darkroom.brief import Modality

SHORT_SIDE = {"hd": 720, "fhd": 1080, "2k": 1440, "4k": 2160}
"""A named video resolution is the height of a lying picture, and the width of a standing one."""

LONG_SIDE = {"0.5k": 512, "1k": 1024, "2k": 2048, "3k": 3072, "4k": 4096}
"""A named image resolution is the longer side."""

USUAL_RATIO = {Modality.VIDEO: 16 / 9, Modality.IMAGE: 1.0}
USUAL_RESOLUTION = {Modality.VIDEO: "720p", Modality.IMAGE: "1k"}

PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*[x:*]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)

Size = tuple[int | None, int | None]


@lru_cache(maxsize=1024)
def frame(
    modality: Modality, *, size: str = "", resolution: str = "", aspect_ratio: str = "", has_source: bool = False
) -> Size:
    """Width and height, both even. With a source that lends its shape, what no word says stays open: None."""
    for text in (size, resolution):
        if pixels := _pixels(text):
            return pixels
    ratio = _ratio(aspect_ratio) or _ratio(size)
    if ratio is None and has_source:
        return (None, _side(modality, resolution)) if resolution else (None, None)
    return _shaped(modality, resolution or USUAL_RESOLUTION[modality], ratio or USUAL_RATIO[modality])


def _shaped(modality: Modality, resolution: str, ratio: float) -> tuple[int, int]:
    side = _side(modality, resolution)
    is_lying = ratio >= 1
    if modality is Modality.IMAGE and resolution.strip().lower() in LONG_SIDE:
        return (side, _even(side / ratio)) if is_lying else (_even(side * ratio), side)
    return (_even(side * ratio), side) if is_lying else (side, _even(side / ratio))


def _side(modality: Modality, resolution: str) -> int:
    word = resolution.strip().lower()
    return LONG_SIDE[word] if modality is Modality.IMAGE and word in LONG_SIDE else _short_side(word)


def _short_side(word: str) -> int:
    number = word.removesuffix("p")
    return _even(int(number)) if number.isdigit() else SHORT_SIDE.get(word, 720)


def _pixels(text: str) -> tuple[int, int] | None:
    pair = _pair(text)
    # 1280:720 is a size and 16:9 is a shape: nobody writes a shape with numbers as large as a picture's sides.
    return (_even(pair[0]), _even(pair[1])) if pair and min(pair) >= 64 else None


def _ratio(text: str) -> float | None:
    pair = _pair(text)
    return pair[0] / pair[1] if pair and 0 < min(pair) < 64 else None


def _pair(text: str) -> tuple[float, float] | None:
    match = PAIR.fullmatch(text.strip())
    return (float(match[1]), float(match[2])) if match else None


def _even(length: float) -> int:
    # H.264 stores colour for every second line only, and cannot store half a one.
    return max(2, round(length / 2) * 2)
