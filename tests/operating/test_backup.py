"""A backup that was never restored is none: made beside a server that works, restored, served, and asked."""

import asyncio
import os
from pathlib import Path

import pytest

from darkroom.errors import Misconfigured
from darkroom.generation import Status
from darkroom.store.backup import copy_database
from darkroom.testing import ScriptedProvider, an_output
from tests.harness import Running, running
from tests.seeds.server import darkroom
from tests.web.scene import A_VIDEO, NATIVE, PROMPT, a_video_at
from tests.web.test_assets import CONTENT


async def a_command(*words: str, fails: bool = False) -> str:
    done = await asyncio.to_thread(darkroom, *words, fails=fails)
    return done.stderr if fails else done.stdout


async def keep_busy(server: Running, until: asyncio.Event) -> int:
    count = 0
    while not until.is_set():
        await a_video_at(server)
        count += 1
    return count


def test_a_backup_beside_a_server_at_work_is_whole(tmp_path: Path) -> None:
    data, backup, again = (tmp_path / name for name in ("data", "backup", "again"))

    async def run() -> None:
        provider = ScriptedProvider([A_VIDEO] + [an_output()] * 100_000, may_restart=True)
        async with running(provider, data=data) as server:
            id = await a_video_at(server)
            await server.reach(id)
            key = await server.key()
            enough = asyncio.Event()
            busy = asyncio.create_task(keep_busy(server, enough))
            said = await a_command("backup", str(backup), "--data", str(data))
            enough.set()
            assert await busy > 0
            assert "the database, the key of the URLs and" in said
            path = (await server.ask("GET", f"/v1/generations/{id}")).body["outputs"][0]["url"].split("/assets/")[1]
        told = await a_command("restore", str(backup), "--data", str(again), "--fail-queued")
        assert "its books are exact" in told
        assert os.stat(again / "secret").st_mode & 0o777 == 0o600
        async with running([an_output()] * 100_000, data=again) as server:
            # The caller's key, its generation, and the link that it was given: all as they were.
            shown = await server.ask("GET", f"/v1/generations/{id}", key=key)
            assert (shown.status, shown.body["status"]) == (200, "completed")
            async with server.client.get(f"{server.url}/assets/{path}") as answer:
                assert (answer.status, await answer.read()) == (200, CONTENT)
            page = (await server.ask("GET", "/v1/generations?limit=100", key=key)).body["items"]
            for generation in page:
                if generation["status"] == "completed":
                    async with server.client.get(generation["outputs"][0]["url"]) as answer:
                        assert answer.status == 200
            assert (await server.engine.store.audit()).discrepancies == ()
            assert (await NATIVE.ask_for(server, prompt=PROMPT)).status == 202

    asyncio.run(run())


def test_what_was_queued_is_ended_where_it_is_asked_for(tmp_path: Path) -> None:
    data, backup, again = (tmp_path / name for name in ("data", "backup", "again"))

    async def run() -> None:
        async with running(data=data) as server:
            await server.engine.queue.close(limit_s=0)
            id = await a_video_at(server)
            await a_command("backup", str(backup), "--data", str(data))
        assert "1 queued ones were ended" in await a_command(
            "restore", str(backup), "--data", str(again), "--fail-queued"
        )
        async with running(data=again) as server:
            ended = await server.engine.store.get(id)
            assert ended.cause is not None
            assert (ended.status, ended.cause.code) == (Status.FAILED, "restored")
            statement = await server.engine.access.show_account(await server.engine.principal("default"))
            assert (statement.held, statement.available) == (0, statement.granted)

    asyncio.run(run())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"

    async def run() -> None:
        async with running(data=data):
            await a_command("backup", str(backup), "--data", str(data))
            assert "is there already" in await a_command("backup", str(backup), "--data", str(data), fails=True)
            refused = await a_command("restore", str(backup), "--data", str(data), fails=True)
            assert "has a database already" in refused

    asyncio.run(run())


def test_a_copy_of_what_is_no_database_is_refused_and_leaves_none(tmp_path: Path) -> None:
    refused = darkroom("backup", str(tmp_path / "backup"), "--data", str(tmp_path), fails=True)
    assert "there is no database in" in refused.stderr
    assert not (tmp_path / "backup").exists()
    source, target = tmp_path / "darkroom.db", tmp_path / "copy.db"
    with pytest.raises(Misconfigured, match="no database"):
        copy_database(source, target)
    source.write_bytes(b"not a database, but as long as one " * 1000)
    with pytest.raises(Misconfigured, match="not copied"):
        copy_database(source, target)
    assert not target.exists()
