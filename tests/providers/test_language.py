"""What a manifest's expressions can say, and what they are told when they are wrong."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from darkroom.providers.manifest.language import (
    WORDS,
    Expression,
    Functions,
    LanguageError,
    Medium,
    Template,
    Url,
    without_nulls,
)

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("{text: prompt, seed: seed}", {"prompt": "a fox", "seed": None}, {"text": "a fox", "seed": None}),
        ("nearest(duration_s, `[5, 10]`)", {"duration_s": 7}, 5),
        ("nearest(duration_s, `[5, 10]`)", {"duration_s": 8}, 10),
        ("nearest(duration_s, `[5, 10]`)", {"duration_s": None}, None),
        ("integer(duration_s)", {"duration_s": 4.6}, 5),
        ("times(answer.credits, `0.01`)", {"answer": {"credits": 25}}, 0.25),
        ("times(answer.credits, `0.01`)", {"answer": {}}, None),
        ("pick(aspect_ratio, {\"16:9\": '1280:720'})", {"aspect_ratio": "16:9"}, "1280:720"),
        ("pick(duration_s, {\"5\": 'five'})", {"duration_s": 5}, "five"),
        ("only({prompt: prompt, seed: seed}, ['seed', 'size'])", {"prompt": "a fox", "seed": 7}, {"seed": 7}),
        ("split(size, 'x')[0]", {"size": "1280x720"}, "1280"),
        ("has(answer.why, 'NSFW')", {"answer": {"why": "it is nsfw"}}, True),
        ("has(answer.why, 'nsfw')", {"answer": {}}, False),
        ("has([answer.a, answer.b], 'x')", {"answer": {"a": None, "b": "axe"}}, True),
        ("answer.error && 'failed' || answer.state", {"answer": {"error": "no", "state": "done"}}, "failed"),
        ("answer.error && 'failed' || answer.state", {"answer": {"state": "done"}}, "done"),
        (
            "fill(templates.scene, {text: prompt})",
            {"templates": {"scene": {"1": {"in": ["$text", 3]}}}, "prompt": "hi"},
            {"1": {"in": ["hi", 3]}},
        ),
    ],
)
def test_what_an_expression_gives(text: str, words: dict[str, Any], value: Any) -> None:
    assert Expression(text)(words) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("promt", "there is no word 'promt'"),
        ("{text: promt}", "there is no word 'promt'"),
        ("answer.items[?promt == 'x']", None),
        ("answer.id || answr.id", "there is no word 'answr'"),
        ("(" * 5000 + "prompt" + ")" * 5000, "it is nested too deeply"),
        ("!" * 5000 + "prompt", "it is nested too deeply"),
        ("lower(prompt)", "there is no function 'lower'"),
        ("!answer.files && answer.why", "'!a.b' is the b of '!a'"),
        ("!(answer.files) && !has(answer.why, 'x')", None),
        ("nearest(duration_s)", "'nearest' takes 2 arguments, and has 1"),
        ("join(',', references, prompt)", "'join' takes 2 arguments, and has 3"),
        ("{text: }", "cannot be read"),
        ("map(&url(@), references)", None),
    ],
)
def test_a_wrong_one_is_found_when_it_is_read(text: str, reason: str | None) -> None:
    if reason is None:
        Expression(text)
        return
    with pytest.raises(LanguageError, match=reason.replace("(", r"\(")):
        Expression(text)


def test_media(tmp_path: Path) -> None:
    (tmp_path / "fox.png").write_bytes(b"a fox")
    here, linked = Medium(tmp_path / "fox.png"), Medium(tmp_path / "fox.png", "https://here.example/fox.png")
    data_uri = "data:image/png;base64," + base64.b64encode(b"a fox").decode()
    assert Expression("url(image)")({"image": here}) == data_uri
    assert Expression("url(image)")({"image": linked}) == "https://here.example/fox.png"
    assert Expression("data_uri(image)")({"image": linked}) == data_uri
    assert Expression("url(image)")({"image": None}) is None
    assert Expression("map(&url(@), references)")({"references": [linked]}) == ["https://here.example/fox.png"]
    with pytest.raises(LanguageError, match="a medium is wanted"):
        Expression("base64(prompt)")({"prompt": "a fox"})
    with pytest.raises(LanguageError, match="a medium needs url"):
        without_nulls({"picture": here})


def test_what_is_null_is_left_out() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": 0}, "e": [None, False, ""]}) == {
        "b": {"d": 0},
        "e": [False, ""],
    }


@pytest.mark.parametrize(
    ("text", "words", "url"),
    [
        ("/v1/tasks/{id}", {"id": "a b/c?d#e"}, "/v1/tasks/a%20b/c%3Fd%23e"),
        ("/v1/{model}:run", {"model": "models/veo-3"}, "/v1/models/veo-3:run"),
        ("{kept.url}", {"kept": {"url": "https://eu.example/x?y=z"}}, "https://eu.example/x?y=z"),
    ],
)
def test_paths(text: str, words: dict[str, Any], url: str) -> None:
    assert Url(text)(words) == url


@pytest.mark.parametrize("id", ["../../admin", "a/../b", None, {"a": 1}])
def test_an_id_that_is_no_part_of_a_path_is_not_asked_for(id: Any) -> None:
    with pytest.raises(LanguageError):
        Url("/v1/tasks/{id}")({"id": id})


def test_headers_are_texts_with_expressions_in_them() -> None:
    assert Template("for {reference} at {seed}")({"reference": "0190", "seed": 7}) == "for 0190 at 7"


def documented(section: str, until: str) -> set[str]:
    part = PAGE[PAGE.index(section) : PAGE.index(until)]
    rows = [row.split("|")[1] for row in part.splitlines() if row.startswith("| `")]
    return {re.split(r"\W", name)[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_word_is_documented() -> None:
    assert documented("| word |", "Our functions, beside") == WORDS


def test_every_function_of_ours_is_documented() -> None:
    ours = {name.removeprefix("_func_") for name in vars(Functions) if name.startswith("_func_")}
    assert documented("| function |", "## What happens when") == ours
