"""What became of a paid call whose answer says nothing: sent again under its key, looked up, and never guessed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from darkroom.clock import SystemClock
from darkroom.errors import Ambiguous, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ports import Ticket
from darkroom.providers.configured import make
from darkroom.providers.manifest.reading import read
from tests.chaos.upstream import Upstream
from tests.providers.fakes.fake import Trouble
from tests.providers.scene import Facing

NOTHING_SAID = [
    Trouble("after"),
    Trouble("inside"),
    Trouble("after", 500),
    Trouble("after", 502),
    Trouble("after", 503),
]


def play(folder: Path, kind: str, story: Callable[[Facing], Awaitable[None]]) -> Upstream:
    upstream = Upstream()

    async def run() -> None:
        async with asyncio.timeout(120), upstream.serving():
            upstream.write_manifests(folder / "providers")
            guarded = GuardedClient(allow_loopback=True)
            provider = make(read(folder / "providers" / f"{kind}.toml"), guarded=guarded, clock=SystemClock())
            await guarded.open()
            await provider.open()
            try:
                await story(Facing(upstream, provider, folder))
            finally:
                await provider.close()
                await guarded.close()

    asyncio.run(run())
    return upstream


@pytest.mark.parametrize("trouble", NOTHING_SAID, ids=lambda trouble: f"{trouble.when} {trouble.status}")
def test_an_upstream_that_honours_our_key_is_asked_again(tmp_path: Path, trouble: Trouble) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        scene.fake.trouble("submit", trouble)
        with pytest.raises(ProviderUnavailable):
            await scene.submit(work)
        await scene.finish(work, await scene.submit(work))

    assert len(play(tmp_path, "sturdy", story).jobs) == 1


@pytest.mark.parametrize("kind", ["known", "fragile"])
@pytest.mark.parametrize("trouble", NOTHING_SAID, ids=lambda trouble: f"{trouble.when} {trouble.status}")
def test_of_any_other_nobody_knows(tmp_path: Path, kind: str, trouble: Trouble) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("submit", trouble)
        with pytest.raises(Ambiguous):
            await scene.submit(scene.work())

    assert len(play(tmp_path, kind, story).jobs) == 1


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503])
def test_an_error_at_a_look_up_does_not_say_that_there_is_none(tmp_path: Path, status: int) -> None:
    """However often, and though its body has no job in it, as the body that says that there is none."""

    async def story(scene: Facing) -> None:
        work = scene.work()
        scene.fake.trouble("submit", Trouble("after"))
        with pytest.raises(Ambiguous):
            await scene.submit(work)
        scene.fake.trouble("lookup", *[Trouble("before", status)] * 5)
        for _ in range(5):
            with pytest.raises(ProviderUnavailable):
                await scene.provider.lookup(work)
        found = await scene.provider.lookup(work)
        assert isinstance(found, Ticket)
        await scene.finish(work, found)

    assert len(play(tmp_path, "known", story).jobs) == 1
