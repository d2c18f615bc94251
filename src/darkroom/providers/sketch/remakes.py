"""Shots made from given footage: restyled, moved along with, continued, mended in the middle, enlarged."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from darkroom.brief import Brief, Role
from darkroom.providers.sketch.bridge import Bridge, Travel
from darkroom.providers.sketch.cards import shelf
from darkroom.providers.sketch.fields import Bytes, Floats
from darkroom.providers.sketch.films import MARGIN, given, needed, opening_picture
from darkroom.providers.sketch.frames import SAMPLE_RATE, Footage, examine, first_picture, pictures
from darkroom.providers.sketch.looks import look_of
from darkroom.providers.sketch.motion import Shift, shift_between
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.reading import read
from darkroom.providers.sketch.recording import fitted, listen
from darkroom.providers.sketch.shot import VIDEO_SIDE_AT_MOST, Shot, even, length_of, size_of
from darkroom.providers.sketch.stage import Pace
from darkroom.providers.sketch.stills import Still, covered, load

Frames = Callable[[Canvas], Iterator[Canvas]]


def restyled(brief: Brief) -> Shot:
    """The footage's own frames and timing in the prompt's colours, with the reference pictures in front."""
    footage = examine(needed(brief, Role.VIDEO))
    look = look_of(brief)
    images = [opening_picture(path) for role in (Role.REFERENCE, Role.IMAGE) for path in brief.media.get(role, ())]
    pace = Pace(max(footage.duration_s, 0.04), brief.loop, read(brief.prompt, brief.seed).tempo)

    def frames(canvas: Canvas) -> Iterator[Canvas]:
        cards = shelf(images, canvas.width, canvas.height)
        for index, picture in enumerate(pictures(footage)):
            canvas.fill(shaped(picture, canvas))
            look.apply(canvas)
            for card in cards:
                card.put(canvas, pace, float(index / footage.fps))
            yield canvas

    return _remade(brief, footage, frames)


def moved(brief: Brief) -> Shot:
    """The given picture, or the first one of a given video, under a camera that moves as the footage does."""
    footage = examine(needed(brief, Role.VIDEO))
    image = opening_picture(needed(brief, Role.IMAGE, Role.PERSON, Role.REFERENCE))

    def frames(canvas: Canvas) -> Iterator[Canvas]:
        still = Still(covered(image, even(canvas.width * MARGIN, 1 << 14), even(canvas.height * MARGIN, 1 << 14)))
        before: Bytes | None = None
        place = Shift(0.0, 0.0)
        for picture in pictures(footage):
            if before is not None:
                place = place.pulled_back() + shift_between(before, picture)
            before = picture
            still.show(canvas, zoom=1.25, x=0.5 - place.x * 2.2, y=0.5 - place.y * 2.2)
            yield canvas

    return _remade(brief, footage, frames)


def extended(brief: Brief) -> Shot:
    """The footage and new frames that go on from its last one; or lead to its first one, when the brief says so."""
    videos = brief.media.get(Role.VIDEO, ())
    footage = examine(videos[0] if videos else needed(brief, Role.VIDEO))
    width, height = size_of(brief, (footage.width, footage.height))
    count = length_of(brief, footage.fps)
    other = _destination(brief)
    make = _with_lead_in if brief.prepend else _with_continuation
    lead = count if brief.prepend else 0
    return Shot(
        width=width,
        height=height,
        fps=footage.fps,
        frame_count=footage.frame_count + count,
        frames=make(brief, footage, other, Canvas(width, height), count),
        sound=_sound(brief, footage, delay=float(lead / footage.fps)),
    )


def _destination(brief: Brief) -> Bytes | None:
    """Where the new frames begin (prepend) or end: a given picture, or the first frame of a second video."""
    path = given(brief, Role.IMAGE) if brief.prepend else None
    path = path or given(brief, Role.LAST_IMAGE)
    if path is not None:
        return np.asarray(load(path))
    videos = brief.media.get(Role.VIDEO, ())
    return first_picture(videos[1]) if len(videos) > 1 else None


def _with_continuation(
    brief: Brief, footage: Footage, end: Bytes | None, canvas: Canvas, count: int
) -> Iterator[Canvas]:
    last, before = None, None
    for picture in pictures(footage):
        last, before = picture, last
        canvas.fill(shaped(picture, canvas))
        yield canvas
    assert last is not None
    travel = Travel.after(before, last) if before is not None else Travel()
    yield from Bridge(brief, shaped(last, canvas), end, travel).frames(canvas, count, footage.fps)


def _with_lead_in(brief: Brief, footage: Footage, begin: Bytes | None, canvas: Canvas, count: int) -> Iterator[Canvas]:
    first = first_picture(footage.path)
    yield from Bridge(brief, begin, shaped(first, canvas), Travel()).frames(canvas, count, footage.fps)
    for picture in pictures(footage):
        canvas.fill(shaped(picture, canvas))
        yield canvas


def retaken(brief: Brief) -> Shot:
    """The footage with the span from `start_s` to `end_s` taken anew; every other frame stays."""
    footage = examine(needed(brief, Role.VIDEO))
    total = footage.frame_count
    first = min(max(0, round((brief.start_s or 0.0) * footage.fps)), total - 1)
    end = total if brief.end_s is None else round(brief.end_s * footage.fps)
    end = min(max(end, first + 1), total)

    def frames(canvas: Canvas) -> Iterator[Canvas]:
        left, right = _edges_of(footage, first, end)
        between = None
        for index, picture in enumerate(pictures(footage)):
            if first <= index < end:
                if between is None:
                    begin = None if left is None else shaped(left, canvas)
                    finish = None if right is None else shaped(right, canvas)
                    between = Bridge(brief, begin, finish, Travel()).frames(canvas, end - first, footage.fps)
                yield next(between)
            else:
                canvas.fill(shaped(picture, canvas))
                yield canvas

    return _remade(brief, footage, frames)


def _edges_of(footage: Footage, first: int, end: int) -> tuple[Bytes | None, Bytes | None]:
    """The frames just before and just after a span."""
    left = right = None
    for index, picture in enumerate(pictures(footage)):
        if index == first - 1:
            left = picture
        if index == end:
            right = picture
            break
    return left, right


def upscaled(brief: Brief) -> Shot:
    """The footage enlarged by the brief's scale, or to its size."""
    footage = examine(needed(brief, Role.VIDEO))
    scale = min(brief.scale, VIDEO_SIDE_AT_MOST / max(footage.width, footage.height))
    size = (round(footage.width * scale), round(footage.height * scale))

    def frames(canvas: Canvas) -> Iterator[Canvas]:
        for picture in pictures(footage):
            canvas.fill(shaped(picture, canvas), is_sharp=True)
            yield canvas

    return _remade(brief, footage, frames, size=size)


