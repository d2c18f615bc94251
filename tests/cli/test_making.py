"""The commands that make media, on a data folder without a server."""

import json
import re
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from darkroom.cli.generate import image_field, parse_inputs
from darkroom.errors import DarkroomError, InvalidInput
from tests.cli.conftest import Folder
from tests.seeds.server import darkroom

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_help_teaches_every_command() -> None:
    told = darkroom("--help").stdout
    for group in ("Making media", "Serving", "Keeping accounts"):
        assert group in told
    for command in ("generate", "models", "get", "wait", "cancel", "list", "demo", "serve"):
        assert re.search(rf"^\W*{command} +[A-Z]", told, re.M), command
    for command in ("account", "key", "credit", "ledger", "webhooks", "resolve"):
        assert re.search(rf"^\W*{command} +[A-Z]", told, re.M), command


def test_generate_says_what_it_saved_and_what_it_cost(folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "[one].mp3"
    said = folder.run("generate", "openai-tts", "One, two, [three].", "-i", "voice_id=nova", "-o", str(target))
    assert f"saved {target} (" in said
    assert "cost 3 credits" in said
    with av.open(str(target)) as container:
        assert container.streams.audio[0].codec_context.name in ("mp3", "mp3float")


def test_generate_json_prints_json_and_nothing_else(folder: Folder, tmp_path: Path) -> None:
    said = folder.run("generate", "photon-flash", "A cat", "-i", "size=768x1344", "-o", str(tmp_path), "--json")
    told = json.loads(said)
    assert (told["status"], told["spent"], told["inputs"]["size"]) == ("completed", 1, "768x1344")
    assert told["saved"] == [str(tmp_path / f"{told['id']}.webp")]
    with Image.open(told["saved"][0]) as image:
        assert image.size == (768, 1344)


def test_a_picture_from_a_file(folder: Folder, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    said = folder.run(
        *("generate", "photon-flash", "Brighter", "--image", str(picture), "-o", str(tmp_path / "x.webp"), "--json")
    )
    told = json.loads(said)
    assert (told["status"], told["task"]) == ("completed", "image-to-image")
    assert "/assets/contents/" in told["inputs"]["image_url"]


def test_an_upload_is_listed_used_and_deleted(folder: Folder, tmp_path: Path) -> None:
    picture = tmp_path / "blue.png"
    Image.new("RGB", (64, 64), "blue").save(picture)
    made = json.loads(folder.run("upload", str(picture), "--json"))
    assert picture.exists()
    said = folder.run(
        *(
            "generate",
            "photon-flash",
            "Bluer",
            "-i",
            f"image_url={made['id']}",
            "-o",
            str(tmp_path / "x.webp"),
            "--json",
        )
    )
    assert json.loads(said)["task"] == "image-to-image"
    assert made["id"] in folder.run("assets", "list")
    folder.run("assets", "delete", made["id"])
    assert made["id"] not in folder.run("assets", "list")
    missing = folder.run("upload", str(tmp_path / "nothing.png"), fails=True)
    assert "cannot be read: No such file or directory" in missing


def test_what_was_made_is_listed_and_shown(folder: Folder, tmp_path: Path) -> None:
    made = json.loads(folder.run("generate", "openai-tts", "Hello", "-o", str(tmp_path), "--json"))
    listed = json.loads(folder.act("list", "--limit", "1", "--json"))
    assert [item["id"] for item in listed] == [made["id"]]
    assert UUID.search(folder.act("list", "--status", "completed"))
    for reference in (made["id"], str(made["number"])):
        assert json.loads(folder.act("get", reference, "--json"))["id"] == made["id"]
    shown = folder.act("wait", made["id"])
    assert "completed" in shown
    assert "spent 3 of 3 credits" in shown
    # One that has ended stays as it is.
    assert json.loads(folder.act("cancel", made["id"], "--json"))["status"] == "completed"


def test_a_failure_exits_one_and_costs_nothing(folder: Folder) -> None:
    told = folder.run("generate", "openai-tts", "Hello [sandbox: fail content]", fails=True)
    assert "failed content_refused" in told
    assert "nothing was spent" in told
    failed = json.loads(folder.act("list", "--limit", "1", "--status", "failed", "--json"))[0]
    assert failed["spent"] == 0
    with pytest.raises(SystemExit, match="1"):
        folder.act("wait", failed["id"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("generate", "openai-tt", "x"), "did you mean 'openai-tts'"),
        (("generate", "kling-v2.1", "x", "-i", "duration=7"), "duration: must be one of 5, 10"),
        (("generate", "kling-v2.1", "x", "-i", "duration"), "'duration' is not name=value"),
        (("generate", "openai-tts", "x", "--image", "x.png"), "takes no picture"),
        (("generate", "photon-flash", "x", "--image", "no such file.png"), "cannot be read"),
        (("get", "[/x]"), "generation [/x] was not found"),
        (("get", "9" * 30), "was not found"),
        (("get", "²"), "was not found"),
        (("models", "klin-v2.1"), "did you mean 'kling-v2.1'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_a_mistake_is_told_in_a_line(folder: Folder, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(DarkroomError) as caught:
        folder.act(*words)
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_models(folder: Folder) -> None:
    every = folder.act("models")
    for slug in ("luma-flash2", "kling-v2.1-pro", "mj-video-720p", "openai-tts"):
        assert re.search(rf"^ *{re.escape(slug)} ", every, re.M), slug
    one = folder.act("models", "kling-v2.1")
    for words in ("26-94 credits", "45-90 s", "16:9, 9:16, 1:1", "required", "text-to-video"):
        assert words in one


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ([], {}),
        (["duration=10"], {"duration": 10}),
        (["loop=true", "x=null"], {"loop": True, "x": None}),
        (["style=vivid"], {"style": "vivid"}),
        (["words=a=b"], {"words": "a=b"}),
        (["empty="], {"empty": ""}),
        (['list=["a", 1]'], {"list": ["a", 1]}),
        (["text='5'"], {"text": "'5'"}),
        (['text="5"'], {"text": "5"}),
    ],
)
def test_inputs_are_json_where_they_can_be(given: list[str], inputs: dict[str, Any]) -> None:
    assert parse_inputs(given) == inputs


def test_which_input_takes_the_picture() -> None:
    text, several = {"type": "string"}, {"type": ["array", "null"]}
    assert image_field({"properties": {"prompt": text, "image_url": text}}, "m") == ("image_url", False)
    assert image_field({"properties": {"reference_images": several}}, "m") == ("reference_images", True)
    with pytest.raises(InvalidInput, match="takes no picture"):
        image_field({"properties": {"prompt": text, "image_count": {"type": "integer"}}}, "m")
