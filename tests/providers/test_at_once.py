"""Upstreams that answer with the result: what has been paid for is never sent out again, whatever happens to it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.errors import ManifestError
from darkroom.generation import Status
from darkroom.providers.manifest.reading import read
from tests.harness import Running, running
from tests.providers.fakes.fake import Fake, Handler, Seen, Told, Trouble

BOOTH = """
base_url = "{url}/api"

[[credentials]]
file = "{folder}/booth-key"

[submit]
path = "/{{image && 'changes' || 'pictures'}}"
body = "{{prompt: prompt}}"
form = "image && {{prompt: prompt, picture: file(image)}}"

[outputs]
files = "answer.pictures"

[cost]
usd = "answer.dollars"

[[models]]
slug = "booth/still"
name = "Still"
maker = "Booth"
modality = "image"
tasks = ["text-to-image", "image-to-image"]
expected_wait_s = [1, 2]
price = {{ credits = 3 }}
upstream = "still-1"
inputs.prompt = {{ type = "string", required = true }}
inputs.image_url = {{ type = "string", format = "uri" }}
"""


class Booth(Fake):
    name = "booth"
    modality = "image"
    PREFIX = "/api"
    is_sync = True
    has_files = False
    secret = "a-booth-of-ones-own"
    submitted: ClassVar[Any] = {"prompt": "a red fox"}
    pictures: Any = None

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/pictures", "submit", self.submit), ("POST", "/changes", "change", self.submit)]

    def submit(self, seen: Seen) -> Told:
        self.accept(seen.body)
        return Told(200, {"pictures": [self.file_url] if self.pictures is None else self.pictures, "dollars": 0.04})


Story = Callable[[Running, Booth], Awaitable[None]]


def play(folder: Path, *stories: Story, **settings: Any) -> Booth:
    """Each story has a server of its own, one after the other, on the same data."""
    fake = Booth()

    async def run() -> None:
        async with asyncio.timeout(120), fake.serving():
            (folder / "providers").mkdir()
            (folder / "booth-key").write_text(fake.secret)
            (folder / "providers" / "booth.toml").write_text(BOOTH.format(url=fake.url, folder=folder))
            for story in stories:
                async with running(None, data=folder, render_processes=1, **settings) as server:
                    await story(server, fake)

    asyncio.run(run())
    return fake


async def submitted(server: Running, **inputs: str) -> str:
    wanted = {"model": "booth/still", "inputs": {"prompt": "a red fox", **inputs}}
    answer = await server.ask("POST", "/v1/generations", wanted)
    assert answer.status == 202, answer.body
    return str(answer.body["id"])


async def spent(server: Running) -> tuple[int, int]:
    """What has been spent, and what is held, in credits."""
    owner = await server.engine.store.find_account("default")
    (balance,) = (await server.engine.store.balances(owner.id)).values()
    return balance.spent // 1_000_000, balance.held // 1_000_000


@pytest.mark.parametrize(
    "pictures",
    [[], "", [{"base64": "not base64 at all"}], ["data:image/png;base64,AAAA"], ["https://elsewhere.example/fox.png"]],
    ids=["none", "empty", "broken", "no picture", "elsewhere"],
)
def test_a_result_that_is_none_fails_once_and_costs_nothing(pictures: Any, tmp_path: Path) -> None:
    async def story(server: Running, fake: Booth) -> None:
        fake.pictures = pictures
        failed = await server.reach(await submitted(server), Status.FAILED)
        assert failed.cause is not None
        assert failed.cause.code == "provider_rejected"
        assert await spent(server) == (0, 0)

    assert play(tmp_path, story).counts == {"submit": 1}


def test_a_result_behind_a_link_is_fetched_until_it_is_there(tmp_path: Path) -> None:
    async def story(server: Running, fake: Booth) -> None:
        picture, fake.media = fake.media, b"<html>not yet</html>"
        id = await submitted(server)
        await fake.fetched.wait()
        fake.media = picture
        await server.reach(id)
        assert await spent(server) == (3, 0)

    assert play(tmp_path, story).counts == {"submit": 1}


def test_a_link_outlives_a_restart(tmp_path: Path) -> None:
    ids = []

    async def before(server: Running, fake: Booth) -> None:
        fake.hold.clear()
        ids.append(await submitted(server))
        await fake.fetched.wait()

    async def after(server: Running, fake: Booth) -> None:
        fake.hold.set()
        await server.reach(ids[0])
        assert await spent(server) == (3, 0)

    assert play(tmp_path, before, after).counts == {"submit": 1}


def test_a_server_that_stops_while_it_waits_for_the_answer_never_asks_again(tmp_path: Path) -> None:
    ids = []

    async def before(server: Running, fake: Booth) -> None:
        fake.hold.clear()
        fake.pictures = []
        ids.append(await submitted(server))
        await fake.taken.wait()

    async def after(server: Running, fake: Booth) -> None:
        fake.hold.set()
        failed = await server.reach(ids[0], Status.FAILED)
        assert failed.cause is not None
        assert failed.cause.code == "ambiguous"

    assert play(tmp_path, before, after, when_ambiguous="fail").counts == {"submit": 1}


@pytest.mark.parametrize("when", ["after", "inside", "chunk"])
def test_an_answer_that_is_cut_is_held(when: str, tmp_path: Path) -> None:
    async def story(server: Running, fake: Booth) -> None:
        fake.trouble("submit", Trouble(when))
        id = await submitted(server)
        await fake.taken.wait()
        failed = await server.reach(id, Status.FAILED)
        assert failed.cause is not None
        assert failed.cause.code == "ambiguous"

    assert play(tmp_path, story, when_ambiguous="fail").counts == {"submit": 1}


def test_a_call_with_a_body_and_a_form_sends_the_one_that_comes_out(tmp_path: Path) -> None:
    async def story(server: Running, fake: Booth) -> None:
        await server.reach(await submitted(server))
        await server.reach(await submitted(server, image_url="data:image/png;base64,iVBORw0KGgo="))

    fake = play(tmp_path, story)
    assert [(kind, seen.body, seen.headers["Content-Type"].partition(";")[0]) for kind, seen in fake.seen] == [
        ("submit", {"prompt": "a red fox"}, "application/json"),
        ("change", {"prompt": "a red fox", "picture": b"\x89PNG\r\n\x1a\n"}, "multipart/form-data"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[result]\npath = "/pictures/{id}"\n', 1, "nothing to ask for"),
        ('[cancel]\npath = "/pictures/{id}"\n', 1, "nothing to cancel"),
        ('[submit]\nid = "answer.id"\n', 2, "needs a \\[poll\\]"),
    ],
)
def test_what_only_a_polled_upstream_has_is_refused(text: str, line: int, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "booth.toml"
    file.write_text(f'use = "openai-speech"\n{text}')
    with pytest.raises(ManifestError, match=reason) as caught:
        read(file)
    assert caught.value.line == line + 1
