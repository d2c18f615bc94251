"""An upstream, or a caller, that means ill: what an answer cannot reach, and what an input cannot become."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
import structlog

from darkroom.brief import Brief, Modality, Task
from darkroom.clock import Clock, SystemClock
from darkroom.errors import Ambiguous, ProviderRejected, ProviderUnavailable
from darkroom.guarded import GuardedClient
from darkroom.ports import Output, Pending, Ticket, Work
from darkroom.providers.configured import make
from darkroom.providers.manifest.provider import ManifestProvider
from darkroom.providers.manifest.reading import read
from darkroom.testing import FrozenClock
from tests.guarded.server import Seen, Server, serving
from tests.providers.fakes.media import mp4

SECRET = "studio:s3cret+key/0123456789abcdef01234567"
BASIC = "c3R1ZGlvOnMzY3JldCtrZXkvMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
"""printf 'studio:s3cret+key/0123456789abcdef01234567' | base64"""

BEARER = "kind = 'bearer'"

SYSTEM_CLOCK = SystemClock()

MANIFEST = """
base_url = "{url}"
hosts = ["*"]
message = "answer.why"
{top}

[auth]
{auth}

[submit]
path = "/works/{{model}}"
headers = {{ X-Wish = "{{inputs.wish || 'none'}}" }}
query = "{{wish: inputs.wish}}"
body = "fill(templates.scene, {{text: prompt, model: model}})"
id = "answer.id"

[poll]
path = "/works/{{id}}/state"
status = "answer.state"
{more}

[poll.statuses]
running = ["busy"]
completed = ["done"]
failed = ["broken"]

[outputs]
files = "answer.files"
{outputs}

[limits]
{limits}

[templates]
scene = '{{"say": "$text", "model": "$model"}}'

