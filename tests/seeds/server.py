"""A real `darkroom serve` process, and programs that speak to it as its callers' programs would."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
import requests

from tests.harness import free_port

LIMIT_S = 60

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")


@dataclass
class Server:
    data: Path
    port: int
    key: str
    """Of the account `default`, for the native API."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new_key(self, *words: str) -> str:
        return darkroom("key", "create", "default", *words, "--data", str(self.data)).stdout.strip()

    def get(self, path: str, key: str = "") -> Any:
        answer = requests.get(self.url + path, headers={"authorization": f"Bearer {key or self.key}"}, timeout=LIMIT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, id: str | int) -> Any:
        """The generation at its end, by the native API."""
        while (found := self.get(f"/v1/generations/{id}?wait=30"))["status"] in ("queued", "running"):
            pass
        return found


@contextmanager
def serving(data: Path, **environment: str) -> Iterator[Server]:
    """Returns once it says that it serves: it prints its key after that, as the folder is empty."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "darkroom", "serve", "--data", str(data), "--port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(environment),
    )
    assert process.stderr is not None
    try:
        said = ""
        while (key := re.search(r"^ +(dk_\w+)$", said, re.M)) is None:
            line = process.stderr.readline()
            assert line, f"the server did not start: {said}"
            said += line
        yield Server(data, port, key[1])
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT_S)


def darkroom(
    *words: str, environment: Mapping[str, str] | None = None, folder: Path | None = None, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    return _run([sys.executable, "-m", "darkroom", *words], environment=environment, folder=folder, fails=fails)


def python(code: str) -> str:
    return _run([sys.executable, "-c", code]).stdout


def bash(code: str) -> str:
    return _run(["bash", "-euo", "pipefail", "-c", code]).stdout


def node(code: str) -> str:
    return _run(["node", "-e", code]).stdout


def _run(
    command: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    fails: bool = False,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=_environment(environment or {}),
        cwd=folder,
        check=False,
    )
    assert (done.returncode != 0) is fails, f"{done.returncode}: {done.stdout}\n{done.stderr}"
    return done


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours from outside, so that a test means the same everywhere."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    return {**inherited, "NO_COLOR": "1", "PYTHONWARNINGS": "error", **changes}


@dataclass(frozen=True)
class Film:
    codec: str
    seconds: float
    size: tuple[int, int]


def film(source: str | Path) -> Film:
    """What a decoder says of a video, after decoding each frame of it."""
    with av.open(str(source)) as container:
        video = container.streams.video[0]
        assert video.average_rate is not None
        frames = sum(1 for _ in container.decode(video))
        return Film(video.codec_context.name, round(frames / float(video.average_rate), 2), (video.width, video.height))


def downloaded(url: str, target: Path) -> Path:
    answer = requests.get(url, timeout=LIMIT_S)
    assert answer.status_code == 200
    target.write_bytes(answer.content)
    return target
