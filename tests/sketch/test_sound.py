"""Music, speech and sound effects, in every format."""

from pathlib import Path

import numpy as np
import pytest

from darkroom.brief import Modality, Task
from darkroom.providers.sketch.speech import character
from tests.sketch.media import Heard, a_brief, hear, rendered


def spoken(tmp_path: Path, prompt: str, **given: object) -> Heard:
    brief = a_brief(Task.SPEECH, Modality.SPEECH, prompt=prompt, format="wav", **given)
    return hear(rendered(brief, tmp_path).path)


@pytest.mark.parametrize(
    ("asked", "codec", "media_type", "rate"),
    [
        ("", "mp3float", "audio/mpeg", 44_100),
        ("mp3", "mp3float", "audio/mpeg", 44_100),
        ("wav", "pcm_s16le", "audio/wav", 44_100),
        ("flac", "flac", "audio/flac", 44_100),
        ("opus", "opus", "audio/ogg", 48_000),
        ("ogg", "opus", "audio/ogg", 48_000),
        ("aac", "aac", "audio/aac", 44_100),
        ("png", "mp3float", "audio/mpeg", 44_100),
    ],
)
def test_music_in_every_format_has_the_asked_length(
    tmp_path: Path, asked: str, codec: str, media_type: str, rate: int
) -> None:
    result = rendered(a_brief(Task.MUSIC, Modality.MUSIC, format=asked, duration_s=2.7), tmp_path)
    heard = hear(result.path)
    assert (heard.codec, heard.rate, result.media_type) == (codec, rate, media_type)
    exactly = 1e-6 if asked in ("wav", "flac") else 0.05
    assert result.duration_s == pytest.approx(2.7, abs=exactly)
    assert heard.duration_s == pytest.approx(2.7, abs=exactly)
    assert result.width is None


@pytest.mark.parametrize("prompt", ["calm ambient", "happy dance", "sad piano", "epic battle", "lo-fi rain", "rock"])
def test_a_tune_is_loud_enough_does_not_clip_and_fades(tmp_path: Path, prompt: str) -> None:
    brief = a_brief(Task.MUSIC, Modality.MUSIC, prompt=prompt, format="wav", duration_s=8.0)
    heard = hear(rendered(brief, tmp_path).path)
    assert 0.05 < heard.loudness < 0.5
    assert heard.peak < 0.99
    assert np.abs(heard.samples[:200]).max() < 0.05
    assert np.abs(heard.samples[-200:]).max() < 0.05


def test_tunes_follow_prompt_and_seed(tmp_path: Path) -> None:
    def tune(name: str, **given: object) -> bytes:
        brief = a_brief(
            Task.MUSIC, Modality.MUSIC, **({"prompt": "a song", "format": "wav", "duration_s": 1.0} | given)
        )
        return rendered(brief, tmp_path / name).path.read_bytes()

    first = tune("a")
    assert tune("b") == first
    assert tune("c", seed=2) != first
    assert tune("d", prompt="another song") != first


def test_lyrics_are_heard_unless_it_is_instrumental(tmp_path: Path) -> None:
    def tune(name: str, **given: object) -> Heard:
        brief = a_brief(Task.MUSIC, Modality.MUSIC, prompt="calm ambient", format="wav", duration_s=4.0, **given)
        return hear(rendered(brief, tmp_path / name).path)

    words = {"lyrics": "[Verse]\nHello darkness\nHello light"}
    sung, played = tune("sung", **words), tune("played", instrumental=True, **words)
    assert np.abs(sung.samples[: 44_100 * 2] - played.samples[: 44_100 * 2]).max() > 0.1


def test_speech_is_audible_and_longer_words_take_longer(tmp_path: Path) -> None:
    short, long = spoken(tmp_path / "a", "Hello."), spoken(tmp_path / "b", "Hello, and welcome to the darkroom.")
    assert short.loudness > 0.02
    assert long.duration_s > short.duration_s * 1.8


@pytest.mark.parametrize(("speed", "low", "high"), [(0.5, 1.5, 2.6), (2.0, 0.35, 0.7)])
def test_speed_changes_the_length(tmp_path: Path, speed: float, low: float, high: float) -> None:
    text = "One two three four five six seven eight nine ten"
    usual, changed = spoken(tmp_path / "a", text), spoken(tmp_path / "b", text, speed=speed)
    assert low < changed.duration_s / usual.duration_s < high


def test_voices_differ_and_each_is_always_the_same(tmp_path: Path) -> None:
    nova, onyx = spoken(tmp_path / "a", "Hello", voice="nova"), spoken(tmp_path / "b", "Hello", voice="onyx")
    again = spoken(tmp_path / "c", "Hello", voice="nova")
    assert nova.samples.shape != onyx.samples.shape or not np.allclose(nova.samples, onyx.samples)
    assert np.array_equal(nova.samples, again.samples)
    assert character("nova")[0].startswith("f")
    assert character("onyx")[0].startswith("m")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет, мир", ""),
        ("你好，世界", ""),
        ("こんにちは", ""),
        ("Guten Tag", "de"),
        ("Bonjour", "French"),
        ("Hi", "xx"),
    ],
)
def test_other_languages_are_audible(tmp_path: Path, text: str, language: str) -> None:
    heard = spoken(tmp_path, text, language=language)
    assert heard.duration_s > 0.3
    assert heard.loudness > 0.02


def test_letters_tell_the_language(tmp_path: Path) -> None:
    told, guessed = spoken(tmp_path / "a", "Привет", language="ru"), spoken(tmp_path / "b", "Привет")
    assert np.array_equal(told.samples, guessed.samples)


def test_nothing_to_say_is_silence_and_not_an_error(tmp_path: Path) -> None:
    assert spoken(tmp_path, "...").duration_s > 0


@pytest.mark.parametrize("prompt", ["rain on a window", "thunder", "a bell", "laser", "footsteps", "engine", "xyzzy"])
def test_a_sound_has_the_asked_length(tmp_path: Path, prompt: str) -> None:
    brief = a_brief(Task.SOUND, Modality.SOUND, prompt=prompt, format="flac", duration_s=1.5)
    heard = hear(rendered(brief, tmp_path).path)
    assert heard.duration_s == pytest.approx(1.5, abs=1e-6)
    assert heard.loudness > 0.01
    assert heard.peak < 0.99


def test_a_sound_is_five_seconds_unless_asked(tmp_path: Path) -> None:
    assert rendered(a_brief(Task.SOUND, Modality.SOUND, format="wav"), tmp_path).duration_s == 5.0
