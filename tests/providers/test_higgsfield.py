"""Higgsfield: what one key stands for, a limit that is a 400, links only, a cancel that comes too late."""

from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.brief import Role
from darkroom.errors import Ambiguous, ContentRefused, ProviderRejected, ProviderUnavailable
from darkroom.ports import Ticket
from tests.providers.fakes.fake import Trouble
from tests.providers.scene import Facing
from tests.providers.test_conformance import play


def test_a_lost_answer_is_asked_for_again_under_the_same_key_and_nothing_is_made_twice(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = replace(scene.work(), callback_url="https://a.b/callbacks/1")
        scene.fake.trouble("submit", Trouble("after"))
        with pytest.raises(ProviderUnavailable):
            await scene.submit(work)
        ticket = await scene.submit(replace(work, attempt=2, callback_url="https://a.b/callbacks/2"))
        assert isinstance(ticket, Ticket)
        await scene.finish(work, ticket)
        assert len(scene.fake.jobs) == 1
        sent = [(seen.headers["Idempotency-Key"], dict(seen.query), seen.body) for _, seen in scene.fake.seen[:2]]
        assert sent == [("0190-1", {}, scene.fake.submitted)] * 2

    play("higgsfield", tmp_path, story)


def test_a_link_that_was_signed_anew_is_another_request_and_no_rejection(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        picture = scene.picture()
        (path,) = picture["media"][Role.IMAGE]
        work = scene.work(model="aimlapi/klingai/v2.1-master-image-to-video", **picture)
        work = replace(work, upstream="kling-video/v2.1/master/image-to-video")
        scene.fake.trouble("submit", Trouble("after"))
        with pytest.raises(ProviderUnavailable):
            await scene.submit(replace(work, links={path: "https://a.b/fox.png?signature=1"}))
        with pytest.raises(Ambiguous):
            await scene.submit(replace(work, links={path: "https://a.b/fox.png?signature=2"}))
        assert [seen.body for _, seen in scene.fake.seen] == [
            {"prompt": "a red fox in the snow", "image_url": f"https://a.b/fox.png?signature={number}", "duration": 5}
            for number in (1, 2)
        ]
        assert len(scene.fake.jobs) == 1

    play("higgsfield", tmp_path, story)


def test_too_much_at_once_is_a_400_and_the_key_rests(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        body = {"detail": "Concurrent requests limit reached"}
        scene.fake.trouble("submit", Trouble("before", status=400, body=body))
        with pytest.raises(ProviderUnavailable):
            await scene.submit(scene.work())
        with pytest.raises(ProviderUnavailable):
            scene.provider.address()

    play("higgsfield", tmp_path, story)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"detail": "Invalid input"}, ProviderRejected),
        (422, {"detail": [{"loc": ["body", "duration"], "msg": "Input should be 5 or 10"}]}, ProviderRejected),
        (403, {"detail": "Not enough credits"}, ProviderUnavailable),
        (404, {"detail": "Model not found"}, ProviderUnavailable),
        (423, {"detail": "Model is blocked"}, ProviderUnavailable),
        (503, {"detail": "Model is not ready"}, ProviderUnavailable),
    ],
)
def test_what_a_submit_is_answered(
    status: int, body: dict[str, object], expected: type[Exception], tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=status, body=body))
        with pytest.raises(expected):
            await scene.submit(scene.work())

    play("higgsfield", tmp_path, story)


def test_seedance_writes_its_resolution_without_a_letter(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work(model="skills/bytedance/seedance-1-pro-fast", duration_s=12.0)
        await scene.submit(replace(work, upstream="bytedance/seedance/v1/pro/fast/text-to-video"))
        assert scene.fake.seen[0][1].body == {
            "prompt": "a red fox in the snow",
            "aspect_ratio": "16:9",
            "resolution": "720",
            "duration": 12,
        }

    play("higgsfield", tmp_path, story)


def test_nsfw_is_a_refusal_of_the_content(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        with pytest.raises(ContentRefused):
            await scene.told({"status": "nsfw", "request_id": "1"})

    play("higgsfield", tmp_path, story)


def test_what_has_begun_cannot_be_canceled(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        ticket = await scene.submit(work)
        assert isinstance(ticket, Ticket)
        with pytest.raises(ProviderUnavailable):
            await scene.provider.cancel(work, ticket)

    play("higgsfield", tmp_path, story, states=("running", "completed"))
