"""Whatever a caller sends is either refused in words or carried through to a price and a brief."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.catalogue import load
from darkroom.errors import InvalidInput

MODELS = tuple(load())

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "x", "5", "5s", "16:9", "auto", "generation", "image", "https://example.com/a.png", "data:,x"]
    ),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "url", "id", "prompt", "format", "frame0", "frame1"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[object]:
    """Values that the schema takes, more often than not."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "string")
    match kinds if isinstance(kinds, str) else kinds[-2 if kinds[-1] == "null" else -1]:
        case "string":
            return st.just("https://example.com/a.png" if schema.get("format") == "uri" else "a fern")
        case "integer" | "number":
            least = int(schema.get("minimum", 0))
            return st.integers(least, int(schema.get("maximum", least + 100)))
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(fitting(schema.get("items", {})), min_size=1, max_size=2)
        case _:
            properties = {name: fitting(field) for name, field in schema.get("properties", {}).items()}
            return st.fixed_dictionaries({}, optional=properties)


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, dict[str, object]]:
    number = draw(st.integers(0, len(MODELS) - 1))
    properties: Any = MODELS[number].schema["properties"]
    odd = draw(st.sets(st.sampled_from(sorted(properties)), max_size=2))
    required: Any = MODELS[number].schema["required"]
    fields = {name: ANYTHING if name in odd else fitting(field) for name, field in properties.items()}
    needed = {name: value for name, value in fields.items() if name in required}
    optional = {name: value for name, value in fields.items() if name not in required}
    return number, draw(st.fixed_dictionaries(needed, optional=optional))


@settings(max_examples=400, deadline=None)
@given(requests())
def test_nothing_but_a_refusal_stops_a_request(request: tuple[int, dict[str, object]]) -> None:
    number, inputs = request
    model = MODELS[number]
    try:
        accepted = model.accept(inputs)
    except InvalidInput:
        return
    least, most = model.price_band
    count = model.words(accepted).get("count", 1)
    assert least * count <= model.quote(accepted) <= most * count
    assert model.accept(accepted) == accepted
    assert model.brief(accepted, {}).task in model.tasks
    assert all(medium.source for medium in model.media_fields(accepted))