[[credentials]]
file = "{secret}"
"""


def json(body: str, *, status: str = "200 OK", headers: str = "") -> bytes:
    return http(body.encode(), status=status, headers="Content-Type: application/json\r\n" + headers)


def http(content: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(content)}\r\n\r\n".encode() + content


class Scene:
    """A provider before a server that answers with `answers` in their turn."""

    def __init__(self, provider: ManifestProvider, server: Server, folder: Path) -> None:
        self.provider = provider
        self.server = server
        self.folder = folder

    def work(self, prompt: str = "a fox", *, upstream: str = "m", inputs: Mapping[str, Any] | None = None) -> Work:
        folder = self.folder / "work"
        folder.mkdir(exist_ok=True)
        return Work(
            reference="0190-1",
            attempt=1,
            upstream=upstream,
            inputs=inputs or {},
            brief=Brief(model="m", task=Task.TEXT_TO_VIDEO, modality=Modality.VIDEO, prompt=prompt),
            expected_wait_s=(1, 2),
            scratch=folder,
            address=self.provider.address(),
        )

    async def poll(self) -> Output | Pending:
        work = self.work()
        ticket = await self.provider.start(work)
        assert isinstance(ticket, Ticket)
        return await self.provider.poll(work, ticket, lambda progress: None)


@asynccontextmanager
async def before(
    folder: Path,
    *answers: bytes | str,
    clock: Clock,
    top: str,
    auth: str,
    more: str,
    outputs: str,
    limits: str,
) -> AsyncIterator[Scene]:
    waiting = list(answers)

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        told = waiting.pop(0)
        writer.write(told if isinstance(told, bytes) else json(told.replace("HERE", server.url())))

    (folder / "secret").write_text(SECRET)
    guarded = GuardedClient()
    await guarded.open()
    async with asyncio.timeout(25), serving(answer) as server:
        file = folder / "hostile.toml"
        said = {"url": server.url("/api"), "secret": folder / "secret"}
        said |= {"top": top, "auth": auth, "more": more, "outputs": outputs, "limits": limits}
        file.write_text(MANIFEST.format(**said))
        provider = make(read(file), guarded=guarded, clock=clock)
        await provider.open()
        try:
            yield Scene(provider, server, folder)
        finally:
            await provider.close()
            await guarded.close()


def play(
    folder: Path,
    story: Callable[[Scene], Awaitable[None]],
    *answers: bytes | str,
    clock: Clock = SYSTEM_CLOCK,
    top: str = "",
    auth: str = BEARER,
    more: str = "",
    outputs: str = "",
    limits: str = "",
) -> list[Seen]:
    """What was asked. An answer that is a text is JSON, with the server's own URL for HERE; the others are what the
    manifest says besides, above its tables and in some of them."""

    async def run() -> list[Seen]:
        said = {"top": top, "auth": auth, "more": more, "outputs": outputs, "limits": limits}
        async with before(folder, *answers, clock=clock, **said) as scene:
            await story(scene)
            return scene.server.seen

    return asyncio.run(run())


TAKEN = json('{"id": "w1"}')


# What a caller writes.


@pytest.mark.parametrize("wish", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "\x7f", "\u2028"])
def test_an_input_cannot_begin_another_header(wish: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderRejected, match=r"^this cannot be asked of the provider$"):
            await scene.provider.start(scene.work(inputs={"wish": wish}))

    assert play(tmp_path, story) == []


def test_an_input_stays_one_parameter_of_the_query(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.provider.start(scene.work(inputs={"wish": "a&key=b#c?d=é /"}))

    (seen,) = play(tmp_path, story, TAKEN)
    assert seen.path == "/api/works/m?wish=a%26key%3Db%23c?d%3D%C3%A9+/"


def test_an_input_is_no_template(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.provider.start(scene.work("$model {prompt} `1`"))

    (seen,) = play(tmp_path, story, TAKEN)
    assert seen.body == b'{"say":"$model {prompt} `1`","model":"m"}'


@pytest.mark.parametrize("name", ["../../admin", "..", ".", "a/../../b", "./b"])
def test_a_mapped_name_does_not_walk_out_of_its_path(name: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderRejected):
            await scene.provider.start(scene.work(upstream=name))

    assert play(tmp_path, story) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("maker/model-1", "/api/works/maker/model-1"),
        ("%2e%2e/%2e%2e/admin", "/api/works/%252e%252e/%252e%252e/admin"),
        ("..%2fadmin", "/api/works/..%252fadmin"),
        ("..\\admin", "/api/works/..%5Cadmin"),
        ("m?key=1#part", "/api/works/m%3Fkey=1%23part"),
        ("//elsewhere.example/x", "/api/works///elsewhere.example/x"),
    ],
)
def test_a_mapped_name_stays_a_part_of_the_path(name: str, path: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.provider.start(scene.work(upstream=name))

    (seen,) = play(tmp_path, story, TAKEN)
    assert seen.path == path


# What an upstream answers: ids, and secrets that it echoes.


@pytest.mark.parametrize("id", ["../../admin", ".", "w/../../x"])
def test_an_id_does_not_walk_out_of_the_path_of_the_next_call(id: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(Ambiguous):
            await scene.poll()

    assert len(play(tmp_path, story, json(f'{{"id": "{id}"}}'))) == 1


@pytest.mark.parametrize("id", ['"a\\r\\nb"', f'"{"x" * 1025}"', "{}", "[1]", "true", "1.5", '""', "null"])
def test_what_cannot_be_an_id_is_none(id: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(Ambiguous, match="gave no id"):
            await scene.provider.start(scene.work())

    play(tmp_path, story, json(f'{{"id": {id}}}'))


AUTHS = {
    "bearer": (BEARER, {"authorization": f"Bearer {SECRET}"}, ""),
    "header": ("kind = 'header'\nname = 'X-Key'\nprefix = 'Key '", {"x-key": f"Key {SECRET}"}, ""),
    "query": ("kind = 'query'\nname = 'key'", {}, "?key=studio:s3cret%2Bkey/0123456789abcdef01234567"),
    "basic": ("kind = 'basic'", {"authorization": f"Basic {BASIC}"}, ""),
}


@pytest.mark.parametrize("kind", AUTHS)
def test_what_is_on_the_wire_for_each_way_to_be_let_in(kind: str, tmp_path: Path) -> None:
    auth, headers, query = AUTHS[kind]

    async def story(scene: Scene) -> None:
        assert isinstance(await scene.poll(), Pending)

    seen = play(tmp_path, story, TAKEN, json('{"state": "busy"}'), auth=auth)
    assert [each.path for each in seen] == [f"/api/works/m{query}", f"/api/works/w1/state{query}"]
    for each in seen:
        signed = {name: each.headers[name] for name in ("authorization", "x-key") if name in each.headers}
        assert signed == headers


def test_a_token_on_the_wire_is_of_its_own_call(tmp_path: Path) -> None:
    clock = FrozenClock()

    async def story(scene: Scene) -> None:
        work = scene.work()
        ticket = await scene.provider.start(work)
        assert isinstance(ticket, Ticket)
        clock.advance(40 * 60)
        await scene.provider.poll(work, ticket, lambda progress: None)

    answers = (TAKEN, json('{"state": "busy"}'))
    seen = play(tmp_path, story, *answers, auth="kind = 'jwt'\nlifetime_s = 1800", clock=clock)
    issuer, key = SECRET.split(":")
    tokens = [each.headers["authorization"].removeprefix("Bearer ") for each in seen]
    claims = [
        jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
        for token in tokens
    ]
    assert [each["iss"] for each in claims] == [issuer, issuer]
    assert claims[1]["exp"] - claims[0]["exp"] == 40 * 60
    assert claims[0]["exp"] - claims[0]["nbf"] == 1800 + 5


ECHOED = [
    SECRET,
    SECRET.split(":")[1],
    BASIC,
    "studio%3As3cret%2Bkey%2F0123456789abcdef01234567",
    "s3cret%2Bkey%2F0123456789abcdef01234567",
]


@pytest.mark.parametrize("echo", ECHOED)
@pytest.mark.parametrize("kind", AUTHS)
def test_a_key_that_an_upstream_echoes_is_neither_told_nor_logged(kind: str, echo: str, tmp_path: Path) -> None:
    told: list[str] = []

    async def story(scene: Scene) -> None:
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(ProviderRejected) as caught:
                await scene.provider.start(scene.work())
            state = await scene.poll()
            assert isinstance(state, Pending)
            with pytest.raises(ProviderRejected) as failed:
                await scene.poll()
        told.extend([str(caught.value), str(failed.value), state.word, *map(str, logs)])

    answers = (
        json(f'{{"why": "the key {echo} is wrong"}}', status="400 No"),
        *(TAKEN, json(f'{{"state": "{echo}"}}')),
        *(TAKEN, json(f'{{"state": "broken", "why": "not with {echo}"}}')),
    )
    play(tmp_path, story, *answers, auth=AUTHS[kind][0])
    assert "the key *** is wrong" in told[0]
    assert "not with ***" in told[1]
    assert not [text for text in told if echo in text]


def test_what_does_not_fit_is_logged_without_its_value(tmp_path: Path) -> None:
    logs: list[Any] = []

    async def story(scene: Scene) -> None:
        with structlog.testing.capture_logs() as captured:
            await scene.poll()
        logs.extend(captured)

    answer = f'{{"state": "busy", "files": "{SECRET}"}}'
    play(tmp_path, story, TAKEN, answer, more='progress = "times(answer.files, `2`)"')
    assert [entry["reason"] for entry in logs] == [
        "'times(answer.files, `2`)' does not fit: times() takes number or null, and has string"
    ]


@pytest.mark.parametrize(
    "told", ["99999999999999999999", "1e9", "-5", "nan", "inf", "Fri, 31 Dec 9999 23:59:59 GMT", ""]
)
def test_when_to_come_back_is_never_further_than_an_hour(told: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.provider.start(scene.work())
        assert caught.value.retry_after_s is None or 0 < caught.value.retry_after_s <= 3600
        (credential,) = scene.provider.credentials.values()
        assert 0 < credential.resting_until - asyncio.get_running_loop().time() <= 3600

    play(tmp_path, story, json("{}", status="429 No", headers=f"Retry-After: {told}\r\n"))


@pytest.mark.parametrize("told", ["99999999999", "-5", "true", '"soon"', "{}", "1e300"])
def test_nor_where_a_body_says_it(told: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderUnavailable) as caught:
            await scene.provider.start(scene.work())
        assert caught.value.retry_after_s is None or 0 < caught.value.retry_after_s <= 3600
        (credential,) = scene.provider.credentials.values()
        assert 0 < credential.resting_until - asyncio.get_running_loop().time() <= 3600

    play(tmp_path, story, json(f'{{"wait": {told}}}', status="429 No"), top='retry_after_s = "answer.wait"')


# Where results are, and what they are.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x.mp4",
        "http://localhost:8000/x.mp4",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/x.mp4",
        "http://[::1]/x.mp4",
        "http://[::ffff:10.0.0.1]/x.mp4",
        "http://2130706433/x.mp4",
        "http://user@203.0.113.1/x.mp4",
        "http://[/x.mp4",
        "http://1.1.1.1:22/x.mp4",
    ],
)
@pytest.mark.parametrize("is_redirect", [False, True], ids=["at once", "by a redirect"])
def test_a_result_is_not_fetched_from_within(url: str, is_redirect: bool, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises((ProviderRejected, ProviderUnavailable)):
            await scene.poll()
        assert list(scene.work().folder.iterdir()) == []

    if not is_redirect:
        play(tmp_path, story, TAKEN, json(f'{{"state": "done", "files": "{url}"}}'))
        return
    moved = http(b"", status="302 Found", headers=f"Location: {url}\r\n")
    seen = play(tmp_path, story, TAKEN, '{"state": "done", "files": "HEREx.mp4"}', moved)
    assert len(seen) == 3


DONE = '{"state": "done", "files": "HEREx.mp4"}'


def test_a_result_that_moves_to_what_is_no_url_is_asked_for_again(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderUnavailable):
            await scene.poll()

    play(tmp_path, story, TAKEN, DONE, http(b"", status="302 Found", headers="Location: http://[\r\n"))


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile secret\n",
        b"Service unavailable",
        b"\xef\xbb\xbf<html>",
        '"サービスは利用できません。サービスは利用できません。"'.encode(),
        b"  \n",
        b"",
    ],
)
def test_a_text_is_no_medium_whatever_it_calls_itself(content: bytes, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderUnavailable, match="the result is no video"):
            await scene.poll()
        assert list(scene.work().folder.iterdir()) == []

    play(
        tmp_path, story, TAKEN, DONE, http(content, headers="Content-Type: video/mp4\r\n"), outputs="type = 'video/mp4'"
    )


@pytest.mark.parametrize("type", ["video/", "video/a b", "video/x\\r\\nX-Evil: 1", "video/../../x", "VIDEO/MP4; a=b"])
def test_a_type_is_a_type_or_nothing(type: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        if type.startswith("VIDEO"):
            output = await scene.poll()
            assert isinstance(output, Output)
            assert (output.files[0].media_type, output.files[0].path.suffix) == ("video/mp4", ".mp4")
        else:
            with pytest.raises(ProviderUnavailable, match="the result is no video"):
                await scene.poll()

    unheard_of = http(b"\0\1\2\3", headers="Content-Type: application/octet-stream\r\n")
    file = f'{{"url": "HEREx", "type": "{type}"}}'
    play(tmp_path, story, TAKEN, f'{{"state": "done", "files": [{file}]}}', unheard_of)


def test_nobody_asked_for_so_many_results(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderRejected, match="101 results"):
            await scene.poll()

    files = ", ".join(['"HEREx.mp4"'] * 101)
    assert len(play(tmp_path, story, TAKEN, f'{{"state": "done", "files": [{files}]}}')) == 2


def test_a_result_behind_the_key_is_asked_for_with_it_also_in_a_query(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        output = await scene.poll()
        assert isinstance(output, Output)
        assert SECRET not in str(output)

    result = http(mp4(), headers="Content-Type: video/mp4\r\n")
    auth, _, query = AUTHS["query"]
    seen = play(tmp_path, story, TAKEN, DONE, result, auth=auth, outputs="authorize = true")
    assert seen[2].path == f"/x.mp4{query}"


# What is large, and what never ends.

BOMB = gzip.compress(b"[" + b"0," * (1 << 20) + b"0]")
ZIPPED = "Content-Encoding: gzip\r\nContent-Type: application/json\r\n"


def test_a_bomb_counts_by_what_it_becomes(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(Ambiguous, match="larger than 100000 bytes"):
            await scene.provider.start(scene.work())
        with pytest.raises(ProviderUnavailable, match="larger than 100000 bytes"):
            await scene.poll()
        with pytest.raises(ProviderRejected, match="larger than 100000 bytes"):
            await scene.poll()
        assert list(scene.work().folder.iterdir()) == []

    bomb = http(BOMB, headers=ZIPPED)
    assert len(bomb) < 10_000
    limits = "answer_bytes = 100000\nresult_bytes = 100000"
    play(tmp_path, story, bomb, TAKEN, bomb, TAKEN, DONE, bomb, limits=limits)


def test_what_is_packed_badly_is_lost(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(Ambiguous):
            await scene.provider.start(scene.work())

    play(tmp_path, story, http(b"no zip at all", headers=ZIPPED))


@pytest.mark.parametrize("text", ["a.", "+a", "eyJ-", "eyJa.", "a@", "a@a.", "-", "a-", "http://", "sk-", "\x1b[2J"])
def test_a_long_message_is_read_in_no_time(text: str, tmp_path: Path) -> None:
    """Once for each of its letters would be minutes, in which nobody else is served."""
    told: list[str] = []

    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderRejected) as caught:
            await scene.provider.start(scene.work())
        told.append(str(caught.value))

    why = msgspec.json.encode({"why": text * (1 << 20)}).decode()
    play(tmp_path, story, json(why, status="400 No"))
    assert len(told[0]) <= 300
    assert told[0].isprintable()


def test_a_message_and_a_link_are_lines_that_any_store_takes(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ProviderRejected, match=r"^not so bold$"):
            await scene.provider.start(scene.work())
        with pytest.raises(ProviderRejected, match="neither a link nor a file"):
            await scene.poll()

    no = json('{"why": "not\\u0000so\\u001b\\n bold"}', status="400 No")
    play(tmp_path, story, no, TAKEN, '{"state": "done", "files": "HEREx\\u0000.mp4"}')
