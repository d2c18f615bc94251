"""Where calls go and with what: uploads before a submit, a file's own words, and who may be told the secret."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.brief import Role, Task
from darkroom.clock import SystemClock
from darkroom.errors import Failure, ManifestError, ProviderRejected, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ports import Pending, Ticket
from darkroom.providers.configured import make
from darkroom.providers.manifest.reading import read
from tests.providers.fakes.fake import Fake, Handler, Seen, Told, Trouble
from tests.providers.fakes.media import mp4, png
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

[outputs]
files = "answer.file"
authorize = true
"""


class Harbour(Fake):
    name = "harbour"
    submitted: ClassVar[Any] = {"what": "paint a red fox in the snow!", "cargo": []}
    polled_at = ""
    file = ""

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/berths", "berth", lambda seen: Told(201, {"number": 7})),
            ("POST", "/landings", "land", self.land),
            ("POST", "/works", "submit", self.submit),
            ("GET", "/works/{id}", "poll", self.poll),
            ("GET", "/moved/{how}", "file", self.moved),
        ]

    def moved(self, seen: Seen) -> Told:
        """Files are one step, or two, or endlessly many further on; `else` is at a host of another name."""
        where = {"one": "/files/fox.mp4", "two": "/moved/one", "round": "/moved/round"}.get(seen.match["how"])
        there = self.url.replace("127.0.0.1", "localhost") + "/files/fox.mp4"
        return Told(302, headers={"Location": where or there})

    def land(self, seen: Seen) -> Told:
        return Told(200, {"name": f"cargo-{self.counts['land']}"})

    def poll(self, seen: Seen) -> Told:
        return Told(200, {"state": "done" if self.file else "busy", "file": self.url + self.file})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        return Told(200, {"id": job.id, "url": f"{self.polled_at or self.url}/works/{job.id}"})


def play(
    folder: Path, story: Callable[[Facing], Awaitable[None]], *, more: str = "", at: str = "", file: str = ""
) -> Harbour:
    """`more` is said above the file's tables; `at` is the host that the upstream tells to be polled at."""
    fake = Harbour()
    fake.file = file

    async def run() -> None:
        async with asyncio.timeout(120), fake.serving():
            if at:
                fake.polled_at = fake.url.replace("127.0.0.1", at)
            (folder / "secret").write_text(fake.secret)
            manifest = folder / "harbour.toml"
            credential = f'[[credentials]]\nfile = "{folder / "secret"}"\n'
            manifest.write_text(more + HARBOUR.format(url=fake.url) + credential)
            guarded = GuardedClient(allow_loopback=True)
            provider = make(read(manifest), guarded=guarded, clock=SystemClock())
            await guarded.open()
            await provider.open()
            try:
                await story(Facing(fake, provider, folder))
            finally:
                await provider.close()
                await guarded.close()

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
        async with asyncio.timeout(120), fake.serving():
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


@pytest.mark.parametrize(
    ("file", "more", "failure"),
    [
        ("/moved/one", "", None),
        ("/moved/two", "", None),
        ("/moved/else", 'hosts = ["localhost"]', None),
        ("/moved/else", "", ProviderRejected),
        ("/moved/round", "", ProviderUnavailable),
    ],
)
def test_a_result_that_has_moved_is_followed_and_the_secret_stays(
    file: str, more: str, failure: type[Failure] | None, tmp_path: Path
) -> None:
    async def story(scene: Facing) -> None:
        work = scene.work()
        started = await scene.submit(work)
        if failure is not None:
            with pytest.raises(failure):
                await scene.finish(work, started)
            return
        output = await scene.finish(work, started)
        assert output.files[0].path.read_bytes() == mp4()

    fake = play(tmp_path, story, more=more, file=file)
    moves = [seen for kind, seen in fake.seen if kind == "file"]
    assert len(moves) == {"/moved/two": 2, "/moved/round": 6}.get(file, 1)
    assert all(seen.headers["Authorization"] == f"Bearer {fake.secret}" for seen in moves)
