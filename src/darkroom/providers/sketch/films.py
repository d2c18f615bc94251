"""Shots made from words and pictures: a scene, a camera over a picture, a way from one to another, cards."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from darkroom.brief import Brief, Role
from darkroom.errors import InputUnusable
from darkroom.media_type import sniff
from darkroom.providers.sketch.air import falling, motes
from darkroom.providers.sketch.cards import Card, spread
from darkroom.providers.sketch.fields import ease
from darkroom.providers.sketch.frames import first_picture, last_picture
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.reading import read
from darkroom.providers.sketch.shot import Shot, length_of, rate_of, size_of, staged
from darkroom.providers.sketch.stage import Layer, Pace, Scene, stage
from darkroom.providers.sketch.stills import Still, covered, load

MARGIN = 1.25
"""A picture under a moving camera is kept this much larger than the frame."""


def given(brief: Brief, role: Role) -> Path | None:
    paths = brief.media.get(role, ())
    return paths[0] if paths else None


def needed(brief: Brief, *roles: Role) -> Path:
    for role in roles:
        path = given(brief, role)
        if path is not None:
            return path
    raise InputUnusable(
        f"{brief.task} needs {' or '.join(role.value.replace('_', ' ') for role in roles)}, and none came along"
    )


def from_words(brief: Brief) -> Shot:
    width, height = size_of(brief)
    fps = rate_of(brief)
    count = length_of(brief, fps)
    built = staged(brief, width, height, duration_s=float(count / fps))

    def frames() -> Iterator[Canvas]:
        canvas = Canvas(width, height)
        for index in range(count):
            built.paint(canvas, float(index / fps))
            yield canvas

    return Shot(width=width, height=height, fps=fps, frame_count=count, frames=frames())


def from_picture(brief: Brief) -> Shot:
    """The given picture under a camera; with only a last picture, a way to it."""
    path = given(brief, Role.IMAGE)
    if path is None and given(brief, Role.LAST_IMAGE):
        return between_pictures(brief)
    return over_picture(brief, load(path or needed(brief, Role.IMAGE, Role.REFERENCE, Role.PERSON)))


def over_picture(brief: Brief, image: Image.Image) -> Shot:
    """The camera pans and zooms over a picture; what the prompt has in the air is in the air here, too."""
    width, height = size_of(brief, modest(image.size))
    fps = rate_of(brief)
    count = length_of(brief, fps)
    still = Still(covered(image, even_up(width * MARGIN), even_up(height * MARGIN)))
    frames = _flight(brief, still, (width, height), count)
    return Shot(width=width, height=height, fps=fps, frame_count=count, frames=frames)


def _flight(brief: Brief, still: Still, size: tuple[int, int], count: int) -> Iterator[Canvas]:
    reading = read(brief.prompt, brief.seed)
    fps = rate_of(brief)
    pace = Pace(max(float(count / fps), 0.04), brief.loop, 1.0)
    turn = reading.seed
    x0, x1 = ((0.2, 0.8), (0.8, 0.2), (0.5, 0.5))[turn % 3]
    y0, y1 = ((0.35, 0.65), (0.65, 0.35), (0.5, 0.5))[(turn >> 4) % 3]
    zoom0, zoom1 = ((1.0, 1.22), (1.22, 1.04))[(turn >> 8) % 2]
    air = _weather(brief, size, pace)
    canvas = Canvas(*size)
    for index in range(count):
        second = float(index / fps)
        share = ease(pace.drift(second) / max(1e-6, pace.drift(pace.duration_s * (0.5 if brief.loop else 1.0))))
        still.show(canvas, zoom=zoom0 + (zoom1 - zoom0) * share, x=x0 + (x1 - x0) * share, y=y0 + (y1 - y0) * share)
        for layer in air:
            layer(canvas, second)
        yield canvas


def _weather(brief: Brief, size: tuple[int, int], pace: Pace) -> list[Layer]:
    reading = read(brief.prompt, brief.seed)
    built = stage(reading, pace, width=size[0], height=size[1], coarse=4096)
    return falling(built, reading.falling) or [motes(built)]


def between_pictures(brief: Brief) -> Shot:
    """Starts on the first picture and ends on the last one; without a first it comes out of the prompt's scene."""
    first_image, last_image = _ends(brief)
    if last_image is None:
        return from_picture(brief) if first_image is None else over_picture(brief, first_image)
    width, height = size_of(brief, modest((first_image or last_image).size))
    fps = rate_of(brief)
    count = length_of(brief, fps)
    last = Still(covered(last_image, width, height))
    if first_image is None:
        opening = staged(brief, width, height, duration_s=float(count / fps))
        frames = _arriving(opening, last, (width, height), count, float(fps))
    else:
        frames = _passing(Still(covered(first_image, width, height)), last, (width, height), count)
    return Shot(width=width, height=height, fps=fps, frame_count=count, frames=frames)


