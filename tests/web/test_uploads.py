"""Assets of a caller's own: uploaded whole or in parts, stored once, used as inputs, deleted with their last holder."""

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from darkroom.errors import ContentRefused
from darkroom.testing import FrozenClock, an_output
from tests.buckets import DISK, Place
from tests.harness import Answer, Running, running

pytestmark = pytest.mark.usefixtures("each_place")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
OTHER = b"\x89PNG\r\n\x1a\n" + bytes(3000)
PNG_SHA256 = hashlib.sha256(PNG).hexdigest()


async def upload(server: Running, content: bytes = PNG, query: str = "", **given: Any) -> Answer:
    return await server.ask("POST", f"/v1/assets{query}", data=content, **given)


async def fetched(server: Running, url: str) -> tuple[int, bytes, Mapping[str, str]]:
    async with server.client.get(url) as answer:
        return answer.status, await answer.read(), answer.headers


def stored(server: Running) -> list[str]:
    """Every content that is stored."""
    root = server.asset_folder / "contents"
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def animate(server: Running, image: str, **given: Any) -> Answer:
    body = {"model": "kling-v2.1", "inputs": {"prompt": "a crane", "image_url": image}, **given}
    return await server.ask("POST", "/v1/generations", body)


def plans(folder: Path, text: str) -> str:
    (folder / "plans.toml").write_text(text)
    return str(folder / "plans.toml")


def test_an_upload_is_sniffed_signed_and_served(tmp_path: Path) -> None:
    async def act() -> None:
        async with running() as server:
            # What its sender says it is says nothing.
            made = await upload(server, query="?name=cat.html", headers={"content-type": "text/html"})
            assert made.status == 201
            body = made.body
            assert made.headers["location"] == f"/v1/assets/{body['id']}"
            assert body["id"].startswith("asset_")
            assert (body["name"], body["media_type"], body["size_bytes"]) == ("cat.html", "image/png", len(PNG))
            assert body["sha256"] == PNG_SHA256
            assert body["expires_at"] is None
            assert body["url_expires_at"] > body["created_at"]
            status, content, headers = await fetched(server, body["url"])
            assert (status, content) == (200, PNG)
            assert headers["content-type"] == "image/png"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"] == "sandbox"
            assert (await server.ask("GET", f"/v1/assets/{body['id']}")).body == body

    asyncio.run(act())


def test_a_form_with_a_file_is_an_upload_too() -> None:
    async def act() -> None:
        async with running() as server:
            form = aiohttp.FormData()
            form.add_field("file", PNG, filename="cat.png", content_type="text/plain")
            form.add_field("expires_after_s", "60")
            made = await server.ask("POST", "/v1/assets", data=form)
            assert (made.status, made.body["name"], made.body["sha256"]) == (201, "cat.png", PNG_SHA256)
            assert made.body["expires_at"] is not None
            for fields, field in (
                ({"file": "no file"}, "file"),
                ({}, "file"),
                ({"file": PNG, "file2": PNG}, "file2"),
                ({"file": PNG, "expires_after_s": "0"}, "expires_after_s"),
            ):
                form = aiohttp.FormData(default_to_multipart=True)
                form.add_field("other" if not fields else "name", "x")
                for name, value in fields.items():
                    file = {"filename": "a"} if isinstance(value, bytes) else {}
                    form.add_field(name, value, **file)
                refused = await server.ask("POST", "/v1/assets", data=form)
                assert refused.status == 422
                named = [problem["field"] for problem in refused.body["error"]["problems"]]
                assert field in named or (not fields and named == ["other"])

    asyncio.run(act())


