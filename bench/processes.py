"""Starts what is measured, each on a core of its own, and drives it with wrk from the other."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVED, DRIVEN = "0", "1"
"""The core of what is measured, and the core of what measures it."""

CONNECTIONS = 64

ROOT = Path(__file__).parent.parent


class Missing(SystemExit):
    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not here; on Debian: apt-get install nginx-light wrk")


class Server:
    def __init__(self, process: "subprocess.Popen[str]", url: str, key: str) -> None:
        self.process = process
        self.url = url
        self.key = key

    def ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path) as answer:
            return bytes(answer.read())


@contextmanager
def darkroom(
    folder: Path, *, slots: int = 0, after_s: float = 0.0, database: str = "", role: str = "all", core: str = SERVED
) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.server", "--data", str(folder), "--port", str(port)]
    command += ["--slots", str(slots), "--after", str(after_s), "--database", database, "--role", role]
    with started(["taskset", "-c", core, *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        key = process.stdout.readline().strip()
        until_listening(port)
        yield Server(process, f"http://127.0.0.1:{port}", key)


NGINX = """
worker_processes 1; daemon off; error_log /dev/null; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {folder}; error_page 405 =200 /status.json;
    location /v1/ {{ try_files /status.json =404; }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, content: bytes, *, core: str = SERVED) -> Iterator[str]:
    """Nginx with one worker: these bytes from a file, and for every call below /v1/; yields the file's address."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise Missing("nginx")
    # Its worker runs as another user, which has to reach the file.
    folder.chmod(0o755)
    (folder / "status.json").write_bytes(content)
    (folder / "status.json").chmod(0o644)
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    command = ["taskset", "-c", core, program, "-c", str(folder / "nginx.conf")]
    with started(command, stderr=subprocess.DEVNULL):
        until_listening(port)
        yield f"http://127.0.0.1:{port}/status.json"


def wrk(url: str, *, seconds: int, key: str = "", script: str = "", folder: Path | None = None) -> float:
    """Requests a second; a single answer that is not 2xx ends the benchmark."""
    if shutil.which("wrk") is None:
        raise Missing("wrk")
    command = ["taskset", "-c", DRIVEN, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s"]
    command += ["-H", f"Authorization: Bearer {key}"] if key else []
    if script and folder is not None:
        (folder / "wrk.lua").write_text(script)
        command += ["-s", str(folder / "wrk.lua")]
    told = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"not every answer was good:\n{told}")
    match = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert match is not None, told
    return float(match[1])


@contextmanager
def started(command: list[str], **streams: Any) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(command, text=True, env=environment(), cwd=ROOT, **streams)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_listening(port: int, *, limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")
