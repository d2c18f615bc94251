"""Every shipped model: it takes its least inputs, costs what its band says, and makes a brief to be carried out."""

from itertools import product
from typing import Any

import jsonschema_rs
import pytest

from darkroom.brief import Modality, Task
from darkroom.catalogue import Catalogue, Model, load
from darkroom.errors import InvalidInput

MODELS = tuple(load())

A_LINK = "https://example.com/input"

TASKS_OF = {
    Modality.VIDEO: {
        *(Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.FRAMES_TO_VIDEO, Task.REFERENCE_TO_VIDEO, Task.VIDEO_TO_VIDEO),
        *(Task.EDIT, Task.EXTEND, Task.RETAKE, Task.MOTION_CONTROL, Task.LIP_SYNC, Task.UPSCALE),
    },
    Modality.IMAGE: {Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.UPSCALE, Task.TRY_ON},
    Modality.MUSIC: {Task.MUSIC},
    Modality.SPEECH: {Task.SPEECH},
    Modality.SOUND: {Task.SOUND},
}

every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.slug)


def least(model: Model) -> dict[str, object]:
    """The required inputs and nothing else, each with the plainest value that its schema takes."""
    properties: Any = model.schema["properties"]
    required: Any = model.schema["required"]
    return {name: plainest(properties[name]) for name in required}


def plainest(schema: dict[str, Any]) -> object:
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    match kinds[0]:
        case "string":
            return A_LINK if schema.get("format") == "uri" else "a fern in the rain"
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "array":
            return [plainest(schema["items"])]
        case "object":
            return {name: plainest(schema["properties"][name]) for name in schema["required"]}
    raise AssertionError(schema)


@every_model
def test_the_schema_is_a_schema_that_refuses_what_it_does_not_know(model: Model) -> None:
    jsonschema_rs.meta.validate(dict(model.schema))
    with pytest.raises(InvalidInput, match="is not known here"):
        model.accept({**least(model), "no_such_field": 1})


@every_model
def test_every_field_is_described(model: Model) -> None:
    properties: Any = model.schema["properties"]
    assert [name for name, field in properties.items() if not field.get("description")] == []


@every_model
def test_the_least_inputs_are_taken_and_cost_what_the_band_says(model: Model) -> None:
    inputs = model.accept(least(model))
    lowest, highest = model.price_band
    assert 0 < lowest <= model.quote(inputs) <= highest


UNLISTED = {"frames", "milliseconds"}
"""Lengths that have no short list of choices to try out."""


@pytest.mark.parametrize(
    "model",
    [model for model in MODELS if model.price.per != "thousand characters" and not UNLISTED & {*model.roles.values()}],
    ids=lambda model: model.slug,
)
def test_the_band_is_reached_at_both_ends_and_never_left(model: Model) -> None:
    properties: Any = model.schema["properties"]
    choices = {name: properties[name].get("enum", [True, False]) for name in model.price.by}
    if model.price.per == "second":
        lengths = {name: properties[name] for name, role in model.roles.items() if role == "duration"}
        choices |= {name: field.get("enum") or [field["minimum"], field["maximum"]] for name, field in lengths.items()}
    quotes = {
        model.quote(model.accept({**least(model), **dict(zip(choices, values, strict=True))}))
        for values in product(*choices.values())
    }
    assert (min(quotes), max(quotes)) == model.price_band


@every_model
def test_the_brief_can_be_carried_out(model: Model) -> None:
    inputs = model.accept(least(model))
    brief = model.brief(inputs, {})
    assert brief.task in model.tasks
    assert set(model.tasks) <= TASKS_OF.get(
        model.modality, set(Task) - set().union(*TASKS_OF.values()) | {Task.UPSCALE}
    )
    for side in (brief.width, brief.height):
        assert side is None or (64 <= side <= 5200 and side % 2 == 0)
    assert brief.duration_s is None or 1 <= brief.duration_s <= 300


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in MODELS
        if model.modality in (Modality.VIDEO, Modality.MUSIC, Modality.SOUND) and not model.media_fields(least(model))
    ],
    ids=lambda model: model.slug,
)
def test_what_needs_no_medium_has_a_length_and_a_size(model: Model) -> None:
    brief = model.brief(model.accept(least(model)), {})
    assert brief.duration_s is not None
    assert model.modality is not Modality.VIDEO or (brief.width and brief.height)


@every_model
def test_it_is_found_by_each_of_its_names(model: Model, shipped: Catalogue) -> None:
    assert model.names
    for dialect, names in model.names.items():
        assert [shipped.find(name, dialect=dialect).slug for name in names] == [model.slug] * len(names)
    assert shipped.find(model.slug).slug == model.slug


@every_model
def test_it_is_made_here_and_its_wait_is_a_range(model: Model) -> None:
    assert [(route.provider, route.upstream) for route in model.routes] == [("sketch", model.slug)]
    assert 0 < model.expected_wait_s[0] < model.expected_wait_s[1]


def test_every_task_can_be_asked_of_some_model() -> None:
    assert {task for model in MODELS for task in model.tasks} == set(Task)
