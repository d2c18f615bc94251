"""Videos made from given footage: what must stay stays, what must change changes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.brief import Task
from darkroom.errors import InputUnusable
from tests.sketch.media import a_brief, draw_picture, film, hear, likeness, rendered, voice, watch, with_media


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second, 24 frames, 320x180, with a tone of 440 Hz."""
    return film(tmp_path / "clip.mp4", tone_hz=440)


@pytest.mark.parametrize("task", [Task.VIDEO_TO_VIDEO, Task.EDIT])
def test_a_restyle_keeps_timing_and_motion_and_changes_the_colours(tmp_path: Path, clip: Path, task: Task) -> None:
    brief = a_brief(task, width=None, height=None, prompt="red and gold", media=with_media(video=clip))
    seen, given = watch(rendered(brief, tmp_path / "out").path), watch(clip)
    assert (seen.width, seen.height, len(seen.frames)) == (320, 180, 24)
    assert likeness(seen.frames[0], given.frames[0]) < 20
    # The square is still the brightest thing, and still travels.
    brightest = [int(np.argmax(frame[60:90].sum(axis=(0, 2)))) for frame in (seen.frames[0], seen.frames[20])]
    assert 15 <= brightest[0] <= 65
    assert 95 <= brightest[1] <= 145
    assert seen.has_sound


@pytest.mark.parametrize("task", [Task.VIDEO_TO_VIDEO, Task.EDIT])
def test_a_restyle_shows_its_reference_pictures_and_leaves_the_rest_alone(
    tmp_path: Path, clip: Path, task: Task
) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (160, 90), (250, 10, 10)).save(red)
    plain = watch(rendered(a_brief(task, media=with_media(video=clip)), tmp_path / "plain").path)
    seen = watch(rendered(a_brief(task, media=with_media(video=clip, reference=red)), tmp_path / "out").path)
    for frame, other in ((seen.frames[0], plain.frames[0]), (seen.frames[20], plain.frames[20])):
        is_red = ((frame.astype(int) - (250, 10, 10)).__abs__().sum(axis=2) < 90) & (frame[..., 0] > 180)
        assert is_red.sum() > 800
        assert not is_red[:100].any()
        assert likeness(frame[:100], other[:100]) > 34


def test_the_sound_of_the_footage_stays_only_when_asked(tmp_path: Path, clip: Path) -> None:
    silent = a_brief(Task.EDIT, keep_audio=False, media=with_media(video=clip))
    assert not watch(rendered(silent, tmp_path / "silent").path).has_sound
    heard = hear(rendered(a_brief(Task.EDIT, media=with_media(video=clip)), tmp_path / "kept").path)
    spectrum = np.abs(np.fft.rfft(heard.samples))
    assert abs(int(np.argmax(spectrum)) * heard.rate / len(heard.samples) - 440) < 5


def test_an_extension_is_the_footage_and_goes_on_from_its_last_frame(tmp_path: Path, clip: Path) -> None:
    brief = a_brief(Task.EXTEND, prompt="a desert", media=with_media(video=clip))
    seen, given = watch(rendered(brief, tmp_path / "out").path), watch(clip)
    assert len(seen.frames) == 48
    assert seen.duration_s == 2.0
    assert all(likeness(seen.frames[i], given.frames[i]) > 30 for i in (0, 11, 23))
    assert likeness(seen.frames[24], given.frames[23]) > 24
    assert likeness(seen.frames[47], given.frames[23]) < 18


def test_an_extension_can_go_before_the_footage(tmp_path: Path, clip: Path) -> None:
    brief = a_brief(Task.EXTEND, prompt="a desert", prepend=True, media=with_media(video=clip))
    result = rendered(brief, tmp_path / "out")
    seen, given = watch(result.path), watch(clip)
    assert len(seen.frames) == 48
    assert all(likeness(seen.frames[24 + i], given.frames[i]) > 30 for i in (0, 11, 23))
    assert likeness(seen.frames[23], given.frames[0]) > 24
    assert likeness(seen.frames[0], given.frames[0]) < 18
    heard = hear(result.path)
    middle = len(heard.samples) // 2
    assert np.abs(heard.samples[: middle - 4000]).max() < 0.02
    assert np.abs(heard.samples[middle + 4000 :]).max() > 0.2


def test_an_extension_ends_on_the_picture_or_the_video_it_is_led_to(tmp_path: Path, clip: Path) -> None:
    picture, other = draw_picture(tmp_path / "end.png"), film(tmp_path / "other.mp4", frames=6, fps=12)
    to_picture = a_brief(Task.EXTEND, media=with_media(video=clip, last_image=picture))
    to_video = a_brief(Task.EXTEND, media=with_media(video=[clip, other]))
    assert likeness(watch(rendered(to_picture, tmp_path / "a").path).frames[-1], np.asarray(Image.open(picture))) > 26
    assert likeness(watch(rendered(to_video, tmp_path / "b").path).frames[-1], watch(other).frames[0]) > 26


def test_a_retake_replaces_its_span_and_nothing_else(tmp_path: Path, clip: Path) -> None:
    brief = a_brief(Task.RETAKE, prompt="a desert", start_s=0.25, end_s=0.75, media=with_media(video=clip))
    seen, given = watch(rendered(brief, tmp_path / "out").path), watch(clip)
    assert len(seen.frames) == 24
    kept = [*range(6), *range(18, 24)]
    assert all(likeness(seen.frames[i], given.frames[i]) > 30 for i in kept)
    assert likeness(seen.frames[12], given.frames[12]) < 18


