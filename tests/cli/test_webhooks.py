"""The commands for webhooks, on a data folder; and the tap for development, against a running server."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from darkroom.cli.listening import listen_to
from darkroom.errors import InvalidInput
from darkroom.testing import an_output
from tests.cli.conftest import Folder
from tests.courier.doubles import receiving
from tests.harness import running


@pytest.fixture
def own(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "data")
    folder.act("account", "create", "ann")
    return folder


def test_an_endpoint_from_its_making_to_its_end(own: Folder) -> None:
    first = own.act("webhooks", "create", "ann", "https://example.com/hook", "--event", "completed").strip()
    assert first.startswith("whsec_")
    (line,) = own.act("webhooks", "list", "ann").splitlines()
    id = line.split()[0]
    assert id.startswith("hook_")
    assert line.endswith("native  completed  https://example.com/hook  enabled")
    assert first not in line
    second = own.act("webhooks", "rotate", "ann", id).strip()
    assert second.startswith("whsec_")
    assert second != first
    own.act("webhooks", "test", "ann", id)
    (sent,) = own.act("webhooks", "deliveries", "ann").splitlines()
    delivery = sent.split()[0]
    assert "webhook.test  due  https://example.com/hook  0 tries" in sent
    own.act("webhooks", "disable", "ann", id)
    assert "disabled: it was disabled by its owner" in own.act("webhooks", "list", "ann")
    assert "  held  " in own.act("webhooks", "deliveries", "ann", delivery)
    with pytest.raises(InvalidInput, match="enable it first"):
        own.act("webhooks", "redeliver", "ann", delivery)
    own.act("webhooks", "enable", "ann", id)
    own.act("webhooks", "redeliver", "ann", delivery)
    assert "  due  " in own.act("webhooks", "deliveries", "ann", "--webhook", id, "--stage", "due")
    said = own.act("webhooks", "redeliver", "ann", "--webhook", id, "--since", "2026-01-01T00:00:00")
    assert said == "0 are on their way again\n"
    own.act("webhooks", "delete", "ann", id)
    assert own.act("webhooks", "list", "ann") == ""


def test_what_redeliver_needs_is_said(own: Folder) -> None:
    with pytest.raises(InvalidInput, match="--webhook together with --since"):
        own.act("webhooks", "redeliver", "ann")


def test_the_tap_forwards_events_as_a_webhook_would_and_signs_them() -> None:
    async def act() -> None:
        async with receiving() as receiver, running([an_output()]) as server:
            key = await server.key()
            command = [sys.executable, "-m", "darkroom", "webhooks", "listen", "--forward", receiver.url()]
            tap = await asyncio.create_subprocess_exec(
                *command, stdout=subprocess.PIPE, env={"DARKROOM_URL": server.url, "DARKROOM_KEY": key}
            )
            try:
                assert tap.stdout is not None
                secret = (await tap.stdout.readline()).decode().strip()
                assert await tap.stdout.readline() == b"listening\n"
                body = {"model": "kling-v2.1", "inputs": {"prompt": "a crane"}}
                id = (await server.ask("POST", "/v1/generations", body)).body["id"]
                told = []
                for _ in range(3):
                    letter = await receiver.arrivals.get()
                    told.append(Verifier(secret).verify(letter.body, dict(letter.headers)))
                assert [each["type"] for each in told] == [
                    "generation.queued",
                    "generation.running",
                    "generation.completed",
                ]
                assert {each["data"]["id"] for each in told} == {id}
                assert len({letter.headers["webhook-id"] for letter in receiver.letters}) == 3
                assert f"generation.queued  {id}  answered 200\n".encode() == await tap.stdout.readline()
            finally:
                tap.terminate()
                await tap.wait()

    async def in_time() -> None:
        async with asyncio.timeout(40):
            await act()

    asyncio.run(in_time())


def test_the_tap_goes_to_this_machine_or_the_public_internet_only() -> None:
    with pytest.raises(InvalidInput, match="public internet"):
        asyncio.run(listen_to("http://127.0.0.1:1", "k", "http://10.0.0.1/"))
