"""Render processes: they really render, really stop, and really go away. No test sleeps; each waits for an event."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from darkroom.brief import Brief, Task
from darkroom.errors import InputUnusable, ProviderUnavailable
from darkroom.providers.sketch.pool import RenderPool
from tests.sketch.media import a_brief, watch, with_media

LIMIT_S = 30.0

ENDLESS = a_brief(Task.TEXT_TO_VIDEO, width=1280, height=720, duration_s=600.0)
"""Longer than any test waits."""


@contextlib.asynccontextmanager
async def a_pool(size: int = 1) -> AsyncIterator[RenderPool]:
    pool = RenderPool(size)
    await pool.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            yield pool
    finally:
        await pool.close()


class Begun:
    """A render that is certainly under way: its first progress has come."""

    def __init__(self, pool: RenderPool, brief: Brief, folder: Path) -> None:
        self._first = asyncio.Event()
        self.task = asyncio.create_task(pool.render(brief, folder, lambda share: self._first.set()))

    async def under_way(self) -> "Begun":
        await self._first.wait()
        return self


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_render_comes_back_with_its_files_and_rising_progress(tmp_path: Path) -> None:
    async def play() -> None:
        told: list[float] = []
        async with a_pool() as pool:
            (result,) = await pool.render(a_brief(Task.TEXT_TO_VIDEO), tmp_path, told.append)
        assert len(watch(result.path).frames) == 24
        assert result.duration_s == 1.0
        assert told == sorted(told)
        assert told[-1] == 1.0

    asyncio.run(play())


def test_a_worker_is_used_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool() as pool:
            before = pool.pids
            for name in ("one", "two"):
                await pool.render(a_brief(Task.TEXT_TO_VIDEO, duration_s=0.1), tmp_path / name, lambda share: None)
            assert pool.pids == before

    asyncio.run(play())


def test_a_canceled_render_stops_and_the_pool_goes_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool() as pool:
            begun = await Begun(pool, ENDLESS, tmp_path / "endless").under_way()
            (pid,) = pool.pids
            begun.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await begun.task
            assert not is_running(pid)
            assert await pool.render(a_brief(Task.TEXT_TO_VIDEO), tmp_path / "next", lambda share: None)
            assert pid not in pool.pids

    asyncio.run(play())


def test_a_worker_that_dies_is_an_unavailable_provider(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool() as pool:
            begun = await Begun(pool, ENDLESS, tmp_path / "endless").under_way()
            os.kill(pool.pids[0], signal.SIGKILL)
            with pytest.raises(ProviderUnavailable):
                await begun.task
            assert await pool.render(a_brief(Task.TEXT_TO_VIDEO), tmp_path / "next", lambda share: None)

    asyncio.run(play())


def test_an_idle_worker_that_died_is_replaced_unnoticed(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool() as pool:
            await pool.render(a_brief(Task.TEXT_TO_VIDEO, duration_s=0.1), tmp_path / "one", lambda share: None)
            (pid,) = pool.pids
            gone = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(gone, ended.set)
            await ended.wait()
            loop.remove_reader(gone)
            os.close(gone)
            with contextlib.suppress(ProviderUnavailable):
                # Should the loop not have heard of the death yet, the render says so, and the next one is fine.
                await pool.render(a_brief(Task.TEXT_TO_VIDEO, duration_s=0.1), tmp_path / "two", lambda share: None)
            assert await pool.render(
                a_brief(Task.TEXT_TO_VIDEO, duration_s=0.1), tmp_path / "three", lambda share: None
            )

    asyncio.run(play())


def test_what_the_renderer_raises_comes_through_and_the_worker_lives(tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"nothing")

    async def play() -> None:
        async with a_pool() as pool:
            before = pool.pids
            brief = a_brief(Task.IMAGE_TO_VIDEO, media=with_media(image=fake))
            with pytest.raises(InputUnusable, match=r"the image 'fake.png' cannot be decoded"):
                await pool.render(brief, tmp_path / "out", lambda share: None)
            assert pool.pids == before

    asyncio.run(play())


def test_a_listener_that_fails_does_not_leave_the_render_running(tmp_path: Path) -> None:
    def refuse(share: float) -> None:
        raise RuntimeError("stale")

    async def play() -> None:
        async with a_pool() as pool:
            (pid,) = pool.pids
            with pytest.raises(RuntimeError, match="stale"):
                await pool.render(ENDLESS, tmp_path / "endless", refuse)
            assert not is_running(pid)

    asyncio.run(play())


def test_a_second_render_waits_for_its_turn(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool(1) as pool:
            first = await Begun(pool, ENDLESS, tmp_path / "endless").under_way()
            second = asyncio.create_task(
                pool.render(a_brief(Task.TEXT_TO_VIDEO), tmp_path / "second", lambda share: None)
            )
            done, _ = await asyncio.wait({second}, timeout=0)
            assert not done
            assert len(pool.pids) == 1
            first.task.cancel()
            assert await second

    asyncio.run(play())


def test_closing_ends_renders_and_processes(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool(2) as pool:
            begun = await Begun(pool, ENDLESS, tmp_path / "endless").under_way()
            pids = pool.pids
            assert len(pids) == 2
            await pool.close()
            with pytest.raises(ProviderUnavailable):
                await begun.task
            assert not any(is_running(pid) for pid in pids)
            with pytest.raises(ProviderUnavailable):
                await pool.render(ENDLESS, tmp_path, lambda share: None)

    asyncio.run(play())


def test_workers_ignore_the_signals_that_ask_to_stop(tmp_path: Path) -> None:
    async def play() -> None:
        async with a_pool() as pool:
            told = asyncio.Event()

            def interrupt(share: float) -> None:
                if not told.is_set():
                    told.set()
                    os.kill(pool.pids[0], signal.SIGINT)
                    os.kill(pool.pids[0], signal.SIGTERM)

            assert await pool.render(a_brief(Task.TEXT_TO_VIDEO, duration_s=3.0), tmp_path, interrupt)

    asyncio.run(play())


PARENT = """
import asyncio, sys
from pathlib import Path
from darkroom.providers.sketch.pool import RenderPool
from tests.sketch.test_pool import ENDLESS

async def main():
    pool = RenderPool(2)
    await pool.start()
    await pool.render(ENDLESS, Path(sys.argv[1]), lambda share: print(*pool.pids, flush=True))

asyncio.run(main())
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves the parent no time to say goodbye: the one at work and the idle one must both find out."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    boot = f"import sys; sys.path[:0] = {sys.path!r}; exec(open({str(script)!r}).read())"
    command = [sys.executable, "-c", boot, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
        parent.wait()
        ended = [select.select([worker], [], [], LIMIT_S)[0] == [worker] for worker in workers]
        for worker in workers:
            os.close(worker)
        assert ended == [True, True]
