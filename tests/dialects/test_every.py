"""What must hold of every dialect that is served."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import darkroom.dialects
from darkroom import errors
from darkroom.dialects import DIALECTS
from darkroom.generation import Status
from darkroom.wire import Dialect
from tests.dialects.samples import REFUSALS, a_delivery, a_generation, a_principal, a_reply, a_request, some_limits

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)

SHAPES = {
    "native": {"error"},
    "elumenta": {"error", "message", "details"},
}
"""The names of an error body, where a dialect has one shape for all of them but the one for too many calls."""


def leaves(kind: type[errors.Rejected]) -> Iterator[type[errors.Rejected]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


def test_the_refusals_to_try_are_all_that_there_are() -> None:
    assert {type(error) for error in REFUSALS} == set(leaves(errors.Rejected))


@each_dialect
@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_every_refusal_has_a_status_and_a_body(dialect: Dialect, error: errors.Rejected) -> None:
    answer = dialect.refuse(error, a_request(path={"id": "7", "slug": "zzz"}))
    assert 400 <= answer.status < 500 or answer.status == 503
    # 408 and 409 are retried by client libraries up to ten times, and 429 too: for what passes by itself alone.
    assert answer.status not in (408, 409)
    passes_by_itself = isinstance(error, errors.LimitReached | errors.TooManyInFlight)
    assert (answer.status == 429) is passes_by_itself
    body = msgspec.json.decode(msgspec.json.encode(answer.body))
    if dialect.name in SHAPES and not isinstance(error, errors.LimitReached):
        assert set(body) == SHAPES[dialect.name]
    if isinstance(error, errors.NotYours) and answer.status == 404:
        missing = dialect.refuse(errors.NotFound("generation 7"), a_request(path={"id": "7", "slug": "zzz"}))
        assert (answer.status, answer.body, answer.headers) == (missing.status, missing.body, missing.headers)


@each_dialect
def test_a_bug_tells_nothing_of_the_inside(dialect: Dialect) -> None:
    answer = dialect.crash(a_request())
    assert answer.status == 500
    text = msgspec.json.encode(answer.body).decode()
    assert "Traceback" not in text


@each_dialect
def test_decoration_and_messages_never_crash(dialect: Dialect) -> None:
    for limits in ((), some_limits()):
        headers = dialect.decorate(a_reply(principal=a_principal(), limits=limits))
        assert all(isinstance(value, str) for value in headers.values())
        # What one that adds nothing has told is told again as it is.
        assert dialect.decorates or headers == {}
    for status in Status:
        generation = a_generation(status, dialect=dialect.name)
        message = dialect.message(a_delivery(generation, secret=dialect.new_secret()), a_reply())
        assert message is None or msgspec.json.decode(message.body)


@each_dialect
def test_keys_have_their_form(dialect: Dialect) -> None:
    key = dialect.key_form.make()
    assert dialect.key_form.fits(key)
    assert len(dialect.key_form.hint(key)) < 20


def test_no_dialect_imports_another() -> None:
    """A dialect's further files begin with its name; the only file that they share is `wire`."""
    folder = Path(darkroom.dialects.__path__[0])
    names = [dialect.name for dialect in DIALECTS]
    for file in folder.rglob("*.py"):
        here = file.relative_to(folder).with_suffix("").parts[0]
        if here == "__init__":
            continue
        owner = next((name for name in names if here.startswith(name)), here)
        for imported in _dialect_modules(ast.parse(file.read_text("utf-8"))):
            assert imported == "wire" or imported.startswith(owner), f"{file.name} imports dialects.{imported}"


def _dialect_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "darkroom.dialects":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("darkroom.dialects."):
            yield (node.module or "").split(".")[2]