def test_what_is_no_medium_is_refused_and_leaves_nothing() -> None:
    async def act() -> None:
        async with running() as server:
            for content in (b"", b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
                refused = await upload(server, content)
                assert (refused.status, refused.body["error"]["problems"][0]["field"]) == (422, "file")
            large = await server.ask("POST", "/v1/assets", data=io.BytesIO(b"<html>" + bytes(3 << 20)))
            assert large.status == 422
            assert stored(server) == []
            assert list(server.engine.uploads.folder.glob("*")) == []

    asyncio.run(act())


def test_another_account_s_asset_is_not_there_for_anyone_else() -> None:
    async def act() -> None:
        async with running() as server:
            await server.account("bob")
            id = (await upload(server)).body["id"]
            for method in ("GET", "DELETE"):
                refused = await server.ask(method, f"/v1/assets/{id}", account="bob")
                missing = await server.ask(method, "/v1/assets/asset_nothing", account="bob")
                assert refused.status == missing.status == 404
                assert refused.body["error"]["code"] == missing.body["error"]["code"] == "not_found"
            assert (await server.ask("GET", "/v1/assets", account="bob")).body["items"] == []
            body = {"model": "kling-v2.1", "inputs": {"prompt": "a crane", "image_url": id}}
            stolen = await server.ask("POST", "/v1/generations", body, account="bob")
            assert (stolen.status, stolen.body["error"]["problems"][0]["field"]) == (422, "image_url")
            # The same bytes in another account are its own: one that deletes takes nothing from the other.
            theirs = (await upload(server, account="bob")).body
            assert len(stored(server)) == 2
            assert (await server.ask("DELETE", f"/v1/assets/{id}")).status == 204
            assert (await fetched(server, theirs["url"]))[0] == 200

    asyncio.run(act())


def test_the_list_goes_on_page_by_page() -> None:
    async def act() -> None:
        async with running() as server:
            made = [(await upload(server, query=f"?name={index}")).body["id"] for index in range(5)]
            found, cursor = [], ""
            while cursor is not None:
                page = (await server.ask("GET", f"/v1/assets?limit=2&cursor={cursor}")).body
                found += [item["id"] for item in page["items"]]
                cursor = page["next_cursor"]
            assert found == made[::-1]
            assert (await server.ask("GET", "/v1/assets?cursor=x")).status == 422

    asyncio.run(act())


def test_the_same_bytes_are_stored_once_and_go_with_their_last_holder() -> None:
    async def act() -> None:
        async with running([an_output(), an_output()]) as server:
            first = (await upload(server)).body
            second = (await upload(server)).body
            assert first["id"] != second["id"]
            assert len(stored(server)) == 1
            # As a data URI they are the same bytes still.
            uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
            by_uri = (await animate(server, uri)).body["id"]
            by_id = (await animate(server, first["id"])).body["id"]
            assert len(stored(server)) == 1
            for id in (by_uri, by_id):
                await server.reach(id)
            for asset in (first, second):
                assert (await server.ask("DELETE", f"/v1/assets/{asset['id']}")).status == 204
                gone = await server.ask("GET", f"/v1/assets/{asset['id']}")
                assert (gone.status, gone.body["error"]["code"]) == (410, "gone")
                assert (await server.ask("DELETE", f"/v1/assets/{asset['id']}")).status == 410
            assert len(stored(server)) == 1
            shown = (await server.ask("GET", f"/v1/generations/{by_id}")).body
            assert (await fetched(server, shown["inputs"]["image_url"]))[:2] == (200, PNG)
            assert (await server.ask("DELETE", f"/v1/generations/{by_uri}")).status == 204
            assert len(stored(server)) == 1
            assert (await server.ask("DELETE", f"/v1/generations/{by_id}")).status == 204
            assert stored(server) == []
            # Their record stays: they can come again.
            third, fourth = (await upload(server)).body, (await upload(server)).body
            assert len(stored(server)) == 1
            assert (await server.ask("DELETE", f"/v1/assets/{third['id']}")).status == 204
            assert (await fetched(server, fourth["url"]))[:2] == (200, PNG)
            assert (await server.ask("DELETE", f"/v1/assets/{fourth['id']}")).status == 204
            assert (await fetched(server, fourth["url"]))[0] == 410

    asyncio.run(act())


def test_a_deleted_asset_is_refused_as_an_input_and_one_of_another_kind_too() -> None:
    async def act() -> None:
        async with running() as server:
            image = (await upload(server)).body["id"]
            sound = (await upload(server, b"ID3" + bytes(500))).body["id"]
            refused = await animate(server, sound)
            assert (refused.status, refused.body["error"]["message"]) == (
                422,
                "image_url: must be an image, and is audio/mpeg",
            )
            await server.ask("DELETE", f"/v1/assets/{image}")
            refused = await animate(server, image)
            assert (refused.status, refused.body["error"]["message"]) == (
                422,
                f"image_url: the asset '{image}' was deleted",
            )
            assert (await server.ask("GET", "/v1/account")).body["held"] == 0

    asyncio.run(act())


def test_limits_of_the_plan_say_what_they_are(tmp_path: Path) -> None:
    async def act() -> None:
        own = plans(tmp_path, '[small]\ntitle = "Small"\nasset_bytes = 3000\nstored_bytes = 5000\n')
        async with running(plans=own) as server:
            await server.account("ann", plan="small")
            over = b"\x89PNG\r\n\x1a\n" + bytes(2993)
            form = aiohttp.FormData()
            form.add_field("file", over, filename="a")
            for data in (over, form):
                refused = await server.ask("POST", "/v1/assets", data=data, account="ann")
                assert (refused.status, refused.body["error"]["code"]) == (413, "asset_too_large")
                assert refused.body["error"]["message"] == "an asset may have 3000 bytes at most in plan 'small'"
            announced = await server.ask("POST", "/v1/uploads", {"size_bytes": 3001}, account="ann")
            assert (announced.status, announced.body["error"]["code"]) == (413, "asset_too_large")
            assert (await upload(server, account="ann")).status == 201
            # The same again costs no room; others do, on their way in parts too.
            assert (await upload(server, account="ann")).status == 201
            begun = await server.ask("POST", "/v1/uploads", {"size_bytes": 2000}, account="ann")
            assert begun.status == 201
            full = await upload(server, OTHER[:1000], account="ann")
            assert (full.status, full.body["error"]["code"]) == (413, "storage_full")
            assert "5000 bytes" in full.body["error"]["message"]
            assert "4056 are" in full.body["error"]["message"]
            assert (await server.ask("DELETE", f"/v1/uploads/{begun.body['id']}", account="ann")).status == 204
            assert (await upload(server, OTHER[:1000], account="ann")).status == 201

    asyncio.run(act())


def test_an_asset_ends_when_it_was_asked_to_or_with_the_plan_s_retention(tmp_path: Path) -> None:
    async def act() -> None:
        own = plans(tmp_path, '[week]\ntitle = "Week"\nretention_days = 7\n')
        clock = FrozenClock()
        async with running(plans=own, clock=clock) as server:
            await server.account("ann", plan="week")
            soon = (await upload(server, query="?expires_after_s=60", account="ann")).body
            planned = (await upload(server, OTHER, query="?expires_after_s=99999999", account="ann")).body
            assert soon["expires_at"] == "2026-03-08T12:06:00Z"
            assert planned["expires_at"] == "2026-03-15T12:05:00Z"
            clock.advance(61)
            gone = await server.ask("GET", f"/v1/assets/{soon['id']}", account="ann")
            assert gone.status == 410
            assert gone.body["error"]["message"].endswith("is gone: it expired at 2026-03-08T12:06:00Z")
            assert len(stored(server)) == 2
            await server.engine.retention.expire()
            assert len(stored(server)) == 1
            still = await server.ask("GET", f"/v1/assets/{soon['id']}", account="ann")
            assert (still.status, still.body["error"]["message"]) == (410, gone.body["error"]["message"])
            assert (await fetched(server, soon["url"]))[0] == 410

    asyncio.run(act())


def test_a_submit_that_is_refused_keeps_none_of_its_media() -> None:
    async def act() -> None:
        async with running() as server:
            await server.account("poor", amount=0)
            uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
            body = {"model": "kling-v2.1", "inputs": {"prompt": "a crane", "image_url": uri}}
            assert (await server.ask("POST", "/v1/generations", body, account="poor")).status == 402
            assert stored(server) == []

    asyncio.run(act())


def test_an_input_is_there_for_a_failed_generation_s_owner_and_goes_with_it() -> None:
    async def act() -> None:
        async with running([ContentRefused("no")]) as server:
            id = (await animate(server, (await upload(server)).body["id"], expires_after_s=1)).body["id"]
            await server.reach(id)
            shown = (await server.ask("GET", f"/v1/generations/{id}")).body
            assert (shown["status"], (await fetched(server, shown["inputs"]["image_url"]))[0]) == ("failed", 200)

    asyncio.run(act())


PART = 16 * 1024 * 1024


def a_film(size_bytes: int) -> bytes:
    return b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2" + hashlib.sha256(b"film").digest() * (size_bytes // 32)


async def put(server: Running, id: str, number: int, content: bytes, **headers: str) -> Answer:
    path = f"/v1/uploads/{id}/parts/{number}"
    return await server.ask("PUT", path, data=io.BytesIO(content), headers=headers)


def test_an_upload_in_parts_goes_on_after_a_restart(tmp_path: Path) -> None:
    film = a_film(2 * PART + 1000)
    sha256 = hashlib.sha256(film).hexdigest()

    async def act() -> None:
        async with running(data=tmp_path) as server:
            begun = await server.ask("POST", "/v1/uploads", {"size_bytes": len(film), "name": "film", "sha256": sha256})
            assert begun.status == 201
            id = begun.body["id"]
            assert (begun.body["part_bytes"], begun.body["part_count"]) == (PART, 3)
            assert begun.body["missing"] == [1, 2, 3]
            digest = base64.b64encode(hashlib.sha256(film[2 * PART :]).digest()).decode()
            last = await put(server, id, 3, film[2 * PART :], **{"content-digest": f"sha-256=:{digest}:"})
            assert (last.status, last.body["missing"]) == (200, [1, 2])
            damaged = await put(server, id, 1, film[:PART], **{"content-digest": f"sha-256=:{digest}:"})
            assert (damaged.status, "damaged" in damaged.body["error"]["message"]) == (422, True)
            assert (await put(server, id, 1, film[1 : PART + 1])).status == 200
            early = await server.ask("POST", f"/v1/uploads/{id}/complete")
            assert (early.status, early.body["error"]["message"]) == (422, "parts: 1 of 3 have not come: 2")
            key = server.keys["default/native"]
        async with running(data=tmp_path) as server:
            server.keys["default/native"] = key
            assert (await server.ask("GET", f"/v1/uploads/{id}")).body["missing"] == [2]
            assert (await put(server, id, 2, film[PART : 2 * PART])).status == 200
            wrong = await server.ask("POST", f"/v1/uploads/{id}/complete")
            assert (wrong.status, wrong.body["error"]["problems"][0]["field"]) == (422, "sha256")
            # The first part was another's: it comes again.
            assert (await put(server, id, 1, film[:PART])).status == 200
            both = [server.ask("POST", f"/v1/uploads/{id}/complete") for _ in range(2)]
            first, again = await asyncio.gather(*both)
            assert (first.status, again.status) == (201, 201)
            assert first.body == again.body
            assert (first.body["name"], first.body["sha256"]) == ("film", sha256)
            assert (await fetched(server, first.body["url"]))[1] == film
            assert (await server.ask("GET", f"/v1/uploads/{id}")).status == 404
            assert list(server.engine.uploads.folder.glob("*")) == []

    asyncio.run(act())


def test_parts_that_are_none_are_refused() -> None:
    async def act() -> None:
        async with running() as server:
            await server.account("bob")
            id = (await server.ask("POST", "/v1/uploads", {"size_bytes": 100})).body["id"]
            for number, content, status in (
                (0, PNG[:100], 422),
                (2, PNG[:100], 422),
                (1, PNG[:99], 422),
                (1, b"", 422),
            ):
                assert (await put(server, id, number, content)).status == status
            for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/complete")):
                assert (await server.ask(method, f"/v1/uploads/{id}{path}", account="bob")).status == 404
            stolen = await server.ask("PUT", f"/v1/uploads/{id}/parts/1", data=PNG[:100], account="bob")
            assert stolen.status == 404
            for body in ({}, {"size_bytes": 0}, {"size_bytes": True}, {"size_bytes": 5, "sha256": "x"}, {"size": 5}):
                assert (await server.ask("POST", "/v1/uploads", body)).status == 422
            assert (await server.ask("DELETE", f"/v1/uploads/{id}")).status == 204

    asyncio.run(act())


def test_what_is_not_completed_within_a_day_is_swept() -> None:
    async def act() -> None:
        clock = FrozenClock()
        async with running(clock=clock) as server:
            id = (await server.ask("POST", "/v1/uploads", {"size_bytes": 200})).body["id"]
            short = (await server.ask("POST", "/v1/uploads", {"size_bytes": 100})).body["id"]
            assert (await put(server, short, 1, PNG[:100])).status == 200
            folder = server.engine.uploads.folder
            now_s = clock.now().timestamp()
            (folder / "incoming-old").write_bytes(b"cut off")
            os.utime(folder / "incoming-old", (now_s - 60, now_s - 60))
            os.utime(folder / short, (now_s, now_s))
            clock.advance(24 * 3600 - 1)
            await server.engine.retention.expire()
            assert (await server.ask("GET", f"/v1/uploads/{id}")).status == 200
            assert sorted(path.name for path in folder.iterdir()) == [short]
            clock.advance(2)
            await server.engine.retention.expire()
            assert (await server.ask("GET", f"/v1/uploads/{id}")).status == 404
            assert list(folder.iterdir()) == []

    asyncio.run(act())


def test_a_hundred_uploads_deletes_and_submits_of_the_same_bytes_at_once_lose_nothing(each_place: Place) -> None:
    """Whoever was told yes has the bytes, and when all have let go there are none."""
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"

    async def upload_and_delete(server: Running) -> None:
        made = await upload(server)
        assert made.status == 201
        assert (await fetched(server, made.body["url"]))[:2] == (200, PNG)
        assert (await server.ask("DELETE", f"/v1/assets/{made.body['id']}")).status == 204

    async def submit_and_delete(server: Running, *, by_id: bool) -> None:
        source = (await upload(server)).body["id"] if by_id else uri
        made = await animate(server, source)
        assert made.status == 202
        if by_id:
            assert (await server.ask("DELETE", f"/v1/assets/{source}")).status == 204
        shown = (await server.ask("GET", f"/v1/generations/{made.body['id']}")).body
        assert (await fetched(server, shown["inputs"]["image_url"]))[:2] == (200, PNG)
        await server.ask("POST", f"/v1/generations/{made.body['id']}/cancel")
        assert (await server.ask("DELETE", f"/v1/generations/{made.body['id']}")).status == 204

    async def act() -> None:
        async with running([ContentRefused("not that")] * 60) as server:
            # The bucket's server is a small one: a tenth of the work takes it as long.
            many = 10 if each_place is DISK else 1
            work = [upload_and_delete(server) for _ in range(4 * many)]
            work += [submit_and_delete(server, by_id=index % 2 == 0) for index in range(6 * many)]
            await asyncio.gather(*work)
            assert stored(server) == []
            assert (await server.engine.store.audit()).discrepancies == ()

    asyncio.run(act())
