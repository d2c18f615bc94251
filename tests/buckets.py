"""Real S3 servers on real sockets: one that verifies every signature (nanio), one that knows most of S3 (moto)."""

import os
import random
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

KEY_ID = "AKIADARKROOMTESTS"
SECRET = "a/secret+of=the tests"  # every letter that is hard to sign with

_numbers = count(1)


@dataclass(frozen=True)
class Place:
    """Where a test's assets are stored: what the setting says, and the folder where the bytes come to lie."""

    assets: str
    folder: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)


DISK = Place("")

PLACE: ContextVar[Place] = ContextVar("place", default=DISK)
"""Where the harness stores assets, unless a test says otherwise."""


@dataclass(frozen=True)
class Server:
    endpoint: str
    folder: Path | None = None

    def new_place(self, prefix: str = "/media-of-ours") -> Place:
        """A bucket of its own, and a prefix in it."""
        bucket = f"bucket-{next(_numbers)}"
        environment = {
            "AWS_ENDPOINT": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }
        if self.folder is None:
            make = urllib.request.Request(f"{self.endpoint}/{bucket}", method="PUT")
            urllib.request.urlopen(make, timeout=10).close()
            return Place(f"s3://{bucket}{prefix}", None, environment)
        (self.folder / bucket).mkdir()
        return Place(f"s3://{bucket}{prefix}", self.folder / f"{bucket}{prefix}", environment)


def low_port() -> int:
    """One that no outgoing connection of ours is given."""
    while True:
        port = random.randint(18_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(*command: str, port: int, log: Path, **environment: str) -> Iterator[None]:
    """A server process, from when it listens."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        while not _is_listening(port):
            assert child.poll() is None, log.read_text()
        yield
    finally:
        child.kill()
        child.wait()


@pytest.fixture(scope="session")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """S3 that refuses whatever is not signed as it must be."""
    folder, port = tmp_path_factory.mktemp("buckets"), low_port()
    command = (
        sys.executable,
        "-m",
        "nanio",
        "serve",
        "--data-dir",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    )
    log = tmp_path_factory.mktemp("nanio") / "log"
    with process(*command, port=port, log=log, NANIO_ACCESS_KEY=KEY_ID, NANIO_SECRET_KEY=SECRET):
        yield Server(f"http://127.0.0.1:{port}", folder)


@pytest.fixture(scope="session")
def broad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """S3 that knows most of what S3 knows, and believes every signature."""
    port = low_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with process(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), port=port, log=log):
        yield Server(f"http://127.0.0.1:{port}")


@pytest.fixture(params=["disk", "s3"])
def each_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The test runs once with its assets on the disk, and once in a bucket."""
    place = DISK if request.param == "disk" else request.getfixturevalue("verifying").new_place()
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    before = PLACE.set(place)
    yield place
    PLACE.reset(before)


@pytest.fixture
def bucket(verifying: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A bucket of the server that verifies, with its credentials in the environment."""
    place = verifying.new_place()
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place
