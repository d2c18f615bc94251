"""Ready means it: each thing that is missing is named, and nothing of what is secret."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from darkroom.readiness import Checks, NotReady, Readiness
from tests.buckets import Place
from tests.harness import Running, running


async def found(server: Running) -> tuple[int, dict[str, str]]:
    answer = await server.ask("GET", "/readyz", key="")
    first, *lines = answer.body.decode().splitlines()
    assert first == ("ready" if answer.status == 200 else "not ready")
    return answer.status, dict(line.split(": ", 1) for line in lines)


def test_a_data_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(data=tmp_path) as server:
            (tmp_path / ".ready").mkdir()  # the system's own no, also to root
            status, told = await found(server)
            assert (status, told["store"], told["assets"]) == (503, "ok", "ok")
            assert told["disk"] == "the data folder cannot be written to: Is a directory"

    asyncio.run(run())


def test_a_folder_of_assets_that_is_gone(tmp_path: Path) -> None:
    async def run() -> None:
        async with running(data=tmp_path) as server:
            (tmp_path / "assets").rename(tmp_path / "elsewhere")
            status, told = await found(server)
            assert (status, told["disk"], told["assets"]) == (503, "ok", "nothing can be stored or read there")

    asyncio.run(run())


def test_a_bucket_that_refuses_our_key(bucket: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with running(assets=bucket.assets) as server:
            assert (await found(server))[0] == 200
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
        async with running(assets=bucket.assets) as server:
            status, told = await found(server)
            assert (status, told["store"], told["assets"]) == (503, "ok", "nothing can be stored or read there")

    asyncio.run(run())


def test_nobody_who_carries_generations_out() -> None:
    async def run() -> None:
        async with running() as server:
            await server.engine.queue.close(limit_s=0)
            assert (await found(server))[1]["queue"] == "nobody carries generations out"
        async with running() as server:
            sweeping = server.engine._tasks[0]
            sweeping.cancel()
            await asyncio.wait([sweeping])
            assert (await found(server))[1]["queue"] == "nobody carries generations out"

    asyncio.run(run())


def test_a_store_that_does_not_answer() -> None:
    async def run() -> None:
        async with running() as server:
            glances = server.engine.database
            glances._is_closing = True  # type: ignore[attr-defined]
            status, told = await found(server)
            glances._is_closing = False  # type: ignore[attr-defined]
            assert (status, told["store"]) == (503, "RuntimeError")

    asyncio.run(run())


def test_a_night_without_a_bucket_is_two_lines_of_the_log() -> None:
    async def run() -> None:
        is_away = True

        async def bucket() -> None:
            if is_away:
                raise NotReady("away") from OSError("refused")

        checks = Checks({"bucket": bucket}, kept_s=0)
        with capture_logs() as lines:
            for _ in range(20):
                await checks.look()
            is_away = False
            for _ in range(20):
                await checks.look()
        assert [(line["event"], line["check"]) for line in lines] == [
            ("not ready", "bucket"),
            ("ready again", "bucket"),
        ]

    asyncio.run(run())


def test_who_asks_at_the_same_time_is_told_the_same() -> None:
    async def run() -> None:
        looks = 0
        door = asyncio.Event()

        async def slow() -> None:
            nonlocal looks
            looks += 1
            await door.wait()
            raise NotReady("on fire")

        checks = Checks({"house": slow})
        asking = [asyncio.create_task(checks.look()) for _ in range(10)]
        await asyncio.sleep(0)
        door.set()
        assert await asyncio.gather(*asking) == [Readiness({"house": "on fire"})] * 10
        assert looks == 1
        impatient = Checks({"house": slow}, kept_s=0)
        await impatient.look()
        await impatient.look()
        assert looks == 3

    asyncio.run(run())
