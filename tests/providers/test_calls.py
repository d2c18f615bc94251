"""Where calls go and with what: uploads before a submit, a file's own words, and who may be told the secret."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.brief import Role, Task
from darkroom.clock import SystemClock
from darkroom.errors import ManifestError, ProviderRejected, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ports import Pending, Ticket
from darkroom.providers.configured import make
from darkroom.providers.manifest.reading import read
from tests.providers.fakes.fake import Fake, Handler, Seen, Told, Trouble
from tests.providers.fakes.media import png
from tests.providers.scene import Facing

HARBOUR = """
base_url = "{url}"

[words]
wish = "join(' ', ['paint', prompt])"
loud = "join('', [words.wish, '!'])"
wrong = "join(' ', seed)"

[[before]]
name = "berth"
when = "image"
path = "/berths"
body = "{{for: reference}}"
keep = "answer"

[[before]]
name = "landed"
path = "/landings"
each = "[image, last_image]"
form = "{{berth: before.berth.number, cargo: file(item)}}"
keep = "answer.name"

[submit]
path = "/works"
body = "{{what: words.loud, wrong: words.wrong, cargo: before.landed}}"
id = "answer.id"
keep = "{{url: answer.url}}"

[poll]
path = "{{kept.url}}"
status = "answer.state"

[poll.statuses]
running = ["busy"]
completed = ["done"]
"""


class Harbour(Fake):
    name = "harbour"
    submitted: ClassVar[Any] = {"what": "paint a red fox in the snow!", "cargo": []}
    polled_at = ""

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/berths", "berth", lambda seen: Told(201, {"number": 7})),
            ("POST", "/landings", "land", self.land),
            ("POST", "/works", "submit", self.submit),
            ("GET", "/works/{id}", "poll", lambda seen: Told(200, {"state": "busy"})),
        ]

    def land(self, seen: Seen) -> Told:
        return Told(200, {"name": f"cargo-{self.counts['land']}"})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        return Told(200, {"id": job.id, "url": f"{self.polled_at or self.url}/works/{job.id}"})


def play(folder: Path, story: Callable[[Facing], Awaitable[None]], *, more: str = "", at: str = "") -> Harbour:
    """`more` is said above the file's tables; `at` is the host that the upstream tells to be polled at."""
    fake = Harbour()

    async def run() -> None:
        async with asyncio.timeout(20), fake.serving():
            if at:
                fake.polled_at = fake.url.replace("127.0.0.1", at)
            (folder / "secret").write_text(fake.secret)
            file = folder / "harbour.toml"
            credential = f'[[credentials]]\nfile = "{folder / "secret"}"\n'
            file.write_text(more + HARBOUR.format(url=fake.url) + credential)
            guarded = GuardedClient(allow_loopback=True)
            provider = make(read(file), guarded=guarded, clock=SystemClock())
            await provider.open()
            try:
                await story(Facing(fake, provider, folder))
            finally:
                await provider.close()

    asyncio.run(run())
    return fake


def frames(folder: Path) -> dict[str, Any]:
    paths = [folder / "first.png", folder / "last.png"]
    for path in paths:
        path.write_bytes(png())
    return {"task": Task.FRAMES_TO_VIDEO, "media": {Role.IMAGE: (paths[0],), Role.LAST_IMAGE: (paths[1],)}}


def test_uploads_go_out_before_the_submit_each_with_its_own_file(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work(**frames(tmp_path)))

    fake = play(tmp_path, story)
    assert [(kind, seen.body) for kind, seen in fake.seen] == [
        ("berth", {"for": "0190-1"}),
        ("land", {"berth": "7", "cargo": png()}),
        ("land", {"berth": "7", "cargo": png()}),
        ("submit", {"what": "paint a red fox in the snow!", "cargo": ["cargo-1", "cargo-2"]}),
    ]


