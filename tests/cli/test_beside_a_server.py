"""The commands beside a running server, and against one that is far away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.harness import free_port
from tests.seeds.server import Server, darkroom, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("beside")) as started:
        yield started


def test_the_server_carries_out_what_is_submitted_beside_it(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "one.mp3"
    words = ("generate", "openai-tts", "One", "-o", str(target), "--data", str(server.data), "--json")
    told = json.loads(darkroom(*words).stdout)
    assert (told["status"], told["saved"]) == ("completed", [str(target)])
    assert target.stat().st_size == told["outputs"][0]["size_bytes"]
    seen = server.get(f"/v1/generations/{told['id']}")
    assert (seen["status"], seen["attempts"]) == ("completed", 1)
    assert "the books are exact" in darkroom("ledger", "verify", "--data", str(server.data)).stdout


def test_a_cancel_beside_it_reaches_it(server: Server) -> None:
    sent: Any = {"model": "openai-tts", "inputs": {"prompt": "Hello [sandbox: wait 600]"}}
    headers = {"authorization": f"Bearer {server.key}"}
    made = requests.post(f"{server.url}/v1/generations", json=sent, headers=headers, timeout=20).json()
    said = darkroom("cancel", made["id"], "--data", str(server.data), "--json").stdout
    assert json.loads(said)["status"] == "canceled"
    assert server.wait(made["id"])["status"] == "canceled"
    account = server.get("/v1/account")
    assert (account["held"], account["in_flight"]) == (0, 0)


def test_far_away(server: Server, tmp_path: Path) -> None:
    """Only a URL and a key: there is no data folder here, and none is made."""
    there = {"DARKROOM_URL": server.url, "DARKROOM_KEY": server.key}
    target = tmp_path / "far.mp3"
    said = darkroom("generate", "openai-tts", "Far", "-o", str(target), environment=there, folder=tmp_path).stdout
    assert f"saved {target} (" in said
    assert "cost 3 credits" in said
    listed = json.loads(darkroom("list", "--limit", "1", "--json", environment=there, folder=tmp_path).stdout)
    shown = json.loads(darkroom("get", listed[0]["id"], "--json", environment=there, folder=tmp_path).stdout)
    assert (shown["status"], shown["model"]) == ("completed", "openai-tts")
    assert [path.name for path in tmp_path.iterdir()] == ["far.mp3"]


def test_assets_far_away(server: Server, tmp_path: Path) -> None:
    there = {"DARKROOM_URL": server.url, "DARKROOM_KEY": server.key}
    # Noise does not shrink: this picture is too large for a data URI, and goes up by itself.
    Image.effect_noise((1100, 1100), 100).save(tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size > 1_000_000
    made = json.loads(
        darkroom("upload", "noise.png", "--expires-after-s", "60", "--json", environment=there, folder=tmp_path).stdout
    )
    assert (made["name"], made["media_type"]) == ("noise.png", "image/png")
    assert made["expires_at"] is not None
    words = ("generate", "photon-flash", "Brighter", "--image", "noise.png", "-o", "out.webp", "--json")
    told = json.loads(darkroom(*words, environment=there, folder=tmp_path).stdout)
    assert told["status"] == "completed"
    listed = json.loads(darkroom("assets", "list", "--json", environment=there, folder=tmp_path).stdout)
    assert [item["sha256"] for item in listed] == [made["sha256"]] * 2
    ids = [item["id"] for item in listed]
    darkroom("assets", "delete", *ids, environment=there, folder=tmp_path)
    assert "noise.png" not in darkroom("assets", "list", environment=there, folder=tmp_path).stdout
    said = darkroom("assets", "delete", ids[0], environment=there, folder=tmp_path, fails=True).stderr
    assert "was deleted at" in said


def test_far_away_and_refused(server: Server, tmp_path: Path) -> None:
    bad_key = {"DARKROOM_URL": server.url, "DARKROOM_KEY": "wrong"}
    said = darkroom("list", environment=bad_key, folder=tmp_path, fails=True).stderr
    assert "this API key is not known here" in said
    nobody = {"DARKROOM_URL": f"http://127.0.0.1:{free_port()}", "DARKROOM_KEY": "x"}
    said = darkroom("list", environment=nobody, folder=tmp_path, fails=True).stderr
    assert said.startswith("darkroom: no server answers at http://127.0.0.1:")


def test_a_port_in_use(server: Server, tmp_path: Path) -> None:
    said = darkroom("serve", "--data", str(tmp_path), "--port", str(server.port), fails=True).stderr
    assert f"cannot listen on 127.0.0.1:{server.port}: Address already in use; choose another with --port" in said
    assert "Traceback" not in said


def test_a_folder_in_use(server: Server) -> None:
    said = darkroom("serve", "--data", str(server.data), "--port", str(free_port()), fails=True).stderr
    assert said.startswith("darkroom: ")
    assert server.url in said
    assert "Traceback" not in said
