"""The programs of seeds 000 and 001, with only base URL, key and the sample's id changed, against a real server.

Beside each stands one of ours of the same kind, for where the seeds are not at hand.
"""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from tests.seeds.samples import OUR_PYTHON, needs_seeds, sample
from tests.seeds.server import Film, Server, bash, downloaded, film, needs_curl, python

HOST = "https://elumenta.ru"
KEY = "nb_YOUR_API_KEY"

FULL_HD = Film("h264", 5.0, (1920, 1080))


def the_only(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    assert len(found) == 1, text
    return str(found[0])


def completed(answer: Any, *, tokens: int) -> None:
    """As the seeds' completed example: names and types."""
    assert answer["status"] == "completed"
    assert type(answer["id"]) is int
    assert answer["tokens_spent"] == tokens
    assert type(answer["processing_ms"]) is int
    for name in ("result_url", "thumbnail_url", "created_at", "completed_at"):
        assert type(answer[name]) is str, name


@needs_seeds
@needs_curl
def test_the_seeds_own_session(server: Server, key: str, tmp_path: Path) -> None:
    """Submit with curl, submit and poll with Python, wait for the first with 000's Python, show it with its curl."""
    own = {HOST: server.url, KEY: key}
    submitted = json.loads(bash(sample("001", "bash", "Text to Video").changed(**own)))
    assert (submitted["status"], submitted["model_slug"]) == ("pending", "kling-v2.1")
    assert submitted["processing_ms"] is None

    said = python(sample("001", "python").changed(**own))
    the_only(r"Generation started: (\d+)", said)
    video = downloaded(the_only(r"Video ready: (\S+)", said), tmp_path / "drone.mp4")
    assert film(video) == FULL_HD

    id = {"18502": str(submitted["id"])}
    said = python(sample("000", "python", "Polling").changed(**own, **id))
    video = downloaded(the_only(r"Ready: (\S+)", said), tmp_path / "flower.mp4")
    assert film(video) == FULL_HD

    shown = json.loads(bash(sample("000", "bash").changed(**own, **id)))
    completed(shown, tokens=26)
    assert shown["result_metadata"] == {"duration": 5, "width": 1920, "height": 1080}


@needs_seeds
@needs_curl
def test_the_seeds_image_to_video_fails_clearly_and_for_free(server: Server, key: str) -> None:
    """Its picture is at example.com, where there is none: with a network, and all the more without one."""
    submitted = json.loads(bash(sample("001", "bash", "Image to Video").changed(**{HOST: server.url, KEY: key})))
    assert (submitted["status"], submitted["model_slug"]) == ("pending", "luma-ray2")
    server.wait(server.get("/v1/generations?model=luma-ray2&limit=1")["items"][0]["id"])
    shown = server.get(f"/api/v2/generate/{submitted['id']}", key)
    assert (shown["status"], shown["tokens_spent"]) == ("failed", 0)
    assert re.match(r"Provider error: image_url: .{10,}", shown["error"])


def test_a_python_program_of_ours(server: Server, key: str, tmp_path: Path) -> None:
    said = python(textwrap.dedent(OUR_PYTHON).replace("BASE", server.url).replace("KEY", key))
    status, tokens, url = said.split()
    assert (status, tokens) == ("completed", "15")
    made = film(downloaded(url, tmp_path / "rain.mp4"))
    assert (made.codec, made.seconds) == ("h264", 5.0)
    assert made.size[0] == made.size[1]


OUR_CURL = """
    curl --fail --silent --show-error "$BASE/api/v2/generate" \\
      -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
      -d '{"model": "openai-tts", "text": "One, two, three.", "voice_id": "nova"}'
"""


@needs_curl
def test_a_curl_command_of_ours(server: Server, key: str) -> None:
    """Speech is answered at once, as images are."""
    answer = json.loads(bash(f"BASE={server.url} KEY={key}\n{textwrap.dedent(OUR_CURL)}"))
    assert (answer["status"], answer["model_slug"], answer["tokens_spent"]) == ("completed", "openai-tts", 3)
    assert answer["result_metadata"]["duration"] > 0.5
    assert answer["result_url"].split("?")[0].endswith(".mp3")