def test_what_there_is_nothing_for_is_not_called(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        await scene.submit(scene.work())

    fake = play(tmp_path, story)
    assert [(kind, seen.body) for kind, seen in fake.seen] == [("submit", Harbour.submitted)]


@pytest.mark.parametrize("trouble", [Trouble("before", status=500), Trouble("after", status=503), Trouble("inside")])
def test_an_upload_that_goes_wrong_says_that_nothing_was_taken(trouble: Trouble, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("land", trouble)
        with pytest.raises(ProviderUnavailable):
            await scene.submit(scene.work(**frames(tmp_path)))
        assert not scene.fake.jobs
        assert isinstance(await scene.submit(scene.work(**frames(tmp_path))), Ticket)

    play(tmp_path, story)


def test_an_upload_that_is_refused_ends_the_work(tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        scene.fake.trouble("land", Trouble("before", status=422))
        with pytest.raises(ProviderRejected):
            await scene.submit(scene.work(**frames(tmp_path)))

    assert not play(tmp_path, story).jobs


async def polled(scene: Facing) -> Pending | str:
    work = scene.work()
    ticket = await scene.submit(work)
    assert isinstance(ticket, Ticket)
    try:
        state = await scene.poll(work, ticket)
    except ProviderUnavailable as error:
        return str(error)
    assert isinstance(state, Pending)
    return state


@pytest.mark.parametrize(
    ("more", "at", "is_told"),
    [
        ("", "127.0.0.1", True),
        ("", "localhost", False),
        ('api_hosts = ["localhost"]', "localhost", True),
        ('api_hosts = ["*.local.host"]', "localhost", False),
        ('hosts = ["localhost"]', "localhost", False),
        # Whoever is before the @ is nobody: the request would go to what stands behind it.
        ('api_hosts = ["localhost"]', "localhost@127.0.0.1", False),
    ],
)
def test_the_secret_follows_an_answer_to_named_hosts_only(more: str, at: str, is_told: bool, tmp_path: Path) -> None:
    async def story(scene: Facing) -> None:
        state = await polled(scene)
        assert isinstance(state, Pending) is is_told, state

    fake = play(tmp_path, story, more=more, at=at)
    assert fake.counts["poll"] == int(is_told)


@pytest.mark.parametrize("pattern", ["*", "*.com", "https://api.example.com", "api*.example.com"])
def test_a_host_that_a_secret_may_go_to_is_named(pattern: str, tmp_path: Path) -> None:
    file = tmp_path / "harbour.toml"
    file.write_text(f'api_hosts = ["{pattern}"]\n' + HARBOUR.format(url="http://127.0.0.1:1"))
    with pytest.raises(ManifestError):
        read(file)


UNSIGNED = """
[[before]]
name = "elsewhere"
path = "{at}/berths"
signed = false
keep = "answer.number"
"""


@pytest.mark.parametrize(("hosts", "is_made"), [('["localhost"]', True), ('["*"]', False), ("[]", False)])
def test_an_unsigned_upload_carries_no_secret_and_goes_to_hosts(hosts: str, is_made: bool, tmp_path: Path) -> None:
    fake = Harbour()

    async def run() -> None:
        async with asyncio.timeout(20), fake.serving():
            (tmp_path / "secret").write_text(fake.secret)
            file = tmp_path / "harbour.toml"
            at = fake.url.replace("127.0.0.1", "localhost")
            credential = f'[[credentials]]\nfile = "{tmp_path / "secret"}"\n'
            file.write_text(f"hosts = {hosts}\n" + HARBOUR.format(url=fake.url) + UNSIGNED.format(at=at) + credential)
            provider = make(read(file), guarded=GuardedClient(allow_loopback=True), clock=SystemClock())
            await provider.open()
            try:
                scene = Facing(fake, provider, tmp_path)
                with pytest.raises(ProviderUnavailable):
                    await scene.submit(scene.work())  # the fake shuts out whoever brings no secret
            finally:
                await provider.close()

    asyncio.run(run())
    assert fake.counts["berth"] == int(is_made)
    assert all("Authorization" not in seen.headers for _, seen in fake.seen)
