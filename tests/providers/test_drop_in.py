"""A new upstream is one file in a folder: no code of ours knows it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.config import Settings
from darkroom.errors import CatalogueError, ManifestError, Misconfigured
from darkroom.generation import Status
from darkroom.wiring import Engine
from tests.harness import Running, running
from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")
DOCUMENTED = PAGE[PAGE.index("## A manifest that works") :].partition("```toml\n")[2].partition("```")[0]
"""The manifest that the documents end in, as a reader would copy it."""

SECRET_FILE = """
[[credentials]]
name = "studio"
file = "{folder}/paint-key"
"""


class Paintbox(Fake):
    name = "paintbox"
    PREFIX = "/api"
    secret = "paint-me-a-secret"
    submitted: ClassVar[Any] = None

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/paintings", "submit", self.submit),
            ("GET", "/paintings/{id}", "poll", self.poll),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("X-Paint-Key") == self.secret

    def submit(self, seen: Seen) -> Told:
        return Told(202, {"painting": self.accept(seen.body).id})

    def poll(self, seen: Seen) -> Told:
        job: Job = self.jobs[seen.match["id"]]
        state = {"queued": "waiting", "running": "wet", "completed": "dry", "failed": "torn"}[job.step()]
        done = {"pictures": [{"href": self.file_url}], "dollars": 0.035} if state == "dry" else {}
        return Told(200, {"state": state, "dry": 0.5, "why": f"it tore, see {self.url}/help", **done})


def play(folder: Path, story: Callable[[Running, Paintbox], Awaitable[None]], *states: str) -> None:
    async def run() -> None:
        fake = Paintbox()
        fake.states = states or fake.states
        async with asyncio.timeout(120), fake.serving():
            (folder / "providers").mkdir()
            (folder / "paint-key").write_text(fake.secret + "\n")
            manifest = DOCUMENTED.replace("https://paintbox.example.com", fake.url).replace(
                "interval_s = 2", "interval_s = 0.02"
            )
            (folder / "providers" / "paintbox.toml").write_text(manifest + SECRET_FILE.format(folder=folder))
            async with running(None, data=folder, render_processes=1) as server:
                await story(server, fake)

    asyncio.run(run())


def test_a_file_is_an_upstream_and_its_models(tmp_path: Path) -> None:
    async def story(server: Running, fake: Paintbox) -> None:
        wanted = {"model": "paintbox/moving", "inputs": {"prompt": "a red fox", "duration": 10}}
        submitted = await server.ask("POST", "/v1/generations", wanted)
        assert submitted.status == 202, submitted.body
        done = await server.ask("GET", f"/v1/generations/{submitted.body['id']}?wait=20")
        assert done.body["status"] == "completed"
        (job,) = fake.jobs.values()
        assert job.body == {"what": "a red fox", "seconds": 8, "ours": submitted.body["id"]}
        # Our own copy: the bytes are the upstream's, the address is ours.
        assert fake.url not in str(done.body)
        result = await server.ask("GET", done.body["outputs"][0]["url"].removeprefix(server.url))
        assert result.body == fake.media
        (balance,) = (
            await server.engine.store.balances((await server.engine.store.find_account("default")).id)
        ).values()
        assert balance.spent == 12_000_000

    play(tmp_path, story)


def test_its_routes_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    async def story(server: Running, fake: Paintbox) -> None:
        wanted = {"model": "aimlapi/luma/ray-2", "inputs": {"prompt": "a red fox"}}
        submitted = await server.ask("POST", "/v1/generations", wanted)
        assert submitted.status == 202, submitted.body
        await server.reach(submitted.body["id"])
        assert len(fake.jobs) == 1

    play(tmp_path, story)


def test_a_failure_is_told_without_the_upstreams_address(tmp_path: Path) -> None:
    async def story(server: Running, fake: Paintbox) -> None:
        wanted = {"model": "paintbox/moving", "inputs": {"prompt": "a red fox"}}
        submitted = await server.ask("POST", "/v1/generations", wanted)
        failed = await server.reach(submitted.body["id"], Status.FAILED)
        assert failed.cause is not None
        assert (failed.cause.code, failed.cause.message) == ("provider_rejected", "it tore, see ...")
        assert failed.spent_total == 0

    play(tmp_path, story, "running", "failed")


def start(folder: Path, text: str) -> Engine:
    (folder / "providers").mkdir(exist_ok=True)
    (folder / "providers" / "mine.toml").write_text(text)
    return Engine(Settings(data=str(folder), render_processes=1))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('use = "luma"\nslots = 3\n', 2, "slots"),
        ('use = "lumo"\n', 1, "no manifest 'lumo' is shipped"),
        ('use = "luma"\n\n[poll]\nstatus = "answr.state"\n', 4, "there is no word 'answr'"),
        ('use = "luma"\n[poll]\nstatus = "lower(answer.state)"\n', 3, "there is no function 'lower'"),
        ('use = "luma"\n[submit]\nbody = "{model: }"\n', 3, "cannot be read"),
        ('use = "luma"\n[poll.statuses]\ncompleted = []\n', 2, "says no word for 'completed'"),
        ('use = "luma"\n[limits]\nslots = 0\n', 3, "`int` >= 1"),
        (
            'use = "luma"\n[[routes]]\nmodels = ["luma/ray-9"]\nupstream = "ray-9"\n',
            3,
            "there is no model 'luma/ray-9'",
        ),
        ('use = "luma"\n[[credentials]]\nname = "a"\n', 2, "needs exactly one of environment, file, command"),
        ('base_url = "https://example.com"\n', 1, "submit"),
        ("base_url = \n", 1, "Invalid value"),
        # What is allowed instead.
        ('base_url = "example.com"\n', 1, "is http:// or https:// and a host"),
        ('use = "luma"\n[auth]\nkind = "cookie"\n', 3, "it is one of basic, bearer, header, jwt, none, query"),
        ('use = "luma"\n[[errors]]\nwhen = "answer"\nmeans = "no"\n', 4, "content_refused, key_refused, lost"),
        ('use = "luma"\n[poll.statuses]\nbusy = ["b"]\n', 3, "there are canceled, completed, failed, queued, running"),
        ('use = "luma"\n[poll]\nevery_s = 3\n', 3, "there are after_s, batch, body"),
        ('use = "luma"\napi_hosts = ["https://a.example"]\n', 2, "a host by its whole name"),
        ('use = "luma"\n[[models]]\nslug = "a b"\n', 3, "without a space"),
        ('use = "luma"\n[[models]]\nslug = "a"\nmodality = "film"\n', 4, "it is one of video, image"),
        ('use = "luma"\n[[models]]\nslug = "a"\nprice = { credit = 1 }\n', 4, "there are base, by, credits, per"),
        ('use = "luma"\nbase_url = "https://us:er@example.com"\n', 2, "with no user"),
    ],
)
def test_a_wrong_file_stops_the_start_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises((ManifestError, CatalogueError)) as caught:
        start(tmp_path, text)
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_a_secret_that_is_not_there_stops_the_start_and_is_not_told(tmp_path: Path) -> None:
    async def run() -> None:
        engine = start(tmp_path, 'use = "luma"\n[[credentials]]\nfile = "/nowhere/at/all"\n')
        engine.claim("a test")
        await engine.open()
        try:
            with pytest.raises(Misconfigured, match="provider 'mine', credential 'main': the file /nowhere/at/all"):
                await engine.work()
        finally:
            await engine.close()

    asyncio.run(run())
