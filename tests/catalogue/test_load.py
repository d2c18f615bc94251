"""Reading folders: what is shared, what overrides what, and how a wrong file is told."""

from pathlib import Path

import pytest

from darkroom.catalogue import load
from darkroom.credits import credits
from darkroom.errors import CatalogueError, Misconfigured, ModelUnavailable, UnknownModel
from tests.catalogue.conftest import FERN


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("credits = 3", "credits = ", 8, "Invalid value"),
        ('slug = "fern"\n', "", 1, "missing required field `slug`"),
        ('modality = "video"', 'modality = "smell"', 5, "smell"),
        ('["text-to-video", "image-to-video"]', '["text-to-smell"]', 6, "text-to-smell"),
        ("[10, 20]", "10", 7, "array"),
        ("[10, 20]", '[10, "20"]', 7, "int"),
        ("credits = 3", "credits = -1", 8, "a number from 0"),
        ("credits = 3", "credits = 3, pre = 1", 8, "pre"),
        ("credits = 3", 'by = ["size"], credits = { a = 1 }', 8, "no such field"),
        ("credits = 3", 'by = ["prompt"], credits = { a = 1 }', 8, "no default"),
        ("credits = 3", 'per = "second", credits = 1', 8, "no default and no 'assumes' says how many"),
        ("credits = 3", 'per = "thousand characters", credits = 1', 10, "both limits"),
        ('name = "Fern"', 'name = "Fern"\nnmae = "Fern"', 4, "nmae"),
        ("required = true", 'required = true\nformt = "uri"', 13, "'formt' is not a word of a field"),
        ('type = "string"', 'type = "text"', 11, "text"),
        ("required = true", "default = 5", 12, "the default of 'prompt' must be a string"),
        ("required = true", 'role = "smell"', 12, "there is no role 'smell'"),
        ("required = true", 'role = "image"', 10, "give its text the format 'uri'"),
        ("required = true", 'like = "text"', 12, "there is no field 'text' to be like"),
        ("maker =", 'needs = ["prompt", "size"]\nmaker =', 4, "there is no field 'size' to take"),
        ("maker =", "assumes = { smell = 1 }\nmaker =", 4, "there is no role 'smell'"),
        ("maker =", "assumes = { duration = 'long' }\nmaker =", 4, "cannot be assumed"),
        ("required = true", "default = 2026-01-01", 10, "JSON has no dates"),
        ("required = true", "enum = 5", 12, "'enum' must be a list"),
        ("required = true", 'required = "yes"', 12, "'required' must be true or false"),
        ("required = true", "maxLength = -1", 12, "minimum"),
        ("required = true", "properties = { a = 1 }", 12, "a field is a table"),
        ("credits = 3", "credits = nan", 8, "a number from 0"),
        ("credits = 3", "credits = true", 8, "credits"),
        ('slug = "fern"', 'slug = "my fern"', 2, "slug"),
        ('["text-to-video", "image-to-video"]', "[]", 6, "length >= 1"),
        ("maker =", 'forms = { extend = ["prompt"] }\nmaker =', 4, "role is 'form'"),
    ],
)
def test_a_wrong_file_is_told_with_its_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in FERN
    folder = write(tmp_path, fern=FERN.replace(old, new, 1))
    with pytest.raises(CatalogueError) as caught:
        load(folder, shipped=False)
    assert caught.value.file == str(folder / "fern.toml")
    assert (caught.value.line, reason in caught.value.reason) == (line, True), str(caught.value)


def test_a_price_must_cover_every_choice(tmp_path: Path) -> None:
    text = FERN.replace("{ credits = 3 }", '{ by = ["quality"], credits = { low = 1 } }')
    folder = write(tmp_path, fern=text + '[inputs.quality]\ntype = "string"\nenum = ["low", "high"]\ndefault = "low"\n')
    with pytest.raises(CatalogueError, match="high has no price"):
        load(folder, shipped=False)


def test_the_line_of_a_list_of_models_is_that_of_the_right_one(tmp_path: Path) -> None:
    first = FERN.replace("\nslug", "\n[[models]]\nslug", 1).replace("[inputs.prompt]", "[models.inputs.prompt]")
    second = first.replace('"fern"', '"moss"').replace("credits = 3", "credits = -3")
    with pytest.raises(CatalogueError) as caught:
        load(write(tmp_path, both=first + second), shipped=False)
    assert caught.value.line == len(first.splitlines()) + 9


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "is not UTF-8"), (b"models = 5", "must be written as [[models]]"), (b"fields = 1", "[fields.NAME]")],
)
def test_a_file_that_is_no_model_file(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "odd.toml").write_bytes(content)
    with pytest.raises(CatalogueError) as caught:
        load(tmp_path, shipped=False)
    assert reason in caught.value.reason


