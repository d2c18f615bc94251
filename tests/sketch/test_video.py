"""Videos from words and pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.brief import Modality, Task
from darkroom.errors import InputUnusable
from tests.sketch.media import a_brief, draw_picture, film, hear, likeness, rendered, watch, with_media

PROMPTS = [
    "A drone flyover of a futuristic city at night",
    "sunset over the ocean",
    "jellyfish in the deep",
    "a misty pine forest",
    "A time-lapse of a blooming flower, macro photography, soft natural light",
    "a ringed planet in space",
    "a campfire",
    "snowy mountains under an aurora",
    "desert dunes",
    "The character slowly turns their head and smiles",
    "a cat",
    "abstract thoughts",
    "wherefore",
    "",
    "кошка смотрит на море",
]


def test_five_seconds_are_120_frames_of_h264_at_24_fps(tmp_path: Path) -> None:
    result = rendered(a_brief(Task.TEXT_TO_VIDEO, duration_s=5.0), tmp_path)
    seen = watch(result.path)
    assert (seen.codec, seen.width, seen.height) == ("h264", 320, 180)
    assert len(seen.frames) == 120
    assert seen.duration_s == 5.0
    assert (result.media_type, result.width, result.height, result.duration_s) == ("video/mp4", 320, 180, 5.0)
    assert not seen.has_sound


@pytest.mark.parametrize(("duration_s", "fps", "frames"), [(1.0, 24, 24), (0.5, 30, 15), (1.5, 12, 18), (0.01, 24, 1)])
def test_duration_times_rate_is_the_number_of_frames(tmp_path: Path, duration_s: float, fps: int, frames: int) -> None:
    result = rendered(a_brief(Task.TEXT_TO_VIDEO, duration_s=duration_s, fps=fps), tmp_path)
    assert len(watch(result.path).frames) == frames
    assert result.duration_s == pytest.approx(frames / fps, abs=1e-4)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(181, 321, (180, 320)), (None, 90, (160, 90)), (90, None, (90, 50)), (160, 160, (160, 160)), (1, 1, (16, 16))],
)
def test_sides_are_even_and_an_open_one_follows(
    tmp_path: Path, width: int | None, height: int | None, size: tuple[int, int]
) -> None:
    result = rendered(a_brief(Task.TEXT_TO_VIDEO, width=width, height=height, duration_s=0.1), tmp_path)
    assert (result.width, result.height) == size


def test_the_index_comes_first_so_that_a_browser_can_begin_at_once(tmp_path: Path) -> None:
    data = rendered(a_brief(Task.TEXT_TO_VIDEO), tmp_path).path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_place_moves_and_is_not_one_colour(tmp_path: Path, prompt: str) -> None:
    frames = watch(rendered(a_brief(Task.TEXT_TO_VIDEO, prompt=prompt, duration_s=0.6), tmp_path).path).frames
    assert frames[0].std() > 10
    assert 12 < likeness(frames[0], frames[-1]) < 55


def test_the_same_prompt_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    brief = a_brief(Task.TEXT_TO_VIDEO, seed=7)
    one, other = rendered(brief, tmp_path / "one"), rendered(brief, tmp_path / "other")
    assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize("change", [{"seed": 8}, {"prompt": "a desert"}, {"prompt": "a city at night, green"}])
def test_another_prompt_or_seed_gives_another_video(tmp_path: Path, change: dict[str, Any]) -> None:
    one = watch(rendered(a_brief(Task.TEXT_TO_VIDEO, seed=7), tmp_path / "one").path).frames[0]
    other = watch(rendered(a_brief(Task.TEXT_TO_VIDEO, **({"seed": 7} | change)), tmp_path / "other").path).frames[0]
    assert likeness(one, other) < 25


def test_a_loop_ends_where_it_begins(tmp_path: Path) -> None:
    for prompt in ("waves in the ocean", "a city at night", "snow in the mountains"):
        frames = watch(rendered(a_brief(Task.TEXT_TO_VIDEO, prompt=prompt, loop=True), tmp_path / prompt).path).frames
        step, seam = likeness(frames[0], frames[1]), likeness(frames[-1], frames[0])
        assert seam > step - 4


def test_the_mark_is_in_the_corner_of_every_frame(tmp_path: Path) -> None:
    brief = a_brief(Task.TEXT_TO_VIDEO, width=640, height=360)
    for frame in watch(rendered(brief, tmp_path).path).frames:
        corner = frame[-20:, -160:].astype(int)
        assert corner.max() > 150
        assert corner.max() - np.median(corner) > 60


def test_the_thumbnail_is_a_jpeg_of_512_pixels_at_most(tmp_path: Path) -> None:
    result = rendered(a_brief(Task.TEXT_TO_VIDEO, width=720, height=1280, duration_s=0.2), tmp_path)
    assert result.thumbnail is not None
    with Image.open(result.thumbnail) as image:
        assert (image.format, image.size) == ("JPEG", (288, 512))


@pytest.mark.parametrize("duration_s", [1.0, 2.5])
def test_sound_is_as_long_as_the_video(tmp_path: Path, duration_s: float) -> None:
    brief = a_brief(Task.TEXT_TO_VIDEO, duration_s=duration_s, with_audio=True)
    heard = hear(rendered(brief, tmp_path).path)
    assert heard.codec == "aac"
    assert heard.duration_s == pytest.approx(duration_s, abs=0.03)
    assert heard.loudness > 0.02


def test_progress_rises_to_one(tmp_path: Path) -> None:
    from darkroom.providers.sketch.render import render

    told: list[float] = []
    results = render(a_brief(Task.TEXT_TO_VIDEO, count=2), tmp_path, told.append)
    assert len(results) == 2
    assert told == sorted(told)
    assert len(told) > 4
    assert told[-1] == 1.0
    assert likeness(watch(results[0].path).frames[0], watch(results[1].path).frames[0]) < 30


def test_an_image_to_video_shows_that_image_and_moves(tmp_path: Path) -> None:
    image = draw_picture(tmp_path / "given.png")
    seen = watch(rendered(a_brief(Task.IMAGE_TO_VIDEO, media=with_media(image=image)), tmp_path / "out").path)
    given = np.asarray(Image.open(image))
    assert max(likeness(frame, given) for frame in seen.frames) > 14
    assert likeness(seen.frames[0], seen.frames[-1]) < 28


def test_a_picture_is_turned_as_its_camera_noted(tmp_path: Path) -> None:
    image = draw_picture(tmp_path / "given.jpg", size=(320, 180), turned=6)
    brief = a_brief(Task.IMAGE_TO_VIDEO, width=None, height=None, duration_s=0.2, media=with_media(image=image))
    result = rendered(brief, tmp_path / "out")
    assert (result.width, result.height) == (180, 320)


def test_frames_to_video_starts_and_ends_on_the_given_frames(tmp_path: Path) -> None:
    first, last = draw_picture(tmp_path / "first.png"), draw_picture(tmp_path / "last.png", hue="maroon")
    media = with_media(image=first, last_image=last)
    frames = watch(rendered(a_brief(Task.FRAMES_TO_VIDEO, media=media), tmp_path / "out").path).frames
    assert likeness(frames[0], np.asarray(Image.open(first))) > 28
    assert likeness(frames[-1], np.asarray(Image.open(last))) > 28
    assert likeness(frames[0], frames[-1]) < 18


def test_a_last_frame_alone_is_where_it_ends(tmp_path: Path) -> None:
    last = draw_picture(tmp_path / "last.png")
    brief = a_brief(Task.FRAMES_TO_VIDEO, media=with_media(last_image=last))
    frames = watch(rendered(brief, tmp_path / "out").path).frames
    given = np.asarray(Image.open(last))
    assert likeness(frames[-1], given) > 28
    assert likeness(frames[0], given) < 18


def test_two_videos_lend_their_last_and_first_frames(tmp_path: Path) -> None:
    one, other = film(tmp_path / "one.mp4"), film(tmp_path / "other.mp4", frames=12)
    brief = a_brief(Task.FRAMES_TO_VIDEO, media=with_media(video=[one, other]))
    frames = watch(rendered(brief, tmp_path / "out").path).frames
    assert likeness(frames[0], watch(one).frames[-1]) > 28
    assert likeness(frames[-1], watch(other).frames[0]) > 28


def test_reference_pictures_hang_in_the_scene(tmp_path: Path) -> None:
    pictures = [draw_picture(tmp_path / f"{hue}.png", hue=hue) for hue in ("magenta", "lime")]
    brief = a_brief(Task.REFERENCE_TO_VIDEO, prompt="abstract grey", media=with_media(reference=pictures))
    frame = watch(rendered(brief, tmp_path / "out").path).frames[5].astype(int)
    magenta = (frame[..., 0] > 200) & (frame[..., 2] > 200) & (frame[..., 1] < 80)
    lime = (frame[..., 1] > 200) & (frame[..., 0] < 80) & (frame[..., 2] < 80)
    assert magenta[:, :160].sum() > 500
    assert lime[:, 160:].sum() > 500


@pytest.mark.parametrize("task", [Task.IMAGE_TO_VIDEO, Task.REFERENCE_TO_VIDEO, Task.VIDEO_TO_VIDEO, Task.EXTEND])
def test_a_missing_input_is_said_plainly(tmp_path: Path, task: Task) -> None:
    with pytest.raises(InputUnusable, match=r"needs .*none came along"):
        rendered(a_brief(task), tmp_path)


@pytest.mark.parametrize("task", [Task.IMAGE_TO_VIDEO, Task.TRY_ON])
def test_a_picture_that_is_none_is_unusable(tmp_path: Path, task: Task) -> None:
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(InputUnusable, match=r"'fake.png' cannot be decoded"):
        rendered(a_brief(task, media=with_media(image=fake, person=fake, garment=fake)), tmp_path / "out")


def test_modality_is_what_decides_the_kind_of_file(tmp_path: Path) -> None:
    assert (
        rendered(a_brief(Task.TEXT_TO_IMAGE, Modality.IMAGE, width=64, height=64), tmp_path).media_type == "image/png"
    )
