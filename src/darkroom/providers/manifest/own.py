"""An operator's own functions, in Python, for the part of an upstream that expressions do not reach."""

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from darkroom.catalogue.fault import Fault
from darkroom.providers.manifest.language import LANGUAGE, Language

PLACE = "python"


def language_with(file: Path) -> Language:
    """The language with each function that the file defines itself, but for those whose name begins with `_`. Raises
    `Fault`."""
    own = _functions(file)
    for name in own:
        if name in LANGUAGE.functions:
            raise Fault(f"{file.name} defines '{name}', which is a function already", PLACE)
    return Language(own)


def _functions(file: Path) -> Mapping[str, Callable[..., Any]]:
    spec = importlib.util.spec_from_file_location(f"darkroom_provider_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever an operator's file raises is said with its name
        raise Fault(f"{file.name} cannot be loaded: {type(error).__name__}: {error}", PLACE) from None
    found = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    for name, function in found.items():
        if any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in inspect.signature(function).parameters.values()):
            raise Fault(f"{file.name}: '{name}' must take plain arguments", PLACE)
        if inspect.iscoroutinefunction(function):
            raise Fault(f"{file.name}: '{name}' must not be async: it computes, and calls nobody", PLACE)
    return found
