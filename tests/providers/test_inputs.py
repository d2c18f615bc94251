"""A model's own inputs as they go to an upstream: each medium in the place where the caller named it."""

from pathlib import Path
from typing import Any

import pytest

from darkroom.brief import Brief, Modality, Task
from darkroom.ports import Work
from darkroom.providers.manifest.language import Expression, LanguageError, Medium, Part, without_nulls
from darkroom.providers.manifest.reading import read
from darkroom.providers.manifest.words import words_of

MANIFEST = """
base_url = "http://127.0.0.1:1"
[submit]
path = "/"
"""


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Two pictures: the first at a place that an upstream can fetch from, the second only here."""
    linked, kept = tmp_path / "a.png", tmp_path / "b.png"
    linked.write_bytes(b"first")
    kept.write_bytes(b"second")
    return Work(
        reference="0190-1",
        attempt=1,
        upstream="there",
        inputs={
            "prompt": "a fox",
            "keyframes": {"frame0": {"type": "image", "url": "darkroom-asset:1"}},
            "image_urls": ["https://elsewhere.example/a.png", "darkroom-asset:2"],
        },
        brief=Brief(model="m", task=Task.IMAGE_TO_VIDEO, modality=Modality.VIDEO),
        expected_wait_s=(1, 2),
        scratch=tmp_path,
        media={"keyframes.frame0.url": (kept,), "image_urls.0": (linked,), "image_urls.1": (kept,)},
        links={linked: "https://here.example/a.png"},
    )


def say(text: str, work: Work) -> Any:
    file = work.folder / "m.toml"
    file.write_text(MANIFEST)
    return Expression(text)(words_of(work, read(file)))


def test_urls_are_links_where_there_are_any_and_data_uris_elsewhere(work: Work) -> None:
    second = "data:image/png;base64,c2Vjb25k"
    assert say("merge(with_urls(inputs), {model: model})", work) == {
        "prompt": "a fox",
        "keyframes": {"frame0": {"type": "image", "url": second}},
        "image_urls": ["https://here.example/a.png", second],
        "model": "there",
    }


def test_the_generation_s_own_inputs_stay_as_they_were(work: Work) -> None:
    say("with_urls(inputs)", work)
    assert work.inputs["image_urls"] == ["https://elsewhere.example/a.png", "darkroom-asset:2"]


def test_files_are_what_no_upstream_can_fetch(work: Work) -> None:
    found = say("with_files(inputs).image_urls", work)
    assert found[0] == "https://here.example/a.png"
    assert isinstance(found[1], Part)
    assert found[1].medium.path.name == "b.png"
    assert say("with_files({prompt: prompt})", work) is None
    assert say("with_files(inputs.image_urls[0])", work) is None


def test_a_medium_that_nothing_was_made_of_is_never_sent(work: Work) -> None:
    assert isinstance(say("inputs.image_urls[1]", work), Medium)
    with pytest.raises(LanguageError):
        without_nulls(say("inputs", work))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("find(options.rows, 'ours', reference).theirs", "inf-2"),
        ("find(options.rows, 'ours', answer)", None),
        ("find(options.nothing, 'ours', reference)", None),
        ("find('a text', 'ours', reference)", None),
    ],
)
def test_find_looks_for_one_of_many(text: str, found: object) -> None:
    rows = [{"ours": None, "theirs": "inf-1"}, {"ours": "0190-1", "theirs": "inf-2"}, "no object"]
    words = {"options": {"rows": rows}, "reference": "0190-1", "answer": None}
    assert Expression(text)(words) == found
