"""The programs of seed 002, in Python and in JavaScript, with only base URL, key and the sample's id changed."""

import json
from typing import Any

import pytest
import requests

from tests.seeds.samples import needs_seeds, samples
from tests.seeds.server import LIMIT_S, Server, needs_node, node, python

HOST = "https://api.aimlapi.com"
KEY = "my_key"
ID = "755f9bbb-d99b-4880-992b-f05244ddba61"
LUMA = "/v2/generate/video/luma-ai/generation"


@pytest.fixture(scope="module")
def luma_key(server: Server) -> str:
    return server.new_key("--dialect", "aimlapi")


@pytest.fixture(scope="module")
def video(server: Server, luma_key: str) -> str:
    """The id of a finished video."""
    sent = {"prompt": "A lighthouse in a storm", "aspect_ratio": "16:9"}
    headers = {"authorization": f"Bearer {luma_key}"}
    answer = requests.post(server.url + LUMA, json=sent, headers=headers, timeout=LIMIT_S)
    assert answer.status_code == 201, answer.text
    id = answer.json()["id"]
    assert server.wait(id)["status"] == "completed"
    return str(id)


def programs(language: str, luma_key: str, video: str, server: Server) -> list[str]:
    found = [sample for sample in samples("002") if sample.language == language]
    assert [sample.heading for sample in found] == ["Fetch Single Generation", "Fetch Multiple Generations"]
    return [sample.changed(**{HOST: server.url, KEY: luma_key, ID: video}) for sample in found]


@needs_seeds
@needs_node
def test_the_javascript(server: Server, luma_key: str, video: str) -> None:
    for program in programs("javascript", luma_key, video, server):
        said = node(program)
        assert "Generation:" in said
        assert video in said
        assert "completed" in said


@needs_seeds
def test_the_python_for_one(server: Server, luma_key: str, video: str) -> None:
    said = python(programs("python", luma_key, video, server)[0])
    assert f"'id': '{video}'" in said
    assert "'state': 'completed'" in said


@needs_seeds
def test_the_python_for_several_asks_for_a_state_that_there_is_not(server: Server, luma_key: str, video: str) -> None:
    """`streaming` is no state of the documents' own list. Its caller hears so, or is answered as it asked."""
    program = programs("python", luma_key, video, server)[1]
    assert '"status": "streaming"' in program
    with pytest.raises(AssertionError, match="400 Client Error"):
        python(program)
    assert "'state': 'completed'" in python(program.replace("streaming", "dreaming"))


def test_a_python_program_of_ours(server: Server, luma_key: str, video: str) -> None:
    fetch = f"""
import json, requests
headers = {{"Authorization": "Bearer {luma_key}"}}
one = requests.get("{server.url}{LUMA}", params={{"generation_id": "{video}", "state": "completed"}}, headers=headers)
print(json.dumps(one.json()))
"""
    told: Any = json.loads(python(fetch))
    assert (told["id"], told["state"]) == (video, "completed")


@needs_node
def test_a_javascript_program_of_ours(server: Server, luma_key: str, video: str) -> None:
    said = node(
        f"fetch('{server.url}{LUMA}s?generation_ids={video}', {{headers: {{Authorization: 'Bearer {luma_key}'}}}})"
        ".then((answer) => answer.text()).then(console.log)"
    )
    assert video in said
