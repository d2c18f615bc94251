"""Lip-sync: the given voice becomes the sound, and a mouth in the picture moves with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from darkroom.brief import Brief, Role
from darkroom.providers.sketch.fields import Floats, singles
from darkroom.providers.sketch.films import given, modest, needed
from darkroom.providers.sketch.frames import SAMPLE_RATE, Footage, examine, pictures
from darkroom.providers.sketch.paint import Canvas, Sprite
from darkroom.providers.sketch.recording import listen, resampled
from darkroom.providers.sketch.remakes import shaped
from darkroom.providers.sketch.shot import Shot, rate_of, size_of
from darkroom.providers.sketch.speech import spoken
from darkroom.providers.sketch.stills import Still, covered, load

LEVELS = 14


def speaking(brief: Brief) -> Shot:
    """As long as the voice: footage begins again until it is over; a picture nods while it speaks."""
    voice = _voice(brief)
    video = given(brief, Role.VIDEO)
    footage = examine(video) if video else None
    fps = footage.fps if footage else rate_of(brief)
    count = max(1, round(voice.shape[1] * fps / SAMPLE_RATE))
    levels = loudness(voice, count)
    if footage:
        width, height = size_of(brief, (footage.width, footage.height))
        frames = _over_footage(footage, Canvas(width, height), count)
    else:
        path = needed(brief, Role.IMAGE, Role.PERSON, Role.REFERENCE)
        image = load(path)
        width, height = size_of(brief, modest(image.size))
        frames = _over_picture(Still(covered(image, width, height)), Canvas(width, height), levels)
    return Shot(
        width=width, height=height, fps=fps, frame_count=count, frames=_with_mouth(frames, levels, height), sound=voice
    )


def _voice(brief: Brief) -> Floats:
    """The given sound, or the prompt spoken where none came along."""
    path: Path | None = given(brief, Role.AUDIO)
    if path is None and brief.prompt:
        recording = spoken(brief)
        return np.repeat(resampled(recording.samples, rate=recording.rate, to=SAMPLE_RATE), 2, axis=0)
    return listen(path or needed(brief, Role.AUDIO), rate=SAMPLE_RATE)


def loudness(samples: Floats, count: int) -> Floats:
    """One number in 0..1 for each frame: how loud it is there, quick to open and slower to close."""
    edges = np.linspace(0, samples.shape[1], count + 1).astype(np.intp)
    power = np.concatenate([[0.0], np.cumsum(samples.mean(axis=0, dtype=np.float64) ** 2)])
    level = np.sqrt((power[edges[1:]] - power[edges[:-1]]) / np.maximum(1, np.diff(edges)))
    level = np.clip(level / (np.percentile(level, 95) or 1.0), 0, 1)
    for index in range(1, count):
        level[index] = max(level[index], level[index - 1] * 0.62)
    return singles(level.astype(np.float32))


def _over_footage(footage: Footage, canvas: Canvas, count: int) -> Iterator[Canvas]:
    shown = 0
    while shown < count:
        # Decoded anew for every turn: a long video would not fit into the memory.
        for picture in pictures(footage):
            canvas.fill(shaped(picture, canvas))
            yield canvas
            shown += 1
            if shown == count:
                return


def _over_picture(still: Still, canvas: Canvas, levels: Floats) -> Iterator[Canvas]:
    lift = 0.0
    for level in levels:
        lift += (float(level) - lift) * 0.25
        still.show(canvas, zoom=1.02 + 0.018 * lift, y=0.5 + 0.3 * lift)
        yield canvas


def _with_mouth(frames: Iterator[Canvas], levels: Floats, height: int) -> Iterator[Canvas]:
    mouths = [_mouth(max(10, round(height * 0.13)), step / (LEVELS - 1)) for step in range(LEVELS)]
    for canvas, level in zip(frames, levels, strict=True):
        mouths[round(float(level) * (LEVELS - 1))].place(canvas, canvas.width / 2, canvas.height * 0.88)
        yield canvas


def _mouth(tall: int, level: float) -> Sprite:
    """A dark pill with a mouth that opens, and bars on either side that rise with the voice."""
    finer = 4
    wide = tall * 3
    image = Image.new("RGBA", (wide * finer, tall * finer))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, wide * finer - 1, tall * finer - 1), tall * finer / 2, fill=(12, 12, 18, 150))
    middle = (wide * finer / 2, tall * finer / 2)
    lips, opening = tall * finer * 0.62, tall * finer * (0.07 + 0.30 * level)
    draw.ellipse(
        (middle[0] - lips, middle[1] - opening - 6, middle[0] + lips, middle[1] + opening + 6), fill=(214, 84, 92, 255)
    )
    draw.ellipse(
        (middle[0] - lips * 0.8, middle[1] - opening * 0.72, middle[0] + lips * 0.8, middle[1] + opening * 0.72),
        fill=(66, 14, 26, 255),
    )
    for side in (-1, 1):
        for bar, share in enumerate((0.9, 0.6, 0.35)):
            x = middle[0] + side * tall * finer * (0.80 + 0.17 * bar)
            half = tall * finer * (0.05 + 0.28 * share * level)
            draw.rounded_rectangle(
                (x - 3 * tall / 30, middle[1] - half, x + 3 * tall / 30, middle[1] + half), 2, fill=(255, 255, 255, 220)
            )
    pixels = np.asarray(image.resize((wide, tall), Image.Resampling.BOX), np.float32) / 255
    return Sprite(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]))
