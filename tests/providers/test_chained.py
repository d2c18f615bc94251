"""Two Darkrooms, one behind the other: the second's provider is the first, through each of its dialects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Role
from darkroom.errors import ContentRefused, ProviderRejected
from darkroom.generation import Generation, Status
from darkroom.ports import Output, Pending, Ticket, Work
from darkroom.testing import ScriptedProvider, Step, an_output
from tests.harness import Running, running
from tests.providers.fakes.media import mp4, png
from tests.providers.scene import to_toml
from tests.retries.proxy import Cut, cutting


@dataclass(frozen=True)
class System:
    """A dialect of the first, and a manifest of the second. `credits` are what the work costs at either, `cost` what
    the second notes down for it, in millionths of a dollar, with `options` for what a credit of the first is worth."""

    path: str
    model: str
    inputs: dict[str, Any]
    credits: int
    cost: int
    dialect: str = ""
    options: dict[str, float] = field(default_factory=dict)
    picture: str = ""


FOX = {"prompt": "a red fox in the snow"}

SYSTEMS = {
    "darkroom": System("/v1", "kling-v2.1", {**FOX, "duration": 5}, 26, 260_000, "native", picture="image_url"),
    "elumenta": System(
        "/api/v2",
        "kling-v2.1",
        {**FOX, "duration": 5},
        26,
        260_000,
        options={"usd_per_token": 0.01},
        picture="image_url",
    ),
    "aimlapi": System(
        "", "aimlapi/luma/ray-2", {**FOX, "duration": 5, "resolution": "720p"}, 45, 450_000, picture="keyframes"
    ),
    "aimlapi-luma": System(
        "", "aimlapi-luma/ray-2", {**FOX, "duration": "5s"}, 25, 250_000, "aimlapi", picture="keyframes"
    ),
    "vivix": System(
        "/api/v1",
        "kling-3.0-reference-to-video",
        {**FOX, "duration": 5, "resolution": "720p"},
        85,
        850_000,
        options={"usd_per_credit": 0.001},
        picture="reference_images",
    ),
    "skills": System(
        "/api/v1",
        "skills/luma/ray-2-flash",
        {**FOX, "duration": 5},
        15,
        150_000,
        options={"usd_per_credit": 0.01},
        picture="first_frame_url",
    ),
}

everywhere = pytest.mark.parametrize("name", sorted(SYSTEMS))


@dataclass
class Chain:
    """`inner` makes the media, `outer` has the callers."""

    inner: Running
    outer: Running
    system: System

    async def submit(self, inputs: dict[str, Any] | None = None, *, model: str = "") -> str:
        wanted = {"model": model or self.system.model, "inputs": inputs or self.system.inputs}
        answer = await self.outer.ask("POST", "/v1/generations", wanted)
        assert answer.status == 202, answer.body
        return str(answer.body["id"])

    async def inner_generation(self) -> Generation:
        """The one that the first was asked for, no more and no less."""
        listed = await self.inner.ask("GET", "/v1/generations")
        (only,) = listed.body["items"]
        return await self.inner.engine.store.get(only["id"])


@asynccontextmanager
async def chained(
    name: str, inner: ScriptedProvider | None, folder: Path, *, cut: Cut | None = None
) -> AsyncIterator[Chain]:
    """With a `cut`, the second reaches the first through a wire that breaks once."""
    system = SYSTEMS[name]
    async with asyncio.timeout(90), AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(inner, render_processes=1))
        url = first.url
        if cut is not None:
            assert inner is not None
            wire = cutting(url, cut, received=inner.entered.wait, noticed=inner.entered.wait)
            url = await stack.enter_async_context(wire)
        secret = folder / "secret"
        secret.write_text(await first.key(system.dialect or name))
        file = folder / "data" / "providers" / f"{name}.toml"
        file.parent.mkdir(parents=True)
        tables = {
            "use": name,
            "base_url": url + system.path,
            "credentials": [{"file": str(secret)}],
            "poll": {"interval_s": 0.05},
            "options": system.options,
            "limits": {"requests_per_second": 1000},
        }
        file.write_text(to_toml(tables))
        second = await stack.enter_async_context(running(None, data=folder / "data", render_processes=1))
        yield Chain(first, second, system)


async def spent(server: Running) -> float:
    """What has been captured of the default account, in credits, with nothing held and nothing amiss."""
    account = await server.engine.store.find_account("default")
    balances = (await server.engine.store.balances(account.id)).values()
    assert sum(balance.held for balance in balances) == 0
    assert (await server.engine.store.audit()).discrepancies == ()
    return sum(balance.spent for balance in balances) / 1_000_000


def script(*steps: Step, **changes: Any) -> ScriptedProvider:
    return ScriptedProvider([Ticket("up_1"), Pending(after_s=0.0, progress=0.5), *steps], may_restart=True, **changes)


@everywhere
def test_a_video_arrives_and_both_books_are_exact(name: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with chained(name, script(an_output(content=mp4())), tmp_path) as chain:
            id = await chain.submit()
            done = await chain.outer.reach(id)
            shown = await chain.outer.ask("GET", f"/v1/generations/{id}")
            (output,) = shown.body["outputs"]
            assert output["url"].startswith(chain.outer.url)
            result = await chain.outer.ask("GET", output["url"].removeprefix(chain.outer.url))
            assert result.body == mp4()
            assert (await chain.inner_generation()).status is Status.COMPLETED
            assert await spent(chain.inner) == chain.system.credits
            assert await spent(chain.outer) == chain.system.credits
            (attempt,) = await chain.outer.engine.store.attempts(done.id)
            assert attempt.provider == name
            assert attempt.cost_micro_usd == chain.system.cost

    asyncio.run(run())


@everywhere
def test_a_refusal_is_a_refusal_at_both(name: str, tmp_path: Path) -> None:
    async def run() -> None:
        no = ContentRefused("the prompt was refused by the content rules of its maker")
        async with chained(name, script(no), tmp_path) as chain:
            failed = await chain.outer.reach(await chain.submit(), Status.FAILED)
            assert failed.cause is not None
            assert failed.cause.code == "content_refused"
            assert (await spent(chain.inner), await spent(chain.outer)) == (0, 0)

    asyncio.run(run())


@everywhere
def test_a_failure_is_a_failure_at_both_and_costs_nothing(name: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with chained(name, script(ProviderRejected("the lens fell off")), tmp_path) as chain:
            failed = await chain.outer.reach(await chain.submit(), Status.FAILED)
            assert failed.cause is not None
            assert failed.cause.code == "provider_rejected"
            # skills.video's own failures are fixed sentences, so that they name nobody.
            said = "The generation failed." if name == "skills" else "the lens fell off"
            assert said in failed.cause.message
            assert (await spent(chain.inner), await spent(chain.outer)) == (0, 0)

    asyncio.run(run())


class Looking(ScriptedProvider):
    """Remembers the pictures that it was given."""

    def __init__(self) -> None:
        super().__init__([an_output(content=mp4())], may_restart=True)
        self.seen: list[bytes] = []

    async def start(self, work: Work) -> Ticket | Output:
        for role in (Role.IMAGE, Role.REFERENCE):
            self.seen += [path.read_bytes() for path in work.brief.media.get(role, ())]
        return await super().start(work)


@everywhere
def test_an_input_picture_goes_all_the_way(name: str, tmp_path: Path) -> None:
    async def run() -> None:
        looking = Looking()
        async with chained(name, looking, tmp_path) as chain:
            uploaded = await chain.outer.ask("POST", "/v1/assets?name=fox.png", data=png())
            assert uploaded.status == 201, uploaded.body
            picture: Any = uploaded.body["id"]
            if chain.system.picture == "reference_images":
                picture = [picture]
            elif chain.system.picture == "keyframes":
                picture = {"frame0": {"type": "image", "url": picture}}
            inputs = {**chain.system.inputs, chain.system.picture: picture}
            await chain.outer.reach(await chain.submit(inputs))
            assert looking.seen == [png()]

    asyncio.run(run())


def test_what_is_taken_back_is_taken_back_at_both(tmp_path: Path) -> None:
    async def run() -> None:
        inner = script(an_output(content=mp4()))
        inner.gate.clear()
        async with chained("darkroom", inner, tmp_path) as chain:
            id = await chain.submit()
            await inner.entered.wait()
            ours = await chain.inner_generation()
            canceled = await chain.outer.ask("POST", f"/v1/generations/{id}/cancel")
            assert canceled.body["status"] == "canceled"
            await chain.inner.reach(ours.id, Status.CANCELED)
            assert (await spent(chain.inner), await spent(chain.outer)) == (0, 0)

    asyncio.run(run())


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.DURING], ids=["before", "during"])
def test_a_lost_answer_is_asked_for_again_and_paid_once(cut: Cut, tmp_path: Path) -> None:
    async def run() -> None:
        inner = script(an_output(content=mp4()))
        async with chained("darkroom", inner, tmp_path, cut=cut) as chain:
            done = await chain.outer.reach(await chain.submit())
            assert (await chain.inner_generation()).status is Status.COMPLETED
            assert len(inner.started) == 1
            assert (await spent(chain.inner), await spent(chain.outer)) == (26, 26)
            outcomes = [attempt.outcome for attempt in await chain.outer.engine.store.attempts(done.id)]
            assert outcomes == ["completed", "provider_unavailable"]

    asyncio.run(run())


def test_a_picture_of_the_embedded_renderer_arrives(tmp_path: Path) -> None:
    async def run() -> None:
        async with chained("elumenta", None, tmp_path) as chain:
            done = await chain.outer.reach(await chain.submit(FOX, model="dall-e-3"), limit_s=60)
            ours = await chain.inner_generation()
            assert [(a.media_type, a.width, a.height, a.size_bytes) for a in done.outputs] == [
                (a.media_type, a.width, a.height, a.size_bytes) for a in ours.outputs
            ]
            assert done.outputs[0].width == 1024

    asyncio.run(run())
