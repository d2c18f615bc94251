"""Which models an upstream runs, where a file names them one by one, by their beginning, or all."""

from pathlib import Path

import pytest

from darkroom import catalogue
from darkroom.catalogue import Catalogue
from darkroom.providers.configured import read_files, read_folder
from darkroom.providers.manifest.reading import SHIPPED, read
from darkroom.providers.manifest.routing import route_of

FILE = """
base_url = "http://127.0.0.1:1"
[submit]
path = "/"
"""

STUDIO = (
    FILE
    + """
[[routes]]
models = ["aimlapi/*"]
upstream = "v/*"
options = { words = "theirs" }

[[routes]]
models = ["aimlapi/luma/ray-2", "kling-v2.1"]
upstream = "*"
options = { words = "ours" }
"""
)

FARM = FILE + '\n[[routes]]\nmodels = ["*"]\nupstream = "*"\nweight = 0\n'


@pytest.fixture
def joined(tmp_path: Path) -> Catalogue:
    (tmp_path / "farm.toml").write_text(FARM)
    (tmp_path / "studio.toml").write_text(STUDIO)
    return read_folder(tmp_path).join(catalogue.load())


def routes(joined: Catalogue, slug: str) -> list[tuple[str, str]]:
    return [(route.provider, route.upstream) for route in joined.find(slug).routes]


def test_a_pattern_is_for_every_model_that_begins_so(joined: Catalogue) -> None:
    assert routes(joined, "aimlapi/luma/ray-3.2") == [
        ("farm", "aimlapi/luma/ray-3.2"),
        ("studio", "v/luma/ray-3.2"),
    ]
    assert routes(joined, "aimlapi-luma/ray-2") == [("farm", "aimlapi-luma/ray-2")]


def test_a_model_that_is_named_takes_that_route(joined: Catalogue) -> None:
    assert routes(joined, "aimlapi/luma/ray-2")[1:] == [("studio", "aimlapi/luma/ray-2")]
    assert routes(joined, "kling-v2.1")[1:] == [("studio", "kling-v2.1")]


def test_its_options_are_those_of_the_same_route(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(STUDIO)
    form = read(file).form
    assert route_of(form, "aimlapi/luma/ray-2", "aimlapi/luma/ray-2") is form.routes[1]
    assert route_of(form, "aimlapi/luma/ray-3.2", "v/luma/ray-3.2") is form.routes[0]
    assert route_of(form, "veo-3.1", "veo-3.1") is None


def test_words_and_pictures_may_have_doors_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    doors = [
        f'[[routes]]\nmodels = ["veo-3.1"]\nupstream = "veo/{door}"\ntasks = ["{task}"]'
        for door, task in (("text", "text-to-video"), ("picture", "image-to-video"))
    ]
    file.write_text(FILE + "\n".join(doors))
    joined = read_folder(tmp_path).join(catalogue.load())
    assert routes(joined, "veo-3.1") == [("studio", "veo/text"), ("studio", "veo/picture")]
    form = read(file).form
    assert route_of(form, "veo-3.1", "veo/picture") is form.routes[1]
    assert route_of(form, "veo-3.1", "a name of last week") is form.routes[0]


@pytest.mark.parametrize(
    ("name", "slug", "upstream"),
    [
        ("aimlapi", "aimlapi/luma/ray-2", "luma/ray-2"),
        ("aimlapi", "aimlapi/luma/ray-3.2", "luma/ray-3.2"),
        ("aimlapi", "aimlapi/veo2", "veo2"),
        ("aimlapi-luma", "aimlapi-luma/ray-flash-2", "ray-flash-2"),
        ("darkroom", "aimlapi/luma/ray-2", "aimlapi/luma/ray-2"),
        ("elumenta", "kling-v2.1", "kling-v2.1"),
        ("skills", "skills/kling-ai/v3/video", "kling-ai/v3/video"),
        ("vivix", "runware:101@1", "runware:101@1"),
    ],
)
def test_what_the_systems_call_their_models(name: str, slug: str, upstream: str) -> None:
    joined = read_files([Path(str(SHIPPED)) / f"{name}.toml"]).join(catalogue.load())
    assert routes(joined, slug) == [(name, upstream)]


@pytest.mark.parametrize("name", ["aimlapi", "aimlapi-luma", "elumenta", "skills", "vivix"])
def test_every_model_of_a_system_goes_there_by_its_own_name(name: str) -> None:
    joined = read_files([Path(str(SHIPPED)) / f"{name}.toml"]).join(catalogue.load())
    own = {model.slug: model.names[name] for model in joined.of(name)}
    assert own
    assert {slug: upstream in own[slug] for slug in own for _, upstream in routes(joined, slug)} == dict.fromkeys(
        own, True
    )


def test_a_model_of_one_file_may_be_run_by_another_as_well(tmp_path: Path) -> None:
    model = """
[[models]]
slug = "mine/fox"
name = "Fox"
maker = "Me"
modality = "image"
tasks = ["text-to-image"]
expected_wait_s = [1, 2]
price = { credits = 3 }
upstream = "fox-1"
inputs.prompt = { type = "string", required = true }
"""
    (tmp_path / "a.toml").write_text(FILE + '\n[[routes]]\nmodels = ["mine/fox"]\nupstream = "fox-a"\n')
    (tmp_path / "b.toml").write_text(FILE + model)
    joined = read_folder(tmp_path).join(catalogue.load())
    assert routes(joined, "mine/fox") == [("b", "fox-1"), ("a", "fox-a")]
