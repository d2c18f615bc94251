"""A form's texts become what a model's schema asks for, and nothing a form holds gets past the check."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom import catalogue
from darkroom.catalogue.form import read_form
from darkroom.errors import InvalidInput

PROPERTIES: dict[str, Any] = {
    "prompt": {"type": "string"},
    "count": {"type": "integer"},
    "speed": {"type": "number"},
    "loop": {"type": "boolean"},
    "seed": {"type": ["integer", "null"]},
    "urls": {"type": "array", "items": {"type": "string"}},
    "sizes": {"type": "array", "items": {"type": "integer"}},
    "style": {"type": "object"},
}


@pytest.mark.parametrize(
    ("fields", "inputs"),
    [
        ({"prompt": ["5"]}, {"prompt": "5"}),
        ({"prompt": ["true"]}, {"prompt": "true"}),
        ({"count": ["5"]}, {"count": 5}),
        ({"count": ["-5"]}, {"count": -5}),
        ({"count": ["5.5"]}, {"count": "5.5"}),
        ({"count": ["five"]}, {"count": "five"}),
        ({"speed": ["1.5"]}, {"speed": 1.5}),
        ({"speed": ["1e999"]}, {"speed": "1e999"}),
        ({"loop": ["True"]}, {"loop": True}),
        ({"loop": ["0"]}, {"loop": False}),
        ({"loop": ["perhaps"]}, {"loop": "perhaps"}),
        ({"seed": ["7"]}, {"seed": 7}),
        ({"seed": [""]}, {}),
        ({"urls": ["a"]}, {"urls": ["a"]}),
        ({"urls": ["a", "", "b"]}, {"urls": ["a", "b"]}),
        ({"urls[]": ["a"]}, {"urls": ["a"]}),
        ({"urls": ['["a", "b"]']}, {"urls": ["a", "b"]}),
        ({"urls": ["[a"]}, {"urls": ["[a"]}),
        ({"sizes": ["1", "x"]}, {"sizes": [1, "x"]}),
        ({"style": ['{"a": 1}']}, {"style": {"a": 1}}),
        ({"style": ["[1]"]}, {"style": "[1]"}),
        ({"prompt": ["a", "b"]}, {"prompt": ["a", "b"]}),
        ({"unknown": ["a"]}, {"unknown": "a"}),
    ],
)
def test_texts_become_what_is_asked_for(fields: dict[str, list[str]], inputs: dict[str, Any]) -> None:
    assert read_form(fields, PROPERTIES) == inputs


MODELS = list(catalogue.load())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_form_is_taken_or_refused(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(MODELS))
    properties = model.schema["properties"]
    assert isinstance(properties, dict)
    texts = st.one_of(st.text(max_size=20), st.sampled_from(["true", "5", "16:9", "[[", "{}", "https://a/b", "1" * 30]))
    names = st.one_of(st.sampled_from([*properties, "prompt[]"]), st.text(max_size=5))
    fields = data.draw(st.dictionaries(names, st.lists(texts, min_size=1, max_size=3), max_size=5))
    try:
        inputs = model.accept(model.read_form(fields))
    except InvalidInput:
        return
    model.quote(inputs)
    model.task_of(inputs)
