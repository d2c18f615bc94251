"""Sandbox directives in prompts."""

import pytest

from darkroom.errors import InvalidInput
from darkroom.providers.sketch.directives import Directives, read


@pytest.mark.parametrize(
    ("prompt", "directives", "rest"),
    [
        ("a cat", Directives(), "a cat"),
        ("  two  spaces ", Directives(), "  two  spaces "),
        ("a cat [sandbox: fail content]", Directives(fail="content"), "a cat"),
        ("[sandbox: fail provider] a cat", Directives(fail="provider"), "a cat"),
        ("[sandbox: fail timeout]", Directives(fail="timeout"), ""),
        ("a [SandBox:UNAVAILABLE 2] cat", Directives(unavailable=2), "a cat"),
        ("a cat [sandbox: wait 20]", Directives(wait_s=20.0), "a cat"),
        ("a cat [sandbox: wait 0.25]", Directives(wait_s=0.25), "a cat"),
        ("a cat [sandbox: wait 99999]", Directives(wait_s=3600.0), "a cat"),
        ("a cat [sandbox: lost]", Directives(is_lost=True), "a cat"),
        ("a cat [ sandbox :  lost ] [sandbox: wait 1]", Directives(is_lost=True, wait_s=1.0), "a cat"),
        ("a [sandbox] is not meant", Directives(), "a [sandbox] is not meant"),
    ],
)
def test_directives_are_read_and_taken_out(prompt: str, directives: Directives, rest: str) -> None:
    assert read(prompt) == (directives, rest)


@pytest.mark.parametrize(
    "order",
    [
        "explode",
        "fail",
        "fail softly",
        "wait",
        "wait long",
        "wait -1",
        "wait nan",
        "unavailable 1.5",
        "unavailable ²",
        "",
    ],
)
def test_an_unknown_directive_says_what_is_allowed(order: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(f"a cat [sandbox: {order}]")
    (problem,) = caught.value.problems
    assert problem.field == "prompt"
    for allowed in ("fail content", "fail provider", "fail timeout", "unavailable", "wait", "lost"):
        assert allowed in problem.message
