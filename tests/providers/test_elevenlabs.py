"""ElevenLabs where it branches: three kinds of sound, voices by id, formats, its two kinds of detail, credits."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Task
from darkroom.errors import ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output
from tests.providers.fakes.elevenlabs import Elevenlabs
from tests.providers.fakes.fake import Seen, Trouble
from tests.providers.scene import Facing, facing

MUSIC = {"task": Task.MUSIC, "modality": Modality.MUSIC, "voice": ""}
SOUND = {"task": Task.SOUND, "modality": Modality.SOUND, "voice": ""}


def play(folder: Path, story: Callable[[Facing], Awaitable[None]], **file: Any) -> Elevenlabs:
    fake = Elevenlabs()

    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **file) as scene:
            await story(scene)

    asyncio.run(run())
    return fake


def seen(folder: Path, **brief: Any) -> Seen:
    async def story(scene: Facing) -> None:
        assert isinstance(await scene.submit(scene.work(**brief)), Output)

    ((_, request),) = play(folder, story).seen
    return request


def test_a_voice_by_name_is_its_id_in_the_path(tmp_path: Path) -> None:
    request = seen(tmp_path, voice="rachel")
    assert request.path == "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM"
    assert request.query == {"output_format": "mp3_44100_128"}
    assert request.headers["xi-api-key"] == Elevenlabs.secret
    assert "Authorization" not in request.headers


def test_a_pace_is_a_setting_of_the_voice(tmp_path: Path) -> None:
    assert seen(tmp_path, speed=1.2).body == Elevenlabs.submitted | {"voice_settings": {"speed": 1.2}}


def test_a_sound_has_seconds(tmp_path: Path) -> None:
    request = seen(tmp_path, **SOUND, loop=True)
    assert request.path == "/v1/sound-generation"
    assert request.body == {
        "text": "a red fox in the snow",
        "duration_seconds": 5,
        "loop": True,
        "model_id": "eleven_multilingual_v2",
    }


def test_music_has_milliseconds(tmp_path: Path) -> None:
    request = seen(tmp_path, **MUSIC, duration_s=30.5, instrumental=True)
    assert request.path == "/v1/music"
    assert request.body == {
        "prompt": "a red fox in the snow",
        "music_length_ms": 30500,
        "force_instrumental": True,
        "model_id": "eleven_multilingual_v2",
    }


@pytest.mark.parametrize(("format", "theirs"), [("wav", "wav_44100"), ("ogg", "opus_48000_128")])
def test_a_format_is_named_as_theirs(format: str, theirs: str, tmp_path: Path) -> None:
    assert seen(tmp_path, format=format).query == {"output_format": theirs}


@pytest.mark.parametrize(
    ("brief", "outcome", "words"),
    [
        ({"voice": "nobody"}, ProviderRejected, "A voice with voice_id nobody was not found"),
        ({"format": "flac"}, ProviderRejected, "did not take this request"),
        (MUSIC | {"duration_s": 1.0}, ProviderRejected, "did not take this request"),
        (MUSIC | {"prompt": "something forbidden"}, ContentRefused, "Terms of Service"),
        ({"voice": "../music"}, ProviderRejected, "cannot be asked"),
    ],
)
def test_what_is_refused(brief: Any, outcome: type[Exception], words: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(outcome, match=words):
            await scene.submit(scene.work(**brief))

    assert not play(tmp_path, story).jobs


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "quota_exceeded"),
        (401, "detected_unusual_activity"),
        (429, "too_many_concurrent_requests"),
        (429, "system_busy"),
    ],
)
def test_what_is_not_the_callers_fault_is_not_told_them(status: int, word: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"detail": {"status": word, "message": "This request exceeds your quota of 10000."}}
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.submit(scene.work())
        assert "quota of" not in str(caught.value)

    play(tmp_path, story)


def test_a_credit_costs_what_the_plan_says(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        output = await scene.submit(scene.work())
        assert isinstance(output, Output)
        assert output.cost_micro_usd == 2_100

    play(tmp_path, story, options={"usd_per_credit": 0.0001})
