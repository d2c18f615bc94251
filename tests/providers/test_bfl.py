"""Black Forest Labs: another region's polling URL, the fields of each family, and moderation."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Task
from darkroom.errors import ContentRefused, ProviderUnavailable
from darkroom.ports import Pending, Ticket
from darkroom.providers.manifest.calls import is_among
from darkroom.providers.manifest.reading import SHIPPED, read
from tests.providers.fakes.bfl import Bfl
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = base64.b64encode(png()).decode()
FILM = base64.b64encode(mp4()).decode()


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("https://api.bfl.ai/v1/get_result?id=1", True),
        ("https://api.eu1.bfl.ai/v1/get_result?id=1", True),
        ("http://api.eu1.bfl.ai/v1/get_result?id=1", False),
        ("https://api.bfl.ai.example.com/v1/get_result?id=1", False),
        ("https://notbfl.ai/v1/get_result?id=1", False),
        ("https://api.eu1.bfl.ai@example.com/v1/get_result?id=1", False),
        ("https://example.com/.bfl.ai", False),
        ("https://example.com#.bfl.ai", False),
    ],
)
def test_the_key_goes_to_the_regions_of_its_own_upstream(url: str, is_told: bool) -> None:
    form = read(SHIPPED / "bfl.toml").form
    assert is_among(url, form.api_hosts, base_url=form.base_url) is is_told


@pytest.mark.parametrize("hosts", [["localhost"], []])
def test_a_region_is_polled_where_it_says_if_it_is_one_of_theirs(hosts: list[str], tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        assert isinstance(scene.fake, Bfl)
        scene.fake.region = "localhost"
        work = scene.work()
        started = await scene.submit(work)
        assert isinstance(started, Ticket)
        if hosts:
            assert isinstance(await scene.poll(work, started), Pending)
            assert scene.fake.seen[-1][1].headers["x-key"] == scene.fake.secret
            return
        with pytest.raises(ProviderUnavailable, match="points away"):
            await scene.poll(work, started)
        assert scene.fake.counts["poll"] == 0

    play("bfl", tmp_path, story, api_hosts=hosts)


def submitted(folder: Path, upstream: str, task: Task, roles: dict[str, int], **changes: Any) -> Any:
    async def story(scene: Facing) -> None:
        await scene.submit(replace(scene.work(**scene.media(task, **roles), **changes), upstream=upstream))

    fake = play("bfl", folder, story)
    assert fake.seen[0][1].path == f"/v1/{upstream}"
    return fake.seen[0][1].body


def test_pictures_to_change_are_numbered(tmp_path: Path) -> None:
    body = submitted(tmp_path, "flux-2-pro", Task.IMAGE_TO_IMAGE, {"image": 1, "reference": 2}, format="jpg")
    assert body == {
        "prompt": "a red fox in the snow",
        "seed": 7,
        "width": 1280,
        "height": 720,
        "output_format": "jpeg",
        "input_image": PICTURE,
        "input_image_2": PICTURE,
        "input_image_3": PICTURE,
    }


def test_kontext_has_shapes_and_no_sizes(tmp_path: Path) -> None:
    assert submitted(tmp_path, "flux-kontext-pro", Task.IMAGE_TO_IMAGE, {"image": 1}) == {
        "prompt": "a red fox in the snow",
        "seed": 7,
        "aspect_ratio": "16:9",
        "input_image": PICTURE,
    }


def test_the_older_one_has_sizes_in_steps(tmp_path: Path) -> None:
    assert submitted(tmp_path, "flux-pro-1.1", Task.TEXT_TO_IMAGE, {}, height=750) == {
        "prompt": "a red fox in the snow",
        "seed": 7,
        "width": 1280,
        "height": 736,
    }


@pytest.mark.parametrize(
    ("task", "roles", "body"),
    [
        (Task.TEXT_TO_VIDEO, {}, {"mode": "t2v"}),
        (Task.IMAGE_TO_VIDEO, {"image": 1}, {"mode": "i2v", "keyframes": PICTURE}),
        (Task.FRAMES_TO_VIDEO, {"image": 1, "last_image": 1}, {"mode": "i2v", "keyframes": [PICTURE, PICTURE]}),
        (Task.VIDEO_TO_VIDEO, {"video": 1}, {"mode": "v2v", "start_video": FILM}),
    ],
)
def test_a_video_has_a_mode(task: Task, roles: dict[str, int], body: dict[str, Any], tmp_path: Path) -> None:
    changes = {"modality": Modality.VIDEO, "duration_s": 5.0, "with_audio": True}
    assert submitted(tmp_path, "flux-3-video", task, roles, **changes) == {
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "hd",
        "duration": 5,
        "generate_audio": True,
        **body,
    }


@pytest.mark.parametrize("state", ["request", "content"])
def test_moderation_is_a_refusal(state: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(ContentRefused):
            await scene.finish(work, await scene.submit(work))

    play("bfl", tmp_path, story, states=("running", state))


def test_progress_is_told(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        started = await scene.submit(work)
        assert isinstance(started, Ticket)
        assert await scene.poll(work, started) == Pending(progress=0.5)

    play("bfl", tmp_path, story, states=("running", "completed"))
