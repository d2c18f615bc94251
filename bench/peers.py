"""Status reads and submits beside LiteLLM's proxy and BentoML's tasks: one worker each, on one core, in turns.

Both are installed into folders of their own under `.bench`, at the versions below. Behind LiteLLM stands an upstream
that is not the bottleneck: nginx, which answers every call with the same bytes. BentoML's task does nothing. So each
figure is what the server itself costs its callers.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.bare import small_rows, submit_rows
from bench.processes import SERVED, darkroom, free_port, nginx, started, until_listening, wrk
from bench.submits import SCRIPT

LITELLM = "litellm[proxy]==1.106.2"
BENTOML = "bentoml==1.4.39"

ROUNDS = 3
SECONDS = 4
ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".bench"

VIDEO = {
    "id": "video_68d1",
    "object": "video",
    "model": "sora-2",
    "status": "completed",
    "progress": 100,
    "created_at": 1_772_971_500,
    "seconds": "4",
    "size": "1280x720",
}

LITELLM_SUBMIT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"sora-2","prompt":"A drone flyover of a city at night","seconds":"4","size":"1280x720"}'
"""

BENTOML_SUBMIT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"prompt":"A drone flyover of a city at night"}'
"""

SERVICE = """
import bentoml


@bentoml.service(workers=1)
class Studio:
    @bentoml.task
    def generate(self, prompt: str) -> str:
        return "a result"
"""

Measure = Callable[[], float]


def run() -> list[str]:
    """Each round measures everyone once, in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [*_table("reads", _reads(folder)), *_table("submits", _submits(folder))]


def _table(what: str, measures: dict[str, Measure]) -> list[str]:
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            found[name].append(measure())
    ours = found["Darkroom"]
    lines = []
    for name, theirs in found.items():
        if name == "Darkroom":
            lines.append(f"{what:8} {name:28} {median(theirs):9,.0f}/s   ({min(theirs):,.0f} to {max(theirs):,.0f})")
            continue
        ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
        spread = f"{min(theirs):,.0f} to {max(theirs):,.0f}"
        lines.append(f"{what:8} {name:28} {median(theirs):9,.0f}/s   ({spread})   Darkroom is {ratio:.2f} of it")
    return lines


def _reads(folder: Path) -> dict[str, Measure]:
    return {
        "Darkroom": lambda: _darkroom_reads(folder),
        "nginx, the same bytes": lambda: _nginx_reads(folder),
        "LiteLLM, GET /v1/videos/ID": lambda: _litellm(folder, ""),
        "BentoML, task status": lambda: _bentoml(folder, "status", ""),
    }


def _submits(folder: Path) -> dict[str, Measure]:
    return {
        "Darkroom": lambda: _darkroom_submits(folder),
        "bare commits, a submit's rows": submit_rows,
        "bare commits, a small row": small_rows,
        "LiteLLM, POST /v1/videos": lambda: _litellm(folder, LITELLM_SUBMIT),
        "BentoML, task submit": lambda: _bentoml(folder, "submit", BENTOML_SUBMIT),
    }


def _darkroom_reads(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), slots=10) as server:
        made = server.ask("POST", "/v1/generations", {"model": "kling-v2.1", "inputs": {"prompt": "x"}})
        server.ask("GET", f"/v1/generations/{made['id']}?wait=20")
        (folder / "read.json").write_bytes(json.dumps(server.ask("GET", f"/v1/generations/{made['id']}")).encode())
        return wrk(f"{server.url}/v1/generations/{made['id']}", seconds=SECONDS, key=server.key)


def _nginx_reads(folder: Path) -> float:
    content = (folder / "read.json").read_bytes()
    with tempfile.TemporaryDirectory() as served, nginx(Path(served), content) as address:
        return wrk(address, seconds=SECONDS)


def _darkroom_submits(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data)) as server:
        return wrk(f"{server.url}/api/v2/generate", seconds=SECONDS, key=server.key, script=SCRIPT, folder=folder)


def _litellm(folder: Path, script: str) -> float:
    with tempfile.TemporaryDirectory() as served, nginx(Path(served), json.dumps(VIDEO).encode(), core="1") as upstream:
        config = {
            "model_list": [
                {
                    "model_name": "sora-2",
                    "litellm_params": {
                        "model": "openai/sora-2",
                        "api_base": upstream.rsplit("/", 1)[0] + "/v1",
                        "api_key": "nothing",
                    },
                }
            ],
            "general_settings": {"master_key": "sk-bench"},
        }
        # JSON is YAML.
        (folder / "litellm.yaml").write_text(json.dumps(config))
        port = free_port()
        words = ["--config", str(folder / "litellm.yaml"), "--port", str(port), "--num_workers", "1"]
        program = _installed("litellm", LITELLM) / "litellm"
        with started(["taskset", "-c", SERVED, str(program), *words], **QUIET):
            _until_answers(f"http://127.0.0.1:{port}/health/liveliness")
            url = f"http://127.0.0.1:{port}/v1/videos"
            if not script:
                # The id that its proxy gives holds where the video is.
                wanted = {"model": "sora-2", "prompt": "x", "seconds": "4", "size": "1280x720"}
                url += "/" + _asked(url, wanted, key="sk-bench")["id"]
            return wrk(url, seconds=SECONDS, key="sk-bench", script=script, folder=folder)


def _bentoml(folder: Path, what: str, script: str) -> float:
    (folder / "service.py").write_text(SERVICE)
    port = free_port()
    program = _installed("bentoml", BENTOML) / "bentoml"
    words = ["serve", "service:Studio", "--port", str(port), "--working-dir", str(folder)]
    with started(["taskset", "-c", SERVED, str(program), *words], **QUIET):
        base = f"http://127.0.0.1:{port}"
        _until_answers(f"{base}/readyz")
        if what == "submit":
            return wrk(f"{base}/generate/submit", seconds=SECONDS, script=script, folder=folder)
        task_id = _asked(f"{base}/generate/submit", {"prompt": "x"})["task_id"]
        return wrk(f"{base}/generate/status?task_id={task_id}", seconds=SECONDS)


def _asked(url: str, body: object, *, key: str = "") -> Any:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    with urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)) as answer:
        return json.load(answer)


QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _installed(name: str, requirement: str) -> Path:
    """The programs' folder of a virtual environment of its own, made at its first use."""
    home = Path(os.environ.get(f"DARKROOM_BENCH_{name.upper()}", str(CACHE / name)))
    if not (home / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", requirement], check=True)
    return home / "bin"


def _until_answers(url: str, *, limit_s: float = 90) -> None:
    until_listening(int(url.split(":")[2].split("/")[0]), limit_s=limit_s)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
