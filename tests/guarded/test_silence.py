"""A name server that never answers, in a mount namespace of its own; nothing here can be tested without the rights."""

import subprocess
import sys
from pathlib import Path

import pytest

ASK_AND_LEAVE = """
import asyncio, socket, uvloop
from darkroom.guarded import SystemResolver

async def main():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.77", 53))
    silent.setblocking(False)
    asking = asyncio.ensure_future(SystemResolver().resolve("nobody.example", 80))
    await asyncio.get_running_loop().sock_recv(silent, 512)
    asking.cancel()
    print("asked")

uvloop.run(main())
"""
LIMIT_S = 10.0


def test_a_silent_name_server_does_not_hold_up_the_end_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.77\noptions timeout:30 attempts:2\n")
    inside = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"']
    words = [*inside, str(tmp_path / "resolv.conf")]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to a mount namespace")
    ended = subprocess.run(
        [*words, sys.executable, "-c", ASK_AND_LEAVE], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    assert ended.stdout == "asked\n"
