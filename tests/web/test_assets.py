"""Results as files: signed, expiring, in ranges, and nothing else on the disk."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import ClientResponse

from darkroom.ports import Output, Produced, Work
from darkroom.testing import FrozenClock, an_output
from tests.harness import Running, running
from tests.web.scene import A_VIDEO, a_video_at

pytestmark = pytest.mark.usefixtures("each_place")

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)


async def a_url(server: Running) -> str:
    """Where a finished result is."""
    id = await a_video_at(server)
    await server.reach(id)
    answer = await server.ask("GET", f"/v1/generations/{id}")
    return str(answer.body["outputs"][0]["url"])


async def get(server: Running, url: str, method: str = "GET", **headers: str) -> tuple[ClientResponse, bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.client.request(method, url, headers=sent) as answer:
        return answer, await answer.read()


def test_a_signed_url_gives_the_bytes_to_whoever_holds_it() -> None:
    async def run() -> None:
        async with running([A_VIDEO]) as server:
            url = await a_url(server)
            assert url.startswith(server.url + "/assets/")
            answer, content = await get(server, url)
            assert (answer.status, content) == (200, CONTENT)
            assert answer.headers["content-type"] == "video/mp4"
            assert answer.headers["content-length"] == str(SIZE)
            assert answer.headers["accept-ranges"] == "bytes"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["access-control-allow-origin"] == "*"

    asyncio.run(run())


def test_ranges() -> None:
    cases = (
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, SIZE),
        ("bytes=-100", 206, SIZE - 100, SIZE),
        (f"bytes=-{SIZE * 2}", 200, 0, SIZE),
        (f"bytes=0-{SIZE * 2}", 200, 0, SIZE),
        ("bytes=0-", 200, 0, SIZE),
        (f"bytes={SIZE - 1}-", 206, SIZE - 1, SIZE),
        ("bytes=5-5", 206, 5, 6),
        (f"bytes={SIZE}-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        # Not understood, or not valid: the whole, as the standard has it.
        ("bytes=9-5", 200, 0, SIZE),
        ("bytes=0-1,5-6", 200, 0, SIZE),
        ("lines=1-2", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
    )

    async def run() -> None:
        async with running([A_VIDEO]) as server:
            url = await a_url(server)
            for asked, status, start, end in cases:
                answer, content = await get(server, url, range=asked)
                assert (answer.status, content) == (status, CONTENT[start:end]), asked
                if status == 206:
                    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
                if status == 416:
                    assert answer.headers["content-range"] == f"bytes */{SIZE}"

    asyncio.run(run())


def test_head_and_a_copy_that_is_still_good() -> None:
    async def run() -> None:
        async with running([A_VIDEO]) as server:
            url = await a_url(server)
            head, nothing = await get(server, url, "HEAD")
            assert (head.status, nothing, head.headers["content-length"]) == (200, b"", str(SIZE))
            same, nothing = await get(server, url, if_none_match=head.headers["etag"])
            assert (same.status, nothing) == (304, b"")
            other, content = await get(server, url, if_none_match='"another"')
            assert (other.status, content) == (200, CONTENT)
            part, content = await get(server, url, range="bytes=0-9", if_range=head.headers["etag"])
            assert (part.status, content) == (206, CONTENT[:10])
            whole, content = await get(server, url, range="bytes=0-9", if_range='"another"')
            assert (whole.status, content) == (200, CONTENT)
            refused, _ = await get(server, url, "POST")
            assert refused.status in (404, 405)

    asyncio.run(run())


def test_what_was_changed_opens_nothing() -> None:
    async def run() -> None:
        async with running([A_VIDEO]) as server:
            url = await a_url(server)
            path, query = url.split("?")
            expires, signature = query.split("&")
            later = f"expires={int(expires.split('=')[1]) + 86_400}"
            for changed in (
                path,
                f"{path}?{expires}",
                f"{path}?{signature}",
                f"{path}?{later}&{signature}",
                f"{path}?{expires}&{signature[:-1]}",
                f"{path}?{expires}&signature=%C3%A9",
                f"{path}?expires=x&{signature}",
                f"{path}?expires=%D9%A3&{signature}",
                f"{path[:-4]}.jpg?{query}",
                f"{server.url}/assets/../darkroom.db?{query}",
                f"{server.url}/assets/%2e%2e/darkroom.db?{query}",
                f"{server.url}/assets/?{query}",
            ):
                answer, content = await get(server, changed)
                assert answer.status in (403, 404), changed
                assert CONTENT not in content

    asyncio.run(run())


def test_a_link_expires_and_a_new_one_is_given_out() -> None:
    async def run() -> None:
        clock = FrozenClock()
        async with running([A_VIDEO], clock=clock) as server:
            id = await a_video_at(server)
            await server.reach(id)

            async def url() -> str:
                return str((await server.ask("GET", f"/v1/generations/{id}")).body["outputs"][0]["url"])

            first = await url()
            clock.advance(3600)
            assert await url() == first  # one day, one link: caches can keep it
            clock.advance(7 * 86_400 - 3600)
            assert (await get(server, first))[0].status == 200
            clock.advance(86_400)
            refused, words = await get(server, first)
            assert (refused.status, b"expired" in words) == (403, True)
            second = await url()
            assert second != first
            assert (await get(server, second))[0].status == 200

    asyncio.run(run())


def test_a_removed_result_is_gone() -> None:
    async def run() -> None:
        async with running([A_VIDEO]) as server:
            id = await a_video_at(server)
            await server.reach(id)
            url = (await server.ask("GET", f"/v1/generations/{id}")).body["outputs"][0]["url"]
            assert (await server.ask("DELETE", f"/v1/generations/{id}")).status == 204
            # The bytes are gone with the answer, not with the next sweep.
            gone = await server.ask("GET", f"/v1/generations/{id}")
            assert (gone.status, gone.body["error"]["code"]) == (410, "gone")
            assert "was deleted at 20" in gone.body["error"]["message"]
            assert (await get(server, url))[0].status == 410

    asyncio.run(run())


MEDIA_TYPES = {
    "r.mp4": "video/mp4",
    "r.webm": "video/webm",
    "r.png": "image/png",
    "r.jpg": "image/jpeg",
    "r.webp": "image/webp",
    "r.avif": "image/avif",
    "r.mp3": "audio/mpeg",
    "r.wav": "audio/wav",
    "r.flac": "audio/flac",
    "r.opus": "audio/ogg",
    "r.ogg": "audio/ogg",
}


def a_file(name: str) -> Callable[[Work], Output]:
    def make(work: Work) -> Output:
        path = work.folder / name
        path.write_bytes(b"content")
        return Output(files=(Produced(path=path, media_type=MEDIA_TYPES[name]),))

    return make


def test_media_types() -> None:
    async def run() -> None:
        async with running([a_file(name) for name in MEDIA_TYPES]) as server:
            for name, media_type in MEDIA_TYPES.items():
                answer, _ = await get(server, await a_url(server))
                assert answer.headers["content-type"] == media_type, name

    asyncio.run(run())


def test_a_public_url_is_what_links_begin_with() -> None:
    async def run() -> None:
        async with running([an_output()], public_url="https://media.example.com/") as server:
            assert (await a_url(server)).startswith("https://media.example.com/assets/")

    asyncio.run(run())


def test_a_host_that_is_none_is_not_repeated() -> None:
    async def run() -> None:
        async with running([an_output()]) as server:
            id = await a_video_at(server)
            await server.reach(id)
            answer = await server.ask("GET", f"/v1/generations/{id}", headers={"host": 'x"><script>'})
            assert answer.body["outputs"][0]["url"].startswith(server.url)
            answer = await server.ask("GET", f"/v1/generations/{id}", headers={"host": "files.example.com:8443"})
            assert answer.body["outputs"][0]["url"].startswith("http://files.example.com:8443/assets/")

    asyncio.run(run())
