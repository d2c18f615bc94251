"""What every shipped manifest must do, against a fake that behaves and misbehaves as its upstream does."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import av
import msgspec
import pytest

from darkroom.errors import (
    Ambiguous,
    ContentRefused,
    Failure,
    ProviderRejected,
    ProviderUnavailable,
)
from darkroom.ports import Output, Pending, Ticket, Work
from tests.providers.fakes import FAKES
from tests.providers.fakes.fake import Fake, Trouble
from tests.providers.matrix import needs
from tests.providers.scene import Facing, facing

pytestmark = pytest.mark.parametrize("name", sorted(FAKES))

Story = Callable[[Facing], Awaitable[None]]


def play(name: str, folder: Path, story: Story, *, states: tuple[str, ...] | None = None, **changes: object) -> Fake:
    fake = FAKES[name]()
    if states is not None:
        fake.states = states

    async def run() -> None:
        async with asyncio.timeout(120), facing(fake, folder, **changes) as scene:
            await story(scene)

    asyncio.run(run())
    return fake


async def ticket_of(scene: Facing) -> tuple[Work, Ticket]:
    work = scene.work()
    started = await scene.submit(work)
    assert isinstance(started, Ticket)
    return work, started


def only_at_once(name: str) -> None:
    if not FAKES[name]().is_sync:
        pytest.skip("answers its submits with an id")


def test_a_submit_says_what_the_upstream_documents_and_ends_in_a_file(name: str, tmp_path: Path) -> None:
    needs(name, "submit")

    async def story(scene: Facing) -> None:
        work = scene.work()
        output = await scene.finish(work, await scene.submit(work))
        assert [job.body for job in scene.fake.jobs.values()] == [scene.fake.submitted]
        (file,) = output.files
        content = file.path.read_bytes()
        assert content == scene.fake.media
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        with av.open(str(file.path)) as container:
            assert container.streams
        assert output.cost_micro_usd == scene.fake.cost_micro_usd

    play(name, tmp_path, story)


def test_work_that_goes_on_is_told_so(name: str, tmp_path: Path) -> None:
    needs(name, "polled")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        for _ in range(2):
            state = await scene.poll(work, ticket)
            assert isinstance(state, Pending)
            assert state.word == ""
        assert isinstance(await scene.poll(work, ticket), Output)

    play(name, tmp_path, story, states=("queued", "running", "completed"))


def test_a_failure_upstream_is_a_rejection_in_words_for_callers(name: str, tmp_path: Path) -> None:
    needs(name, "failed")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        with pytest.raises(ProviderRejected) as caught:
            await scene.poll(work, ticket)
        assert scene.fake.secret not in str(caught.value)
        assert "http" not in str(caught.value)

    play(name, tmp_path, story, states=("failed",))


def test_what_was_canceled_there_is_a_rejection(name: str, tmp_path: Path) -> None:
    needs(name, "canceled")

    async def story(scene: Facing) -> None:
        for word, ours in scene.provider.manifest.statuses.items():
            if ours == "canceled":
                scene.fake.states = (word,)
                work, ticket = await ticket_of(scene)
                with pytest.raises(ProviderRejected, match="it was canceled at the provider"):
                    await scene.poll(work, ticket)
                assert scene.provider.address()

    play(name, tmp_path, story)


def test_every_word_for_work_that_goes_on_is_known(name: str, tmp_path: Path) -> None:
    needs(name, "odd word")

    async def story(scene: Facing) -> None:
        for word, ours in scene.provider.manifest.statuses.items():
            if ours in ("queued", "running"):
                scene.fake.states = (word,)
                work, ticket = await ticket_of(scene)
                state = await scene.poll(work, ticket)
                assert isinstance(state, Pending)
                assert state.word == ""

    play(name, tmp_path, story)


def test_a_status_that_nobody_knows_is_no_end(name: str, tmp_path: Path) -> None:
    needs(name, "odd word")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        state = await scene.poll(work, ticket)
        assert isinstance(state, Pending)
        assert state.word == "sideways"
        assert isinstance(await scene.poll(work, ticket), Output)

    play(name, tmp_path, story, states=("sideways", "completed"))


def test_a_refusal_of_the_content_is_told_as_one(name: str, tmp_path: Path) -> None:
    needs(name, "refusal")

    async def story(scene: Facing) -> None:
        work = scene.work("something forbidden")
        with pytest.raises(ContentRefused) as caught:
            await scene.finish(work, await scene.submit(work))
        assert scene.fake.secret not in str(caught.value)

    play(name, tmp_path, story)


def test_too_often_is_not_taken_and_says_when_to_come_back(name: str, tmp_path: Path) -> None:
    needs(name, "429")

    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=429, headers={"Retry-After": "7"}))
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.submit(scene.work())
        assert caught.value.retry_after_s == 7
        assert not scene.fake.jobs
        with pytest.raises(ProviderUnavailable):
            scene.provider.address()

    play(name, tmp_path, story)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_5xx_to_a_submit_says_nothing(name: str, when: str, status: int, tmp_path: Path) -> None:
    needs(name, "5xx")

    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble(when, status=status))
        await lost(scene)

    play(name, tmp_path, story)


@pytest.mark.parametrize("when", ["before", "after", "inside", "chunk"])
def test_a_submit_that_is_cut_says_nothing(name: str, when: str, tmp_path: Path) -> None:
    needs(name, "cut")

    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble(when))
        await lost(scene)

    play(name, tmp_path, story)


async def lost(scene: Facing) -> None:
    """Never sent twice, unless the upstream takes our key: then sent again, and taken once."""
    work = scene.work()
    if scene.provider.may_restart:
        with pytest.raises(ProviderUnavailable):
            await scene.submit(work)
        await scene.finish(work, await scene.submit(work))
        assert len(scene.fake.jobs) == 1
        return
    with pytest.raises(Ambiguous):
        await scene.submit(work)
    if not scene.provider.can_look_up:
        return
    taken = len(scene.fake.jobs)
    if not taken and not scene.fake.tells_absence:
        for _ in range(5):
            with pytest.raises(ProviderUnavailable):
                await scene.provider.lookup(work)
        return
    found = await looked_up(scene, work)
    if taken:
        assert isinstance(found, Ticket)
        await scene.finish(work, found)
    else:
        assert found is None


async def looked_up(scene: Facing, work: Work) -> Ticket | Output | None:
    for _ in range(5):
        try:
            return await scene.provider.lookup(work)
        except ProviderUnavailable:
            continue
    raise AssertionError("it was never told")


def test_an_answer_without_an_id_says_nothing(name: str, tmp_path: Path) -> None:
    needs(name, "polled")

    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("after", status=200, body={"unheard": "of"}))
        with pytest.raises(ProviderUnavailable if scene.provider.may_restart else Ambiguous):
            await scene.submit(scene.work())

    play(name, tmp_path, story)


def test_nobody_there_is_certainly_not_taken(name: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        nowhere = msgspec.structs.replace(work.address, base_url="http://127.0.0.1:1")
        with pytest.raises(ProviderUnavailable):
            await scene.submit(dataclasses.replace(work, address=nowhere))

    play(name, tmp_path, story)


def test_a_key_that_is_not_let_in_rests(name: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", Trouble("before", status=401))
        with pytest.raises(ProviderUnavailable):
            await scene.submit(scene.work())
        with pytest.raises(ProviderUnavailable):
            scene.provider.address()

    play(name, tmp_path, story)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("before", status=500),
        Trouble("after", status=503),
        Trouble("before", status=429, headers={"Retry-After": "3"}),
        Trouble("before"),
        Trouble("inside"),
    ],
)
def test_a_poll_that_goes_wrong_says_nothing_of_the_work(name: str, trouble: Trouble, tmp_path: Path) -> None:
    needs(name, "polled")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        # A cut poll is asked again once by the client itself, where it was cut before any answer.
        scene.fake.trouble("poll", *[trouble] * (1 if trouble.status or trouble.when == "inside" else 2))
        with pytest.raises(ProviderUnavailable):
            await scene.poll(work, ticket)
        assert isinstance(await scene.finish(work, ticket), Output)

    play(name, tmp_path, story, states=("running", "completed"))


def test_a_lost_id_is_believed_at_the_third_time_and_is_no_failure(name: str, tmp_path: Path) -> None:
    needs(name, "lost id")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        kept = dict(scene.fake.jobs)
        scene.fake.jobs.clear()
        with pytest.raises(ProviderUnavailable):
            await scene.poll(work, ticket)
        scene.fake.jobs.update(kept)
        assert isinstance(await scene.poll(work, ticket), Pending)
        scene.fake.jobs.clear()
        for expected in (ProviderUnavailable, ProviderUnavailable, Ambiguous):
            with pytest.raises(expected):
                await scene.poll(work, ticket)

    play(name, tmp_path, story, states=("running", "running", "running", "completed"))


def test_cancel_reaches_the_upstream(name: str, tmp_path: Path) -> None:
    needs(name, "cancel")

    async def story(scene: Facing) -> None:
        work, ticket = await ticket_of(scene)
        await scene.provider.cancel(work, ticket)
        assert [job.is_canceled for job in scene.fake.jobs.values()] == [True]

    play(name, tmp_path, story)


def test_a_slow_result_is_given_up_and_fetched_again(name: str, tmp_path: Path) -> None:
    needs(name, "slow")

    async def story(scene: Facing) -> None:
        work = scene.work()
        scene.fake.hold.clear()
        if scene.fake.is_sync:
            # Nobody knows whether it was made, and paid for: it is not asked for again.
            with pytest.raises(Ambiguous):
                await scene.submit(work)
            assert scene.fake.counts["submit"] <= 1
            return
        started = await scene.submit(work)
        with pytest.raises(ProviderUnavailable):
            await scene.finish(work, started)
        assert [file.name for file in work.folder.iterdir() if file.name.startswith("result")] == []
        scene.fake.hold.set()
        assert (await at_last(scene, work, started)).files[0].path.read_bytes() == scene.fake.media

    fake = FAKES[name]()
    limit = "submit_s" if fake.is_sync else "result_s" if fake.has_files else "answer_s"
    play(name, tmp_path, story, states=("completed",), limits={limit: 0.3})


def test_a_result_that_is_cut_is_fetched_again(name: str, tmp_path: Path) -> None:
    needs(name, "fetched")

    async def story(scene: Facing) -> None:
        work = scene.work()
        started = await scene.submit(work)
        for kind in ("file", "result"):
            scene.fake.trouble(kind, Trouble("inside"))
        with pytest.raises(ProviderUnavailable):
            await scene.finish(work, started)
        assert [file.name for file in work.folder.iterdir() if file.name.startswith("result")] == []
        assert (await at_last(scene, work, started)).files[0].path.read_bytes() == scene.fake.media

    play(name, tmp_path, story, states=("completed",))


async def at_last(scene: Facing, work: Work, started: Ticket | Output) -> Output:
    """On a slow machine not everything is in time."""
    while True:
        try:
            return await scene.finish(work, started)
        except ProviderUnavailable:
            continue


def test_a_result_that_is_too_large_is_not_kept(name: str, tmp_path: Path) -> None:
    needs(name, "large")

    async def story(scene: Facing) -> None:
        work = scene.work()
        with pytest.raises(Failure) as caught:
            await scene.finish(work, await scene.submit(work))
        assert isinstance(caught.value, ProviderRejected)
        assert "large" in str(caught.value)
        # It has been made, and is paid for.
        assert caught.value.cost_micro_usd == scene.fake.cost_micro_usd

    play(name, tmp_path, story, states=("completed",), limits={"result_bytes": 50})


def test_a_page_in_place_of_the_result_is_no_result(name: str, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.media = b"<html><body>Service unavailable</body></html>"
        work = scene.work()
        # What has been paid for in the very answer is not asked for again; all else is.
        is_last = scene.fake.is_sync and not scene.fake.has_files
        with pytest.raises(ProviderRejected if is_last else ProviderUnavailable):
            await scene.finish(work, await scene.submit(work))

    play(name, tmp_path, story, states=("completed",))


@pytest.mark.parametrize("when", ["inside", "chunk"])
def test_a_large_result_that_is_cut_is_neither_a_result_nor_asked_for_again(
    name: str, when: str, tmp_path: Path
) -> None:
    only_at_once(name)

    async def story(scene: Facing) -> None:
        scene.fake.media = scene.fake.media + bytes(8 << 20)
        scene.fake.trouble("submit", Trouble(when))
        work = scene.work()
        with pytest.raises(Ambiguous):
            await scene.submit(work)
        assert scene.fake.counts["submit"] == 1
        assert not any(work.folder.iterdir())

    play(name, tmp_path, story)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"unheard": "of"}'], ids=str)
def test_an_answer_without_a_result_has_been_paid_for(name: str, body: bytes, tmp_path: Path) -> None:
    only_at_once(name)

    async def story(scene: Facing) -> None:
        headers = {"Content-Type": "application/json"}
        scene.fake.trouble("submit", Trouble("after", status=200, headers=headers, body=body))
        with pytest.raises(ProviderRejected):
            await scene.submit(scene.work())

    play(name, tmp_path, story)


def test_a_submit_that_is_canceled_gives_its_place_back(name: str, tmp_path: Path) -> None:
    only_at_once(name)

    async def story(scene: Facing) -> None:
        scene.fake.hold.clear()
        submit = asyncio.create_task(scene.submit(scene.work()))
        await scene.fake.taken.wait()
        submit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submit
        scene.fake.hold.set()
        assert isinstance(await scene.submit(scene.work()), Output)

    play(name, tmp_path, story, limits={"slots": 1})
