"""fal's queue: the doors of its models, URLs that are kept or worked out, errors told by a result, costs in units."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Modality, Role, Task
from darkroom.errors import ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Output, Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import Facing
from tests.providers.test_conformance import play

PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()


def test_a_picture_goes_to_the_door_for_pictures_and_is_asked_after_at_the_app(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work("it wakes up", **scene.picture(), model="skills/google/veo-3.1", duration_s=8.0)
        work = replace(work, upstream="fal-ai/veo3.1/image-to-video", callback_url="https://a.b/c?d=e&f")
        await scene.finish(work, await scene.submit(work))
        requests = [(seen.method, seen.path) for _, seen in scene.fake.seen]
        assert requests == [
            ("POST", "/fal-ai/veo3.1/image-to-video"),
            ("GET", "/fal-ai/veo3.1/requests/fal-job-1/status"),
            ("GET", "/fal-ai/veo3.1/requests/fal-job-1"),
        ]
        submit = scene.fake.seen[0][1]
        assert submit.query == {"fal_webhook": "https://a.b/c?d=e&f"}
        assert submit.headers["Authorization"] == "Key sk-test-0123456789abcdef"
        assert submit.body == {
            "prompt": "it wakes up",
            "image_url": PICTURE,
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": "8s",
            "generate_audio": False,
            "seed": 7,
        }

    play("fal", tmp_path, story, states=("completed",))


def test_a_door_gets_what_it_takes_and_nothing_else(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = scene.picture()["media"][Role.IMAGE]
        changes: dict[str, Any] = {"modality": Modality.IMAGE, "task": Task.IMAGE_TO_IMAGE, "count": 2}
        work = scene.work(model="skills/google/nano-banana", media={Role.IMAGE: picture * 2}, **changes)
        work = replace(work, upstream="fal-ai/nano-banana/edit", words={"aspect_ratio": "3:2"})
        await scene.submit(work)
        assert scene.fake.seen[0][1].body == {
            "prompt": "a red fox in the snow",
            "image_urls": [PICTURE, PICTURE],
            "aspect_ratio": "3:2",
            "num_images": 2,
        }

    play("fal", tmp_path, story)


def test_an_answer_without_urls_leads_to_the_app_all_the_same(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = replace(scene.work(), upstream="comfy/fox/flow")
        bare = {"request_id": "fal-job-1", "gateway_request_id": "fal-job-1"}
        scene.fake.trouble("submit", Trouble("after", status=200, body=bare))
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        await scene.finish(work, ticket)
        await scene.provider.cancel(work, ticket)
        assert [seen.path for _, seen in scene.fake.seen][1:] == [
            "/comfy/fox/flow/requests/fal-job-1/status",
            "/comfy/fox/flow/requests/fal-job-1",
            "/comfy/fox/flow/requests/fal-job-1/cancel",
        ]

    play("fal", tmp_path, story, states=("completed",))


def test_urls_of_another_host_get_no_key(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        url = "http://elsewhere.example/fal-ai/veo3.1/requests/1"
        body = {"request_id": "1", "status_url": f"{url}/status", "response_url": url, "cancel_url": f"{url}/cancel"}
        work = scene.work()
        scene.fake.trouble("submit", Trouble("after", status=200, body=body))
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        with pytest.raises(ProviderUnavailable, match="points away"):
            await scene.poll(work, ticket)

    play("fal", tmp_path, story)


@pytest.mark.parametrize(
    ("error_type", "message"),
    [
        ("request_timeout", r"^Request timed out$"),
        ("runner_scheduling_failure", r"^Request timed out$"),
        ("client_cancelled", "canceled"),
    ],
)
def test_what_the_queue_gave_up_is_the_end_without_asking_for_a_result(
    error_type: str, message: str, tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        body = {"status": "COMPLETED", "logs": None, "error": "Request timed out", "error_type": error_type}
        with pytest.raises(ProviderRejected, match=message):
            await scene.told(body)
        assert scene.fake.counts["result"] == 0

    play("fal", tmp_path, story)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (422, {"detail": [{"loc": ["body"], "msg": "No.", "type": "content_policy_violation"}]}, ContentRefused),
        (400, {"detail": "The image was flagged by a content checker."}, ContentRefused),
        (200, {"images": [{"url": "https://fal.media/x"}], "has_nsfw_concepts": [True]}, ContentRefused),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "field required", "type": "missing"}]}, ProviderRejected),
        (422, {"detail": "Could not read the image"}, ProviderRejected),
        (500, {"detail": [{"loc": ["body"], "msg": "Sorry", "type": "internal_server_error"}]}, ProviderRejected),
        (504, {"detail": "Request timed out", "error_type": "request_timeout"}, ProviderRejected),
        # On the way, and not about the work.
        (502, {"detail": "Bad gateway"}, ProviderUnavailable),
        (401, {"detail": "Authentication is required"}, ProviderUnavailable),
    ],
)
def test_what_an_error_in_place_of_the_result_means(
    status: int, body: dict[str, Any], expected: type[Exception], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(expected):
            await scene.told(body, status=status, kind="result")

    play("fal", tmp_path, story, states=("completed",))


def test_a_picture_that_was_not_flagged_is_delivered(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"images": [{"url": scene.fake.file_url, "content_type": "video/mp4"}], "has_nsfw_concepts": [False]}
        output = await scene.told(body, kind="result")
        assert isinstance(output, Output)
        assert output.files[0].path.read_bytes() == mp4()

    play("fal", tmp_path, story, states=("completed",))


def test_units_cost_what_the_route_says(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert output.cost_micro_usd == 2_000_000

    play("fal", tmp_path, story, options={"unit_usd": 0.4})
