"""Assets in a bucket: callers are sent on to it by URLs that it signed, and its troubles and secrets stay ours."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import yarl

from darkroom.assets import open_assets
from darkroom.errors import Misconfigured
from darkroom.testing import FrozenClock
from tests.buckets import KEY_ID, SECRET, Place, low_port
from tests.harness import Answer, Running, running
from tests.web.scene import A_VIDEO, a_video_at
from tests.web.test_assets import CONTENT


async def a_link(server: Running) -> str:
    id = await a_video_at(server)
    await server.reach(id)
    return str((await server.ask("GET", f"/v1/generations/{id}")).body["outputs"][0]["url"])


async def look(server: Running, url: str, method: str = "GET", **headers: str) -> Answer:
    """The answer itself, wherever it leads."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    where = yarl.URL(url, encoded=True)
    async with server.client.request(method, where, headers=sent, allow_redirects=False) as answer:
        return Answer(answer.status, await answer.read(), answer.headers)


def test_a_link_is_ours_and_leads_to_the_bucket(bucket: Place) -> None:
    async def run() -> None:
        async with running([A_VIDEO], assets=bucket.assets, assets_direct=True) as server:
            link = await a_link(server)
            assert link.startswith(f"{server.url}/assets/results/")
            sent_on = await look(server, link)
            assert (sent_on.status, sent_on.headers["cache-control"]) == (307, "no-store")
            there = sent_on.headers["location"]
            assert there.startswith(f"{bucket.environment['AWS_ENDPOINT']}/bucket-")
            assert SECRET not in there
            assert parse_qs(urlsplit(there).query)["X-Amz-Expires"] == ["3600"]
            whole = await look(server, there)
            assert (whole.status, whole.body, whole.headers["content-type"]) == (200, CONTENT, "video/mp4")
            assert whole.headers["cache-control"] == "private, max-age=86400, immutable"
            part = await look(server, there, range="bytes=255-257")
            assert (part.status, part.body) == (206, b"\xff\x00\x01")
            # What a client does that knows nothing of all this.
            async with server.client.get(link, headers={"range": "bytes=0-9"}) as answer:
                assert (answer.status, await answer.read()) == (206, CONTENT[:10])

    asyncio.run(run())


def test_the_bucket_opens_for_nothing_that_it_did_not_sign(bucket: Place) -> None:
    async def run() -> None:
        async with running([A_VIDEO], assets=bucket.assets, assets_direct=True) as server:
            there = (await look(server, await a_link(server))).headers["location"]
            last = "0" if there[-1] != "0" else "1"
            for changed in (
                there[:-1] + last,
                there.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
                there.replace("results/", "results//"),
                there.split("?")[0],
            ):
                refused = await look(server, changed)
                assert refused.status in (400, 403), changed
                assert CONTENT not in refused.body
            assert (await look(server, there, "DELETE")).status == 403

    asyncio.run(run())


def test_what_our_server_answers_itself(bucket: Place) -> None:
    async def run() -> None:
        async with running([A_VIDEO], assets=bucket.assets, assets_direct=True) as server:
            link = await a_link(server)
            head = await look(server, link, "HEAD")
            assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
            assert (await look(server, link, if_none_match=head.headers["etag"])).status == 304
            assert (await look(server, link[:-1])).status == 403
            id = link.split("/results/")[1].split("/")[0]
            assert (await server.ask("DELETE", f"/v1/generations/{id}")).status == 204
            assert (await look(server, link)).status == 410

    asyncio.run(run())


def test_a_buckets_url_lives_no_longer_than_the_link_that_led_to_it(bucket: Place) -> None:
    async def run() -> None:
        clock = FrozenClock()
        async with running([A_VIDEO], clock=clock, assets=bucket.assets, assets_direct=True) as server:
            link = await a_link(server)
            expires = int(parse_qs(urlsplit(link).query)["expires"][0])
            clock.advance(expires - clock.now().timestamp() - 60)
            there = (await look(server, link)).headers["location"]
            assert parse_qs(urlsplit(there).query)["X-Amz-Expires"] == ["60"]
            clock.advance(61)
            assert (await look(server, link)).status == 403

    asyncio.run(run())


def test_a_bucket_that_does_not_answer_is_said_so_and_names_no_credential(
    bucket: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        async with running([A_VIDEO], assets=bucket.assets, assets_direct=True) as server:
            link = await a_link(server)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another/secret")
        async with running([A_VIDEO], assets=bucket.assets) as server:
            key = link.split("/assets/")[1].split("?")[0]
            again = server.url + server.engine.links.path(key, now=server.engine.clock.now())
            answer = await look(server, again)
            assert (answer.status, b"does not answer" in answer.body) == (503, True)
            upload = await server.ask("POST", "/v1/assets", data=b"\x89PNG\r\n\x1a\n" + bytes(100))
            assert (upload.status, upload.body["error"]["code"]) == (503, "unavailable")
            told = f"{answer.body!r} {upload.body} {capfd.readouterr()}"
            assert "403" in told
            for secret in (KEY_ID, SECRET, "another/secret", "X-Amz-Signature", "Credential="):
                assert secret not in told

    asyncio.run(run())


def test_a_large_file_goes_up_in_parts(bucket: Place, tmp_path: Path) -> None:
    async def run() -> None:
        assets = open_assets(bucket.assets)
        content = bytes(range(251)) * 100_000  # 25.1 MB: three parts
        (tmp_path / "large").write_bytes(content)
        assert await assets.put("a/large.mp4", tmp_path / "large") == len(content)
        url = await assets.direct_url("a/large.mp4", life=timedelta(minutes=1))
        assert url is not None
        async with aiohttp.ClientSession() as client, client.get(yarl.URL(url, encoded=True)) as answer:
            assert await answer.read() == content
            # The tag of what came in parts says in how many.
            assert answer.headers["etag"].endswith('-3"')
        await assets.fetch("a/large.mp4", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content

    asyncio.run(run())


def test_whether_it_could_be_stored_now(bucket: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        await open_assets(bucket.assets).check()
        await open_assets(str(tmp_path)).check()
        assert os.listdir(tmp_path) == []
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        with pytest.raises(OSError, match="403"):
            await open_assets(bucket.assets).check()
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{low_port()}")
        with pytest.raises(OSError, match="asset store"):
            await open_assets(bucket.assets).check()
        disk = open_assets(str(tmp_path / "gone"))
        (tmp_path / "gone").rmdir()
        with pytest.raises(OSError, match="No such file"):
            await disk.check()

    asyncio.run(run())


@pytest.mark.parametrize(
    "location",
    [
        "s3://AKIA:secret@bucket/prefix",
        "s3://bucket/prefix?secret=1",
        "ftp://host/folder",
        "s3://",
        "memory:///",
        "file:///tmp",
        "http://host/",
    ],
)
def test_a_place_that_is_none_stops_the_start(location: str) -> None:
    with pytest.raises(Misconfigured, match="assets") as refused:
        open_assets(location)
    assert "AKIA" not in str(refused.value)
