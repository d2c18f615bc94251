"""Where data is not enough, functions of an operator's own: in place of any part, never of the loop."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.errors import ManifestError
from darkroom.generation import Status
from darkroom.providers.manifest import reading
from tests.harness import Running, running
from tests.providers.fakes.fake import Fake, Handler, Seen, Told

MANIFEST = """
base_url = "{url}"
python = "counting.py"
auth.kind = "none"
[submit]
path = "/work"
body = "painted(@)"
id = "answer.id"
[poll]
path = "/work/{{id}}"
status = "state_of(answer)"
statuses = {{ running = ["working"], completed = ["done"] }}
interval_s = 0.02
[outputs]
files = "answer.link"
[[models]]
slug = "counting/still"
name = "Counting"
maker = "Counting"
modality = "video"
tasks = ["text-to-video"]
expected_wait_s = [1, 2]
price = {{ credits = 1 }}
upstream = "counter"
inputs.prompt = {{ type = "string", required = true }}
"""

PYTHON = """
import zlib

LEFT = {"two": 2, "none": 0}


def painted(words):
    if words["prompt"] == "nothing":
        raise RuntimeError(words["prompt"])
    return {"what": words["prompt"], "sum": _sum(words["prompt"])}


def state_of(answer):
    return "done" if LEFT[answer["left"]] == 0 else "working"


def _sum(text):
    return zlib.crc32(text.encode())
"""


class Counting(Fake):
    """Says how much is left in words that no table of statuses holds, one after the other."""

    name = "counting"
    submitted: ClassVar[Any] = None
    left: list[str]

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/work", "submit", self.submit), ("GET", "/work/{id}", "poll", self.poll)]

    def is_let_in(self, seen: Seen) -> bool:
        return True

    def submit(self, seen: Seen) -> Told:
        return Told(200, {"id": self.accept(seen.body).id})

    def poll(self, seen: Seen) -> Told:
        left = self.left.pop(0)
        return Told(200, {"left": left, "link": self.file_url})


def play(folder: Path, story: Callable[[Running, Counting], Awaitable[None]], *said: str) -> None:
    async def run() -> None:
        fake = Counting()
        fake.left = list(said or ("two", "none"))
        async with asyncio.timeout(60), fake.serving():
            (folder / "providers").mkdir()
            (folder / "providers" / "counting.toml").write_text(MANIFEST.format(url=fake.url))
            (folder / "providers" / "counting.py").write_text(PYTHON)
            async with running(None, data=folder, render_processes=1) as server:
                await story(server, fake)

    asyncio.run(run())


async def submit(server: Running, prompt: str) -> str:
    wanted = {"model": "counting/still", "inputs": {"prompt": prompt}}
    submitted = await server.ask("POST", "/v1/generations", wanted)
    assert submitted.status == 202, submitted.body
    return str(submitted.body["id"])


def test_a_body_and_a_status_by_python(tmp_path: Path) -> None:
    async def story(server: Running, fake: Counting) -> None:
        await server.reach(await submit(server, "hello"))
        (job,) = fake.jobs.values()
        # The CRC-32 of "hello", as every table has it.
        assert job.body == {"what": "hello", "sum": 0x3610A686}

    play(tmp_path, story)


def test_an_answer_that_python_cannot_read_is_asked_for_again(tmp_path: Path) -> None:
    async def story(server: Running, fake: Counting) -> None:
        await server.reach(await submit(server, "hello"))
        assert (len(fake.jobs), fake.left) == (1, [])

    play(tmp_path, story, "a thing that is in no table", "none")


def test_a_body_that_python_cannot_make_sends_nothing(tmp_path: Path) -> None:
    async def story(server: Running, fake: Counting) -> None:
        failed = await server.reach(await submit(server, "nothing"), Status.FAILED)
        assert failed.cause is not None
        assert (failed.cause.code, failed.cause.message) == (
            "provider_rejected",
            "this cannot be asked of the provider",
        )
        assert (len(fake.jobs), failed.spent_total) == (0, 0)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("def nearest(a, b):\n    return a\n", "counting.py defines 'nearest', which is a function already"),
        ("def painted(*words):\n    return words\n", "counting.py: 'painted' must take plain arguments"),
        ("async def painted(words):\n    return words\n", "'painted' must not be async"),
        ("import nothing_of_that_name\n", "counting.py cannot be loaded: ModuleNotFoundError"),
        ("def painted(words:\n", "counting.py cannot be loaded: SyntaxError"),
        (None, "there is no counting.py beside this file"),
    ],
)
def test_a_wrong_file_is_told_with_the_line_that_names_it(tmp_path: Path, python: str | None, reason: str) -> None:
    manifest = tmp_path / "counting.toml"
    manifest.write_text(MANIFEST.format(url="http://127.0.0.1:1"))
    if python is not None:
        (tmp_path / "counting.py").write_text(python)
    with pytest.raises(ManifestError) as caught:
        reading.read(manifest)
    assert reason in str(caught.value)
    assert "counting.toml, line 3" in str(caught.value)


def test_a_function_that_is_not_there_or_has_too_much(tmp_path: Path) -> None:
    manifest = tmp_path / "counting.toml"
    (tmp_path / "counting.py").write_text(PYTHON + "from json import dumps\n")
    wrongs = (
        ("_sum(prompt)", "there is no function '_sum'"),
        ("painted(@, id)", "takes 1 arguments"),
        # What a file has from elsewhere is not its own.
        ("dumps(prompt)", "there is no function 'dumps'"),
    )
    for wrong, reason in wrongs:
        manifest.write_text(MANIFEST.format(url="http://127.0.0.1:1").replace("painted(@)", wrong))
        with pytest.raises(ManifestError) as caught:
            reading.read(manifest)
        assert reason in str(caught.value)
