"""MiniMax: errors with HTTP 200, a file behind a second call, contents with roles, and sound in hexadecimal."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Task
from darkroom.errors import Ambiguous, ContentRefused, Failure, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp3, mp4, png
from tests.providers.fakes.minimax import base_resp
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()
FILM = "data:video/mp4;base64," + base64.b64encode(mp4()).decode()
SONG = base64.b64encode(mp3()).decode()


@pytest.mark.parametrize(
    ("upstream", "roles", "body"),
    [
        (
            "MiniMax-Hailuo-02",
            {"image": 1, "last_image": 1},
            {"first_frame_image": PICTURE, "last_frame_image": PICTURE, "duration": 6, "resolution": "1080P"},
        ),
        ("I2V-01", {"image": 1}, {"first_frame_image": PICTURE}),
    ],
)
def test_a_model_is_told_what_it_knows(
    upstream: str, roles: dict[str, int], body: dict[str, Any], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(Task.FRAMES_TO_VIDEO, **roles))
        work = replace(work, upstream=upstream, words={"resolution": "1080p"}, inputs={"enhance_prompt": False})
        output = await scene.finish(work, await scene.submit(work))
        assert output.files[0].path.read_bytes() == mp4()

    fake = play("minimax", tmp_path, story)
    (job,) = fake.jobs.values()
    expected = {"model": upstream, "prompt": "a red fox in the snow", "prompt_optimizer": False, **body}
    assert job.body == expected
    assert dict(fake.seen[-1][1].query) == {"file_id": "176844028768321"}


@pytest.mark.parametrize("name", ["minimax", "minimax-audio"])
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (1026, ContentRefused),
        (1002, ProviderUnavailable),
        (1008, ProviderUnavailable),
        (2049, ProviderUnavailable),
        (2013, ProviderRejected),
        (1000, Ambiguous),
        (9999, Ambiguous),
    ],
)
def test_a_status_code_that_is_not_0_is_an_error(name: str, code: int, failure: type[Failure], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=200, body=base_resp(code, "whatever it says")))
        with pytest.raises(failure):
            await scene.submit(scene.work())
        if failure is ProviderUnavailable:
            # Told with HTTP 200, and the key rests all the same.
            with pytest.raises(ProviderUnavailable):
                scene.provider.address()

    play(name, tmp_path, story)


@pytest.mark.parametrize("name", ["minimax", "minimax-h3"])
def test_a_video_that_is_found_unfit_is_refused_content(name: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ContentRefused):
            await scene.finish(work, await scene.submit(work))

    play(name, tmp_path, story, states=("running", "seen"))


def test_a_file_that_is_not_told_yet_is_asked_for_again(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        started = await scene.submit(work)
        scene.fake.trouble("result", Trouble("before", status=200, body=base_resp(1013, "internal service error")))
        with pytest.raises(ProviderUnavailable):
            await scene.finish(work, started)
        assert isinstance(await scene.finish(work, started), Output)

    play("minimax", tmp_path, story, states=("completed",))


@pytest.mark.parametrize(
    ("roles", "contents", "ratio"),
    [
        (
            {"image": 1, "last_image": 1},
            [
                {"type": "image_url", "image_url": {"url": PICTURE}, "role": "first_frame"},
                {"type": "image_url", "image_url": {"url": PICTURE}, "role": "last_frame"},
            ],
            {},
        ),
        (
            {"reference": 2, "video": 1},
            [
                {"type": "image_url", "image_url": {"url": PICTURE}, "role": "reference_image"},
                {"type": "image_url", "image_url": {"url": PICTURE}, "role": "reference_image"},
                {"type": "video_url", "video_url": {"url": FILM}, "role": "reference_video"},
            ],
            {"ratio": "16:9"},
        ),
    ],
)
def test_contents_have_roles(roles: dict[str, int], contents: list[Any], ratio: dict[str, str], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(**scene.media(Task.REFERENCE_TO_VIDEO, **roles), duration_s=8.0)
        await scene.submit(replace(work, words={"resolution": "2K", "aspect_ratio": "16:9"}))

    (job,) = play("minimax-h3", tmp_path, story).jobs.values()
    text = {"type": "text", "text": "a red fox in the snow"}
    assert job.body == {
        "model": "MiniMax-H3",
        "content": [text, *contents],
        "resolution": "2K",
        "duration": 8,
        **ratio,
    }


def test_a_song_is_asked_for_at_its_own_path(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work("an old waltz", **scene.media(Task.MUSIC, audio=1), modality=Modality.MUSIC, lyrics="la la")
        work = replace(work, upstream="music-cover", inputs={"lyrics_optimizer": True})
        output = await scene.submit(work)
        assert isinstance(output, Output)
        assert output.files[0].media_type == "audio/mpeg"

    fake = play("minimax-audio", tmp_path, story)
    assert fake.seen[0][1].path == "/v1/music_generation"
    assert fake.seen[0][1].body == {
        "model": "music-cover",
        "prompt": "an old waltz",
        "lyrics": "la la",
        "stream": False,
        "output_format": "hex",
        "lyrics_optimizer": True,
        "audio_base64": SONG,
        "audio_setting": {"format": "mp3"},
    }