def _remade(brief: Brief, footage: Footage, frames: Frames, size: tuple[int, int] | None = None) -> Shot:
    width, height = size_of(brief, size or (footage.width, footage.height))
    return Shot(
        width=width,
        height=height,
        fps=footage.fps,
        frame_count=footage.frame_count,
        frames=frames(Canvas(width, height)),
        sound=_sound(brief, footage),
    )


def _sound(brief: Brief, footage: Footage, *, delay: float = 0.0) -> Floats | None:
    if not (brief.keep_audio and footage.has_sound):
        return None
    samples = fitted(listen(footage.path, rate=SAMPLE_RATE), round(footage.duration_s * SAMPLE_RATE))
    return np.pad(samples, ((0, 0), (round(delay * SAMPLE_RATE), 0)))


def shaped(picture: Bytes, canvas: Canvas) -> Bytes:
    """The middle of a picture in the canvas's shape; the canvas itself scales."""
    rows, columns = picture.shape[:2]
    wanted = Fraction(canvas.width, canvas.height)
    # The encoder's even sides change a shape by a hair: that is not worth a crop.
    if abs(columns / rows / float(wanted) - 1) < 0.02:
        return picture
    wide, tall = min(columns, round(rows * wanted)), min(rows, round(columns / wanted))
    left, top = (columns - wide) // 2, (rows - tall) // 2
    return np.ascontiguousarray(picture[top : top + tall, left : left + wide])