def _ends(brief: Brief) -> tuple[Image.Image | None, Image.Image | None]:
    """The two pictures to go between. Where one is missing, a video lends its last frame to start, its first to end."""
    images = [_leaving(path) for path in brief.media.get(Role.IMAGE, ())]
    videos = list(brief.media.get(Role.VIDEO, ()))
    last_path = given(brief, Role.LAST_IMAGE)
    first = images[0] if images else None
    if first is None and videos:
        first = Image.fromarray(last_picture(videos.pop(0)))
    if last_path is not None:
        return first, opening_picture(last_path)
    if len(images) > 1:
        return first, images[-1]
    return first, Image.fromarray(first_picture(videos[0])) if videos else None


def _leaving(path: Path) -> Image.Image:
    """A picture; of an earlier video in its place, the frame that it ended on."""
    return Image.fromarray(last_picture(path)) if _is_film(path) else load(path)


def opening_picture(path: Path) -> Image.Image:
    """A picture; of a video in its place, the frame that it begins with."""
    return Image.fromarray(first_picture(path)) if _is_film(path) else load(path)


def _is_film(path: Path) -> bool:
    with path.open("rb") as file:
        return (sniff(file.read(64)) or "").startswith("video/")


def _passing(first: Still, last: Still, size: tuple[int, int], count: int) -> Iterator[Canvas]:
    """Both pictures move forward together while one turns into the other: the ends are the pictures themselves."""
    canvas, other = Canvas(*size), Canvas(*size)
    for index in range(count):
        share = ease(index / max(1, count - 1))
        shown = ease((share - 0.15) / 0.7)
        if shown < 1:
            first.show(canvas, zoom=1 + 0.22 * share)
        if shown > 0:
            last.show(other, zoom=1.22 - 0.22 * share)
            canvas.mix(other, shown)
        yield canvas


def _arriving(opening: Scene, last: Still, size: tuple[int, int], count: int, fps: float) -> Iterator[Canvas]:
    canvas, other = Canvas(*size), Canvas(*size)
    for index in range(count):
        share = index / max(1, count - 1)
        shown = ease((share - 0.45) / 0.5)
        if shown < 1:
            opening.paint(canvas, index / fps)
        if shown > 0:
            last.show(other, zoom=1.15 - 0.15 * ease(share))
            canvas.mix(other, shown)
        yield canvas


def with_references(brief: Brief) -> Shot:
    """The reference pictures hang in the prompt's scene and sway there."""
    roles = (Role.REFERENCE, Role.IMAGE, Role.PERSON, Role.GARMENT)
    paths = [path for role in roles for path in brief.media.get(role, ())]
    images = [opening_picture(path) for path in paths] or [
        Image.fromarray(first_picture(needed(brief, Role.REFERENCE, Role.VIDEO)))
    ]
    width, height = size_of(brief)
    fps = rate_of(brief)
    count = length_of(brief, fps)
    built = staged(brief, width, height, duration_s=float(count / fps))
    pace = Pace(max(float(count / fps), 0.04), brief.loop, read(brief.prompt, brief.seed).tempo)
    cards: list[Card] = spread(images, width, height)

    def frames() -> Iterator[Canvas]:
        canvas = Canvas(width, height)
        for index in range(count):
            second = float(index / fps)
            built.paint(canvas, second)
            for card in cards:
                card.put(canvas, pace, second)
            yield canvas

    return Shot(width=width, height=height, fps=fps, frame_count=count, frames=frames())


def modest(size: tuple[int, int]) -> tuple[int, int]:
    """A photograph's shape at a film's size: the long side 1280 at most."""
    shrink = min(1.0, 1280 / max(size))
    return round(size[0] * shrink), round(size[1] * shrink)


def even_up(value: float) -> int:
    return round(value / 2) * 2
