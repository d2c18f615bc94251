"""Status reads a second, beside nginx serving the same bytes from a file: in turns, one core each."""

import tempfile
import urllib.request
from pathlib import Path
from statistics import median

from bench.processes import Server, darkroom, nginx, wrk

ROUNDS = 5
SECONDS = 4


def run() -> list[str]:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=10) as server:
        made = server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})
        ended = server.ask("GET", f"/v1/generations/{made['id']}?wait=20")
        lines = [_compare(server, f"/api/v2/generate/{ended['number']}", "completed, Elumenta")]
        lines.append(_compare(server, f"/v1/generations/{ended['id']}", "completed, native"))
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=0) as server:
        queued = server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})
        lines.append(_compare(server, f"/api/v2/generate/{queued['number']}", "pending, Elumenta"))
    return lines


def _compare(server: Server, path: str, name: str) -> str:
    request = urllib.request.Request(server.url + path, headers={"authorization": f"Bearer {server.key}"})
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
    with tempfile.TemporaryDirectory() as folder, nginx(Path(folder), content) as address:
        pairs = [
            (wrk(server.url + path, seconds=SECONDS, key=server.key), wrk(address, seconds=SECONDS))
            for _ in range(ROUNDS)
        ]
    ratio = median(ours / theirs for ours, theirs in pairs)
    ours, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return f"reads   {name:22} {ours:9,.0f}/s   nginx {theirs:9,.0f}/s   ratio {ratio:.2f}"
