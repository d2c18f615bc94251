"""A shot: what a task hands to the encoder, frame by frame, so that each task says only what is in the picture."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from darkroom.brief import Brief, Modality
from darkroom.providers.sketch.fields import Floats
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.reading import read
from darkroom.providers.sketch.scenes import scene
from darkroom.providers.sketch.stage import Pace, Scene, stage

VIDEO_SIDE_AT_MOST = 4096
IMAGE_SIDE_AT_MOST = 8192
FILM_GRAIN = 432 * 243
STILL_GRAIN = 1600 * 1600
"""Pixels of a scene's coarse grid: what moves forgives more than what stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """`frames` may hand out the same canvas again and again: it is written before the next one is asked for."""

    width: int
    height: int
    fps: Fraction
    frame_count: int
    frames: Iterator[Canvas]
    sound: Floats | None = None

    @property
    def duration_s(self) -> float:
        return float(self.frame_count / self.fps)


def even(value: float, most: int) -> int:
    """The encoder takes only even sides."""
    return min(max(16, round(value / 2) * 2), most)


def size_of(brief: Brief, source: tuple[int, int] | None = None) -> tuple[int, int]:
    """The asked size in pixels; where one side or both are open, the source's shape, else the usual one."""
    is_image = brief.modality is Modality.IMAGE
    most = IMAGE_SIDE_AT_MOST if is_image else VIDEO_SIDE_AT_MOST
    usual = source or ((1024, 1024) if is_image else (1280, 720))
    width, height = _completed(brief.width, brief.height, usual)
    shrink = min(1.0, most / max(width, height))
    if is_image:
        # Pictures may have odd sides; only the film's encoder minds.
        return max(1, round(width * shrink)), max(1, round(height * shrink))
    return even(width * shrink, most), even(height * shrink, most)


def _completed(width: int | None, height: int | None, usual: tuple[int, int]) -> tuple[float, float]:
    if width is None and height is None:
        return usual
    if width is None:
        assert height is not None
        return height * usual[0] / usual[1], height
    return width, width * usual[1] / usual[0] if height is None else height


def rate_of(brief: Brief) -> Fraction:
    return Fraction(min(max(brief.fps, 1), 120))


def length_of(brief: Brief, fps: Fraction, usual_s: float = 5.0) -> int:
    """How many frames; at least one."""
    return max(1, round((brief.duration_s or usual_s) * fps))


def staged(brief: Brief, width: int, height: int, *, duration_s: float, grain: int = FILM_GRAIN) -> Scene:
    """The scene that the prompt asks for."""
    reading = read(brief.prompt, brief.seed)
    pace = Pace(max(duration_s, 0.04), brief.loop, reading.tempo)
    return scene(stage(reading, pace, width=width, height=height, coarse=grain))


def numbered(brief: Brief, index: int) -> Brief:
    """The same brief for the next result: another seed, so that no two are alike."""
    return brief if index == 0 else replace(brief, seed=(brief.seed or 0) + index)
