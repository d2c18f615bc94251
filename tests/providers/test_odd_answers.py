"""Whatever an upstream answers, a provider raises only failures: anything else would end paid work as a bug of ours."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from darkroom.clock import SystemClock
from darkroom.errors import Failure
from darkroom.guarded import DEFAULT_LIMITS, GuardedClient, Limits, Unreachable
from darkroom.ports import Output, Pending, Ticket, Work
from darkroom.providers.client import Answer, Fetched, Lost, Request, UpstreamClient, value_of
from darkroom.providers.manifest.provider import ManifestProvider
from tests.providers.fakes import FAKES
from tests.providers.scene import facing

LONG = "x" * 5000

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**300, -1e308, 1e308, 1.5, "", " ", "nan", "1e999", "-1", LONG),
    *(
        "\r\nX-Evil: yes",
        "\x00",
        "../../admin",
        "//elsewhere/",
        "@elsewhere/",
        "http://[",
        "http://a:99999/",
        "ftp://a/",
    ),
    *("data:,", "data:video/mp4;base64,!", "javascript:1", [], {}, [None], [[]], [{}], {"url": 7}, {"url": "http://["}),
    *({"base64": "!"}, {"hex": "0"}, {"type": "video/\r\n"}, {"url": "data:,x", "type": "video/../x"}, [[["x"]]] * 3),
)
"""What stands where something else is expected, one at a time, at every place of every answer."""

BODIES: tuple[bytes, ...] = (
    *(b"", b"null", b"0", b'"text"', b"[]", b"{", b"\xff\xfe", b"<html>"),
    *(
        b"[" * 5000 + b"]" * 5000,
        b"[" * 400 + b"]" * 400,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[1e999]",
        b'{"id": 1' + b"0" * 5000 + b"}",
    ),
)
"""What comes in place of a whole answer."""


AT_EACH_PLACE = 5

JSON = {"content-type": "application/json"}


class Nobody(GuardedClient):
    async def download(self, url: str, target: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.check(url)
        raise Unreachable("is not to be reached here")


NOBODY = Nobody()


class Script(UpstreamClient):
    """Answers what it is told, and nobody is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    async def call(self, request: Request) -> Answer:
        return self.answers.pop(0) if self.answers else Answer(status=200, headers={}, body=b"{}", value={})

    async def download(self, request: Request, target: Path, *, limit_bytes: int) -> Fetched:
        raise Lost("nothing is downloaded here")


def conversation(name: str, folder: Path) -> list[Answer]:
    """What the fake answers to one fox, from its submit to the end."""

    async def run() -> list[Answer]:
        async with asyncio.timeout(20), facing(FAKES[name](), folder) as scene:
            work = scene.work()
            await scene.finish(work, await scene.submit(work))
            return [exchange.answer for exchange in scene.exchanges if exchange.answer is not None]

    return asyncio.run(run())


def spoilt(value: Any, turn: Iterator[Any]) -> Iterator[Any]:
    """The value with each of its parts missing, or replaced by the next few of the odd ones."""
    yield from islice(turn, AT_EACH_PLACE)
    if isinstance(value, dict):
        for key, item in value.items():
            yield {other: each for other, each in value.items() if other != key}
            for bad in spoilt(item, turn):
                yield {**value, key: bad}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for bad in spoilt(item, turn):
                yield [*value[:index], bad, *value[index + 1 :]]


def conversations(honest: Sequence[Answer]) -> Iterator[list[Answer]]:
    """The conversation until one of its answers, which is spoilt."""
    turn = cycle(ODD)
    for number, answer in enumerate(honest):
        values = [] if answer.value is None else spoilt(answer.value, turn)
        for body in (*BODIES, *map(msgspec.json.encode, values)):
            told = Answer(status=answer.status, headers=JSON, body=body, value=value_of(JSON, body))
            yield [*honest[:number], told]


async def hear(provider: ManifestProvider, script: Script, work: Work) -> None:
    """Submit, and poll until the script has ended; what is told of it is within bounds."""
    state: Ticket | Output | Pending | Failure
    try:
        state = ticket = await provider.start(work)
        while isinstance(ticket, Ticket) and script.answers and not isinstance(state, Output):
            state = await provider.poll(work, ticket, lambda progress: None)
    except Failure as error:
        state = error
    match state:
        case Ticket():
            assert len(state.ref) <= 1 << 16
        case Pending():
            assert state.after_s is None or 0 <= state.after_s <= 3600
            assert state.progress is None or 0 <= state.progress <= 1
        case Failure():
            assert state.retry_after_s is None or 0 <= state.retry_after_s <= 3600
    if not isinstance(state, Ticket | Pending):
        assert state.cost_micro_usd is None or 0 <= state.cost_micro_usd <= 10**12
    for credential in provider.credentials.values():
        assert credential.resting_until <= asyncio.get_running_loop().time() + 3600
        credential.resting_until = 0.0
        credential.running.clear()


@pytest.mark.parametrize("name", sorted(FAKES))
def test_an_odd_answer_is_a_failure_and_no_bug(name: str, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    honest = conversation(name, tmp_path / "first")

    async def run() -> None:
        async with facing(FAKES[name](), tmp_path, limits={"requests_per_second": 1e6}) as scene:
            script = Script()
            provider = ManifestProvider(
                scene.provider.manifest,
                credentials=scene.provider.credentials,
                client=script,
                guarded=NOBODY,
                clock=SystemClock(),
            )
            work = scene.work()
            # A batch waits for company at each poll: a part of them is enough there.
            for answers in islice(conversations(honest), 0, None, 1 if scene.provider.manifest.batch is None else 5):
                script.answers = answers
                await hear(provider, script, work)

    asyncio.run(run())
