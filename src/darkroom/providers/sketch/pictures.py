"""Pictures: a scene at full quality, a given picture made anew, enlarged, or dressed."""

import numpy as np
from PIL import Image, ImageFilter

from darkroom.brief import Brief, Modality, Role
from darkroom.providers.sketch.films import given, needed, over_picture
from darkroom.providers.sketch.looks import look_of
from darkroom.providers.sketch.paint import Canvas
from darkroom.providers.sketch.shot import IMAGE_SIDE_AT_MOST, STILL_GRAIN, Shot, even, size_of, staged
from darkroom.providers.sketch.stills import covered, load

SUPERSAMPLED_BELOW = 2_200_000
"""Pixels up to which a still is painted larger than asked and scaled down: smoother edges, colour at full size."""
FINER = 1.5
MOMENT_S = 2.0
"""A scene's moment that makes a good still: things are under way by then."""


def from_words(brief: Brief) -> Image.Image:
    width, height = size_of(brief)
    finer = FINER if width * height <= SUPERSAMPLED_BELOW else 1
    wide, tall = even(width * finer, 1 << 14), even(height * finer, 1 << 14)
    canvas = Canvas(wide, tall)
    staged(brief, wide, tall, duration_s=MOMENT_S * 2, grain=STILL_GRAIN).paint(canvas, MOMENT_S)
    picture = Image.fromarray(canvas.as_rgb())
    return picture if picture.size == (width, height) else picture.resize((width, height), Image.Resampling.LANCZOS)


def restyled(brief: Brief) -> Image.Image:
    """The given picture in the prompt's colours; several pictures are laid side by side first."""
    paths = [path for role in (Role.IMAGE, Role.REFERENCE, Role.PERSON) for path in brief.media.get(role, ())]
    images = [load(path) for path in paths or [needed(brief, Role.IMAGE)]]
    width, height = size_of(brief, images[0].size)
    canvas = Canvas(even(width, 1 << 14), even(height, 1 << 14))
    sheet = Image.new("RGB", (canvas.width, canvas.height))
    for index, image in enumerate(images):
        left, right = canvas.width * index // len(images), canvas.width * (index + 1) // len(images)
        sheet.paste(covered(image, max(1, right - left), canvas.height), (left, 0))
    canvas.fill(np.asarray(sheet))
    look_of(brief).apply(canvas)
    picture = Image.fromarray(canvas.as_rgb())
    return picture if picture.size == (width, height) else picture.resize((width, height), Image.Resampling.LANCZOS)


def upscaled(brief: Brief) -> Image.Image:
    image = load(needed(brief, Role.IMAGE))
    scale = min(brief.scale, IMAGE_SIDE_AT_MOST / max(image.size))
    enlarged = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    size = size_of(brief, enlarged)
    return image.resize(size, Image.Resampling.LANCZOS).filter(
        ImageFilter.UnsharpMask(radius=scale, percent=40, threshold=2)
    )


def tried_on(brief: Brief) -> Image.Image:
    """The garment on the person: laid over the upper body, its plain background taken away."""
    person = load(given(brief, Role.PERSON) or needed(brief, Role.PERSON, Role.IMAGE))
    garments = (
        brief.media.get(Role.GARMENT, ()) or brief.media.get(Role.REFERENCE, ()) or (needed(brief, Role.GARMENT),)
    )
    source = (
        person.size
        if max(person.size) <= 2048
        else (round(person.width * 2048 / max(person.size)), round(person.height * 2048 / max(person.size)))
    )
    width, height = size_of(brief, source) if brief.modality is Modality.IMAGE else source
    dressed = covered(person, width, height)
    for index, path in enumerate(reversed(garments)):
        # A second garment is taken for what is worn below the first.
        top = 0.42 if index == len(garments) - 1 else 0.66
        _dress(dressed, load(path), top)
    return dressed


def dressed_film(brief: Brief) -> Shot:
    return over_picture(brief, tried_on(brief))


def _dress(person: Image.Image, garment: Image.Image, top: float) -> None:
    room = (round(person.width * 0.62), round(person.height * 0.48))
    garment.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
    fitted = garment.resize(_contained(garment.size, room), Image.Resampling.LANCZOS)
    place = ((person.width - fitted.width) // 2, round(person.height * top))
    person.paste(fitted, place, _cut_out(fitted))


def _contained(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    scale = min(room[0] / size[0], room[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _cut_out(garment: Image.Image) -> Image.Image:
    """Where the garment is: everything unlike the corners; all of it, with soft edges, when they do not tell."""
    pixels = np.asarray(garment, np.float32)
    corners = np.stack([pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]])
    unlike = np.abs(pixels - corners.mean(axis=0)).max(axis=2)
    mask = np.clip((unlike - 14) / 26, 0, 1)
    if float(np.ptp(corners, axis=0).max()) > 40 or float(mask.mean()) < 0.02:
        y = np.linspace(-1, 1, pixels.shape[0], dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, pixels.shape[1], dtype=np.float32)[None, :]
        mask = np.clip((1 - np.maximum(np.abs(x), np.abs(y))) * 8, 0, 1)
    return Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.2))