@pytest.mark.parametrize(("scale", "size"), [(2.0, (640, 360)), (1.5, (480, 270))])
def test_an_upscale_is_larger_and_the_same(tmp_path: Path, clip: Path, scale: float, size: tuple[int, int]) -> None:
    seen = watch(rendered(a_brief(Task.UPSCALE, scale=scale, media=with_media(video=clip)), tmp_path / "out").path)
    assert (seen.width, seen.height, len(seen.frames)) == (*size, 24)
    smaller = np.asarray(Image.fromarray(seen.frames[5]).resize((320, 180), Image.Resampling.BOX))
    assert likeness(smaller, watch(clip).frames[5]) > 28


def test_motion_control_moves_the_picture_for_as_long_as_the_footage(tmp_path: Path, clip: Path) -> None:
    image = draw_picture(tmp_path / "person.png")
    brief = a_brief(Task.MOTION_CONTROL, media=with_media(video=clip, image=image))
    seen = watch(rendered(brief, tmp_path / "out").path)
    assert len(seen.frames) == 24
    orange = (np.asarray(seen.frames[0], int) - (255, 165, 0)).__abs__().sum(axis=2) < 90
    assert orange.sum() > 2000


def test_who_moves_may_be_shown_in_a_video(tmp_path: Path, clip: Path) -> None:
    """Act-Two's character is "a picture or a video"."""
    other = film(tmp_path / "other.mp4", frames=6, fps=12)
    brief = a_brief(Task.MOTION_CONTROL, media=with_media(video=clip, image=other))
    assert len(watch(rendered(brief, tmp_path / "out").path).frames) == 24


def test_lip_sync_has_the_voice_and_its_length(tmp_path: Path, clip: Path) -> None:
    said = voice(tmp_path / "voice.wav", duration_s=1.5)
    for name, media in {
        "video": with_media(video=clip, audio=said),
        "still": with_media(person=draw_picture(tmp_path / "face.png"), audio=said),
    }.items():
        result = rendered(a_brief(Task.LIP_SYNC, duration_s=None, media=media), tmp_path / name)
        seen, heard = watch(result.path), hear(result.path)
        assert len(seen.frames) == 36
        assert heard.duration_s == pytest.approx(1.5, abs=0.03)
        loud, quiet = heard.samples[2000:22000], heard.samples[28000:46000]
        assert np.abs(loud).max() > 0.2
        assert np.abs(quiet).max() < 0.05


def test_the_mouth_opens_with_the_voice(tmp_path: Path) -> None:
    said = voice(tmp_path / "voice.wav", duration_s=1.0)
    media = with_media(person=draw_picture(tmp_path / "face.png"), audio=said)
    frames = watch(rendered(a_brief(Task.LIP_SYNC, duration_s=None, media=media), tmp_path / "out").path).frames
    mouth = [frame[145:175, 130:190].astype(int) for frame in (frames[6], frames[23])]
    dark_red = [((m[..., 0] < 110) & (m[..., 1] < 50) & (m[..., 0] > m[..., 1] + 15)).sum() for m in mouth]
    assert dark_red[0] > dark_red[1] + 20


def test_lip_sync_without_a_voice_speaks_the_prompt(tmp_path: Path) -> None:
    media = with_media(image=draw_picture(tmp_path / "face.png"))
    result = rendered(a_brief(Task.LIP_SYNC, prompt="Good morning", duration_s=None, media=media), tmp_path / "out")
    assert hear(result.path).loudness > 0.02


def test_a_dressed_person_wears_the_garment_in_a_video(tmp_path: Path) -> None:
    person = draw_picture(tmp_path / "person.png", size=(180, 320), hue="tan")
    garment = tmp_path / "shirt.png"
    Image.new("RGB", (200, 200), (20, 40, 220)).save(garment)
    media = with_media(person=person, garment=garment)
    brief = a_brief(Task.TRY_ON, width=180, height=320, media=media)
    frame = watch(rendered(brief, tmp_path / "out").path).frames[0].astype(int)
    # One plain colour has corners like the rest, and is still a garment rather than nothing.
    assert ((frame[..., 2] > 150) & (frame[..., 0] < 90)).sum() > 1500


def test_footage_that_is_none_is_unusable(tmp_path: Path) -> None:
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"this is no film")
    with pytest.raises(InputUnusable, match=r"the video 'fake.mp4' cannot be decoded"):
        rendered(a_brief(Task.EXTEND, media=with_media(video=fake)), tmp_path / "out")


def test_a_voice_without_sound_is_unusable(tmp_path: Path, clip: Path) -> None:
    mute = film(tmp_path / "mute.mp4")
    with pytest.raises(InputUnusable, match=r"'mute.mp4'"):
        rendered(a_brief(Task.LIP_SYNC, media=with_media(video=clip, audio=mute)), tmp_path / "out")


def test_footage_at_an_odd_size_and_rate_keeps_its_length(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", frames=15, fps=10, size=(322, 182))
    brief = a_brief(Task.EDIT, width=None, height=None, media=with_media(video=clip))
    result = rendered(brief, tmp_path / "out")
    assert (result.width, result.height, result.duration_s) == (322, 182, 1.5)


def test_between_two_films_it_leaves_the_end_of_one_and_arrives_at_the_start_of_the_other(
    tmp_path: Path, clip: Path
) -> None:
    other = film(tmp_path / "other.mp4", frames=6, fps=12)
    brief = a_brief(Task.FRAMES_TO_VIDEO, media=with_media(image=clip, last_image=other))
    seen = watch(rendered(brief, tmp_path / "out").path)
    assert likeness(seen.frames[0], watch(clip).frames[-1]) > 24
    assert likeness(seen.frames[-1], watch(other).frames[0]) > 24