def test_a_wrong_vocabulary_is_told_in_its_own_file(tmp_path: Path) -> None:
    shared = '[fields.size]\ntype = "string"\nsize = 3\n'
    with pytest.raises(CatalogueError) as caught:
        load(write(tmp_path, fern=FERN, shared=shared), shipped=False)
    assert (Path(caught.value.file).name, caught.value.line) == ("shared.toml", 3)


def test_two_models_of_one_slug_in_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"the slug \'fern\' is already that of a model in fern\.toml"):
        load(write(tmp_path, fern=FERN, other=FERN), shipped=False)


def test_two_models_of_one_name_in_a_dialect_are_refused(tmp_path: Path) -> None:
    named = FERN.replace("\nname", '\nnames = { elumenta = ["leaf"] }\nname', 1)
    with pytest.raises(CatalogueError, match="'leaf' is already the name of 'fern'"):
        load(write(tmp_path, fern=named, other=named.replace('"fern"', '"moss"')), shipped=False)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no such folder"):
        load(tmp_path / "models", shipped=False)


def test_the_operators_model_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    cheap = FERN.replace('"fern"', '"kling-v2.1"').replace("\nname", '\ndialect = "elumenta"\nname', 1)
    catalogue = load(write(tmp_path, kling=cheap))
    assert catalogue.find("kling-v2.1", dialect="elumenta").price_band == (credits(3), credits(3))
    assert len(catalogue) == len(load())


def test_the_shared_file_the_file_and_the_model_are_read_from_the_outside_in(tmp_path: Path) -> None:
    shared = """
maker = "Nobody"
dialect = "garden"
takes = ["seed"]
price = { credits = 1 }
[fields.seed]
type = "integer"
[fields.size]
type = "string"
enum = ["s", "l"]
default = "s"
"""
    many = """
modality = "image"
tasks = ["text-to-image"]
expected_wait_s = [1, 2]
takes = ["size"]
[fields.size]
default = "l"
[[models]]
slug = "garden/moss"
name = "Moss"
[[models]]
slug = "garden/lichen"
name = "Lichen"
price = { credits = 2 }
inputs.size = { enum = ["l", "xl"] }
inputs.weight = { like = "size", default = "s" }
"""
    catalogue = load(write(tmp_path, shared=shared, many=many), shipped=False)
    moss, lichen = catalogue.find("moss", dialect="garden"), catalogue.find("garden/lichen")
    assert moss.accept({}) == {"size": "l"}
    assert lichen.accept({}) == {"size": "l", "weight": "s"}
    assert (moss.price_band[0], lichen.price_band[0]) == (credits(1), credits(2))
    assert catalogue.of("garden") == (moss, lichen)
    assert (moss.routes[0].provider, moss.routes[0].upstream) == ("sketch", "garden/moss")


def test_a_route_of_its_own(tmp_path: Path) -> None:
    routed = FERN + '[[routes]]\nprovider = "fal"\nupstream = "fal-ai/fern"\n'
    route = load(write(tmp_path, fern=routed), shipped=False).find("fern").routes[0]
    assert (route.provider, route.upstream) == ("fal", "fal-ai/fern")


@pytest.mark.parametrize(
    ("name", "dialect", "near"),
    [
        ("kling-v21", "elumenta", "kling-v2.1"),
        ("klingai/avatar-pros", "aimlapi", "klingai/avatar-pro"),
        ("kling-v2", None, "kling-v2.1"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, dialect: str | None, near: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        load().find(name, dialect=dialect)
    assert near in caught.value.near


def test_a_name_as_long_as_a_body_is_answered_soon() -> None:
    with pytest.raises(UnknownModel) as caught:
        load().find("kling" * 200_000, dialect="elumenta")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["gpt-5", "claude-opus-4.5", "whisper", "elevenlabs-scribe", "el-dubbing"])
def test_a_model_that_is_known_and_not_run_says_so(name: str) -> None:
    catalogue = load()
    with pytest.raises(ModelUnavailable):
        catalogue.find(name, dialect="elumenta")
    with pytest.raises(UnknownModel):
        catalogue.find(name, dialect="vivix")
