"""What a caller may send, what is filled in, and how every mistake is told."""

from collections.abc import Callable
from typing import Any

import pytest

from darkroom.catalogue import Model
from darkroom.catalogue.accept import Checker
from darkroom.errors import InvalidInput, Problem

Make = Callable[..., Model]

FIELDS = """
[inputs.duration]
type = "integer"
enum = [5, 10]
default = 5

[inputs.strength]
type = "number"
minimum = 0
maximum = 1

[inputs.is_loud]
type = "boolean"

[inputs.note]
type = "string"
nullable = true
maxLength = 3
default = "abc"

[inputs.image_url]
type = "string"
format = "uri"

[inputs.image_urls]
type = "array"
maxItems = 2
items = { type = "string", format = "uri" }

[inputs.camera]
type = "object"
properties.speed = { type = "integer", default = 3 }
properties.axis = { type = "string", enum = ["x", "y"], required = true }
"""


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({}, "prompt", "is required"),
        ({"prompt": ""}, "prompt", "must not be empty"),
        ({"prompt": None}, "prompt", "must be a string, not null"),
        ({"prompt": 5}, "prompt", "must be a string, not an integer"),
        ({"duration": 7}, "duration", "must be one of 5, 10"),
        ({"duration": "5"}, "duration", "must be an integer, not a string; must be one of 5, 10"),
        ({"duration": 5.5}, "duration", "must be an integer, not a number; must be one of 5, 10"),
        ({"duration": True}, "duration", "must be an integer, not true; must be one of 5, 10"),
        ({"strength": 2}, "strength", "must be from 0 to 1"),
        ({"strength": [1]}, "strength", "must be a number, not a list"),
        ({"is_loud": 1}, "is_loud", "must be true or false, not an integer"),
        ({"note": "abcd"}, "note", "must have at most 3 characters; it has 4"),
        ({"image_url": "cat.png"}, "image_url", "must be a link that starts with https://, http:// or data:"),
        (
            {"image_urls": ["https://a/1", "x"]},
            "image_urls.1",
            "must be a link that starts with https://, http:// or data:",
        ),
        ({"image_urls": ["https://a/1"] * 3}, "image_urls", "must have at most 2 items; it has 3"),
        ({"camera": {}}, "camera.axis", "is required"),
        ({"camera": {"axis": "z"}}, "camera.axis", "must be one of x, y"),
        ({"camera": {"axis": "x", "tilt": 1}}, "camera.tilt", "is not known here; allowed are speed, axis"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_what_is_allowed(
    fern: Make, given: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        fern(FIELDS).accept(given if not given or "prompt" in given else {"prompt": "a fern", **given})
    assert caught.value.problems == (Problem(field, message),)


def test_every_mistake_is_told_at_once(fern: Make) -> None:
    with pytest.raises(InvalidInput) as caught:
        fern(FIELDS).accept({"duration": 7, "zoom": 1, "strength": -1})
    assert {problem.field for problem in caught.value.problems} == {"prompt", "duration", "zoom", "strength"}


def test_an_unknown_field_is_told_with_the_known_ones(fern: Make) -> None:
    with pytest.raises(InvalidInput) as caught:
        fern().accept({"prompt": "a fern", "zoom": 1})
    assert caught.value.problems == (Problem("zoom", "is not known here; allowed are prompt"),)


def test_more_mistakes_than_anybody_reads_are_not_all_told(fern: Make) -> None:
    with pytest.raises(InvalidInput) as caught:
        fern().accept({"prompt": "a fern", **{f"zoom{number}": 1 for number in range(5000)}})
    assert len(caught.value.problems) == 100


def test_defaults_are_filled_in_also_inside_an_object(fern: Make) -> None:
    assert fern(FIELDS).accept({"prompt": "a fern", "camera": {"axis": "x"}}) == {
        "prompt": "a fern",
        "camera": {"axis": "x", "speed": 3},
        "duration": 5,
        "note": "abc",
    }


def test_a_default_that_is_filled_in_is_nobody_else_s() -> None:
    schema = {"type": "object", "properties": {"tags": {"type": "array", "default": ["a"]}}}
    checker = Checker(schema)
    checker.accept({})["tags"].append("mine")
    assert checker.accept({}) == {"tags": ["a"]}


def test_what_was_given_is_left_as_it_was(fern: Make) -> None:
    given = {"prompt": "a fern", "camera": {"axis": "x"}, "duration": 5.0}
    fern(FIELDS).accept(given)
    assert given == {"prompt": "a fern", "camera": {"axis": "x"}, "duration": 5.0}


def test_5_point_0_is_5(fern: Make) -> None:
    duration = fern(FIELDS).accept({"prompt": "a fern", "duration": 5.0})["duration"]
    assert duration == 5
    assert isinstance(duration, int)


def test_null_means_not_given_where_it_is_allowed(fern: Make) -> None:
    assert fern(FIELDS).accept({"prompt": "a fern", "note": None})["note"] == "abc"


def test_a_number_written_as_text_is_taken_where_the_model_is_lenient(fern: Make) -> None:
    model = fern('[inputs.duration]\ntype = "integer"\nenum = [5, 10]\nlenient = true\n')
    assert model.accept({"prompt": "a fern", "duration": "10"})["duration"] == 10
    with pytest.raises(InvalidInput):
        model.accept({"prompt": "a fern", "duration": "10s"})


def test_a_form_makes_its_fields_required(fern: Make) -> None:
    model = fern("""
[inputs.feature]
type = "string"
enum = ["text-image-to-video", "frame-to-video"]

[inputs.image_url]
type = "string"
format = "uri"

[forms]
frame-to-video = ["image_url"]
""")
    assert model.accept({"prompt": "a fern"}) == {"prompt": "a fern"}
    with pytest.raises(InvalidInput) as caught:
        model.accept({"prompt": "a fern", "feature": "frame-to-video"})
    assert caught.value.problems == (Problem("image_url", "is required"),)


def test_a_draft_may_lack_what_is_required_and_nothing_else(fern: Make) -> None:
    model = fern(FIELDS)
    assert model.draft({"duration": 10}) == {"duration": 10, "note": "abc"}
    with pytest.raises(InvalidInput) as caught:
        model.draft({"duration": 7})
    assert caught.value.problems == (Problem("duration", "must be one of 5, 10"),)


def test_text_that_is_no_text_is_refused(fern: Make) -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        fern(FIELDS).accept({"prompt": "a fern", "image_url": "https://example.com/\ud800"})
