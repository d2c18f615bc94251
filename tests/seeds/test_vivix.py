"""Seed 003 has no program, but the text of a request: sent as it stands, with host, key and id changed."""

import json
import re
import socket
from typing import Any

import pytest
import requests

from tests.seeds.samples import SEEDS, needs_seeds
from tests.seeds.server import LIMIT_S, Server


@pytest.fixture(scope="module")
def vivix_key(server: Server) -> str:
    return server.new_key("--prefix", "vvx_live_")


@pytest.fixture(scope="module")
def image(server: Server, vivix_key: str) -> str:
    """The id of a finished image of the seed's own model."""
    sent: Any = {"model": "grok-imagine-image-quality", "prompt": "A lighthouse"}
    headers = {"authorization": f"Bearer {vivix_key}"}
    answer = requests.post(f"{server.url}/api/v1/generate", json=sent, headers=headers, timeout=LIMIT_S)
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["generation_id"])
    assert server.wait(id)["status"] == "completed"
    return id


def sent_as_it_stands(server: Server, request: str) -> tuple[str, Any]:
    """The status line and the body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        connection.sendall(("\r\n".join([*request.split("\n"), "Connection: close"]) + "\r\n\r\n").encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n")[0], json.loads(body)


def completed(answer: Any, image: str) -> None:
    assert (answer["generation_id"], answer["status"]) == (image, "completed")
    assert answer["model"] == "grok-imagine-image-quality"
    assert answer["output_url"] in answer["output_urls"]
    assert type(answer["credits_used"]) is type(answer["duration_ms"]) is int


@needs_seeds
def test_the_seeds_request(server: Server, vivix_key: str, image: str) -> None:
    (file,) = SEEDS.glob("003_*.txt")
    found = re.search(r"^GET \S+ HTTP/1\.1\nHost: .*\nAuthorization: .*$", file.read_text("utf-8"), re.M)
    assert found is not None
    request = found[0]
    for before, after in (
        ("5b91a581-ee19-4f86-9fea-bd29471d69d5", image),
        ("vivix-atelier.vercel.app", f"127.0.0.1:{server.port}"),
        ("vvx_live_…", vivix_key),
    ):
        assert before in request
        request = request.replace(before, after)
    status, answer = sent_as_it_stands(server, request)
    assert status == "HTTP/1.1 200 OK"
    completed(answer, image)


def test_a_request_of_ours(server: Server, vivix_key: str, image: str) -> None:
    path = f"/vivix/api/v1/generations/{image}"
    _, answer = sent_as_it_stands(server, f"GET {path} HTTP/1.1\nHost: x\nAuthorization: Bearer {vivix_key}")
    completed(answer, image)
