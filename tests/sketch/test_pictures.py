"""Still pictures, in every format."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.brief import Modality, Task
from darkroom.providers.sketch.render import render
from tests.sketch.media import a_brief, draw_picture, likeness, rendered, with_media


@pytest.mark.parametrize(
    ("asked", "ending", "name", "media_type"),
    [
        ("", "png", "PNG", "image/png"),
        ("png", "png", "PNG", "image/png"),
        ("jpeg", "jpeg", "JPEG", "image/jpeg"),
        ("jpg", "jpg", "JPEG", "image/jpeg"),
        ("WEBP", "webp", "WEBP", "image/webp"),
        ("avif", "avif", "AVIF", "image/avif"),
        ("mp3", "png", "PNG", "image/png"),
    ],
)
def test_format_and_size(tmp_path: Path, asked: str, ending: str, name: str, media_type: str) -> None:
    brief = a_brief(Task.TEXT_TO_IMAGE, Modality.IMAGE, width=201, height=133, format=asked)
    result = rendered(brief, tmp_path)
    assert result.path.suffix == f".{ending}"
    assert (result.media_type, result.width, result.height) == (media_type, 201, 133)
    with Image.open(result.path) as image:
        assert (image.format, image.size) == (name, (201, 133))
    assert result.thumbnail is not None
    with Image.open(result.thumbnail) as image:
        assert image.format == "JPEG"


def test_as_many_as_asked_and_no_two_alike(tmp_path: Path) -> None:
    brief = a_brief(Task.TEXT_TO_IMAGE, Modality.IMAGE, width=160, height=120, count=3)
    results = render(brief, tmp_path, lambda share: None)
    pictures = [np.asarray(Image.open(result.path).convert("RGB")) for result in results]
    assert len({result.path for result in results}) == 3
    assert all(likeness(pictures[a], pictures[b]) < 25 for a, b in ((0, 1), (1, 2), (0, 2)))


def test_the_same_brief_gives_the_same_bytes(tmp_path: Path) -> None:
    brief = a_brief(Task.TEXT_TO_IMAGE, Modality.IMAGE, width=160, height=120, seed=3)
    assert rendered(brief, tmp_path / "a").path.read_bytes() == rendered(brief, tmp_path / "b").path.read_bytes()


def test_colour_words_steer_the_palette(tmp_path: Path) -> None:
    def mean(prompt: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        brief = a_brief(Task.TEXT_TO_IMAGE, Modality.IMAGE, width=96, height=96, prompt=prompt)
        picture = np.asarray(Image.open(rendered(brief, tmp_path / prompt).path), np.float64)
        return np.asarray(picture.mean(axis=(0, 1)), np.float64)

    red, green = mean("abstract red silk"), mean("abstract green silk")
    assert red[0] > red[1] + 20
    assert green[1] > green[0] + 20


def test_image_to_image_is_that_image_in_other_colours(tmp_path: Path) -> None:
    image = draw_picture(tmp_path / "given.png")
    brief = a_brief(Task.IMAGE_TO_IMAGE, Modality.IMAGE, prompt="purple night", media=with_media(image=image))
    result = rendered(brief, tmp_path / "out")
    assert (result.width, result.height) == (320, 180)
    made, given = (np.asarray(Image.open(path).convert("L"), np.float64) for path in (result.path, image))
    assert np.corrcoef(made.ravel(), given.ravel())[0, 1] > 0.9
    assert likeness(np.asarray(Image.open(result.path)), np.asarray(Image.open(image))) < 20


def test_upscale_doubles_unless_told_otherwise(tmp_path: Path) -> None:
    image = draw_picture(tmp_path / "given.png", size=(101, 77))
    brief = a_brief(Task.UPSCALE, Modality.IMAGE, media=with_media(image=image))
    result = rendered(brief, tmp_path / "out")
    assert (result.width, result.height) == (202, 154)


def test_the_garment_is_on_the_upper_body_without_its_background(tmp_path: Path) -> None:
    person = tmp_path / "person.png"
    Image.new("RGB", (200, 300), (200, 180, 160)).save(person)
    garment = tmp_path / "shirt.png"
    shirt = Image.new("RGB", (200, 200), "white")
    shirt.paste((10, 20, 230), (50, 50, 150, 150))
    shirt.save(garment)
    brief = a_brief(Task.TRY_ON, Modality.IMAGE, media=with_media(person=person, garment=garment))
    picture = np.asarray(Image.open(rendered(brief, tmp_path / "out").path), np.int64)
    assert (picture[180:190, 95:105] == (10, 20, 230)).all()
    assert (picture[10:60] == (200, 180, 160)).all()
    assert not (picture[:250] > 235).all(axis=2).any()


def test_a_transparent_picture_lies_on_white(tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(clear)
    brief = a_brief(Task.UPSCALE, Modality.IMAGE, media=with_media(image=clear))
    assert (np.asarray(Image.open(rendered(brief, tmp_path / "out").path))[:40] == 255).all()
