"""Stored bytes: put, read, copied, deleted."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from obstore.exceptions import PermissionDeniedError

from darkroom.assets import ObstoreAssets, open_assets
from darkroom.assets.fault import as_os_error
from darkroom.errors import NotFound


@pytest.fixture(params=["disk", "verifying", "broad"])
def location(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder, a bucket that verifies each signature, and one of a server that knows more of S3."""
    if request.param == "disk":
        return str(tmp_path / "assets")
    place = request.getfixturevalue(request.param).new_place()
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return str(place.assets)


def play(location: str, act: Callable[[ObstoreAssets], Awaitable[None]]) -> None:
    async def run() -> None:
        await act(open_assets(location))

    asyncio.run(run())


async def stored(assets: ObstoreAssets, *keys: str) -> list[str]:
    """Those of the keys that are there."""
    found = []
    for key in keys:
        try:
            await assets.size(key)
        except NotFound:
            continue
        found.append(key)
    return found


def test_what_is_put_is_read_back_whole_or_in_part(location: str, tmp_path: Path) -> None:
    async def act(assets: ObstoreAssets) -> None:
        content = bytes(range(256)) * 2000
        (tmp_path / "file").write_bytes(content)
        assert await assets.put("a/file", tmp_path / "file") == 512_000
        assert await assets.put("a/bytes", b"bytes") == await assets.size("a/bytes") == 5
        assert b"".join([chunk async for chunk in assets.read("a/file")]) == content
        part = [chunk async for chunk in assets.read("a/file", start=255, end=258)]
        assert b"".join(part) == b"\xff\x00\x01"
        await assets.fetch("a/file", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content

    play(location, act)


def test_what_is_taken_leaves_no_file_behind(location: str, tmp_path: Path) -> None:
    async def act(assets: ObstoreAssets) -> None:
        (tmp_path / "file").write_bytes(b"a result")
        assert await assets.take("results/1/file", tmp_path / "file") == 8
        assert b"".join([chunk async for chunk in assets.read("results/1/file")]) == b"a result"
        assert not (tmp_path / "file").exists()
        with pytest.raises(FileNotFoundError):
            await assets.take("results/2/file", tmp_path / "file")

    play(location, act)


def test_what_a_disk_has_moved_and_not_yet_kept_for_sure_can_be_taken_again(tmp_path: Path) -> None:
    async def act(assets: ObstoreAssets) -> None:
        (tmp_path / "file").write_bytes(b"a result")
        await assets.take("results/1/file", tmp_path / "file")
        assert await assets.take("results/1/file", tmp_path / "file") == 8

    play(str(tmp_path / "assets"), act)


def test_what_is_not_there_is_not_found(location: str, tmp_path: Path) -> None:
    async def act(assets: ObstoreAssets) -> None:
        with pytest.raises(NotFound):
            await assets.size("a/b")
        with pytest.raises(NotFound):
            await assets.fetch("a/b", tmp_path / "copy")
        with pytest.raises(NotFound):
            _ = [chunk async for chunk in assets.read("a/b")]

    play(location, act)


def test_what_is_gone_already_does_not_stop_the_deletion_of_the_rest(location: str) -> None:
    async def act(assets: ObstoreAssets) -> None:
        await assets.put("a/2", b"x")
        await assets.delete(["a/1", "a/2", "a/3"])
        assert await stored(assets, "a/2") == []
        await assets.delete([])

    play(location, act)


def test_a_folder_is_deleted_with_everything_in_it_and_nothing_beside_it(location: str) -> None:
    async def act(assets: ObstoreAssets) -> None:
        for key in ("r/g1/1/x", "r/g1/2/y", "r/g11/1/x", "t/g1/1/x"):
            await assets.put(key, b"x")
        await assets.delete_folder("r/g1")
        await assets.delete_folder("r/g7")
        assert await stored(assets, "r/g1/1/x", "r/g1/2/y", "r/g11/1/x", "t/g1/1/x") == ["r/g11/1/x", "t/g1/1/x"]

    play(location, act)


def test_an_error_tells_nothing_of_what_was_signed() -> None:
    # As S3 answers where the secret is wrong, and as the client tells of it.
    told = """The operation lacked the necessary privileges to complete for path p/x: Error performing PUT
        https://media.s3.amazonaws.com/p/x?X-Amz-Credential=AKIAEXAMPLE - Server returned non-2xx status code: 403:
        <Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIAEXAMPLE</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256
        20261121T073118Z</StringToSign><SignatureProvided>a0895121</SignatureProvided></Error>"""
    with pytest.raises(OSError, match="asset store") as refused, as_os_error():
        raise PermissionDeniedError(told)
    assert str(refused.value) == "the asset store: PermissionDenied 403 SignatureDoesNotMatch"
    assert "AKIAEXAMPLE" not in "".join(traceback.format_exception(refused.value))
