"""The language of a manifest's expressions: JMESPath, a few functions of ours, and the words that stand at its root.

An expression is bounded: no loops, no regular expressions, nothing but the values it is given. It is checked when it is
read, so that a misspelt word is found at start and not by the first caller who comes by.
"""

import base64
import inspect
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import jmespath
from jmespath import exceptions, functions

WORDS = frozenset(
    (
        # What is asked for, in a brief's words.
        *("prompt", "negative_prompt", "lyrics", "seed", "count", "width", "height", "size", "resolution"),
        *("aspect_ratio", "duration_s", "fps", "format", "voice", "language", "speed", "scale", "start_s", "end_s"),
        *("loop", "prepend", "with_audio", "keep_audio", "instrumental", "task", "modality", "inputs"),
        # The input media.
        *("image", "last_image", "references", "video", "audio", "person", "garment"),
        # Who asks, and for what.
        *("reference", "model", "callback_url", "options", "templates", "words"),
        # What has come back.
        *("before", "answer", "http", "id", "kept", "item"),
    )
)
"""What an expression may begin with. `docs/providers.md` says what each one is; a test compares the two."""

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class LanguageError(Exception):
    """An expression that cannot be read, or does not fit what it was given."""


@dataclass(frozen=True, slots=True, eq=False)
class Medium:
    """An input medium. It must go through `url`, `data_uri`, `base64` or `file` on its way out."""

    path: Path
    link: str | None = None

    @property
    def media_type(self) -> str:
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"

    def encoded(self) -> str:
        return base64.b64encode(self.path.read_bytes()).decode()


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a form."""

    medium: Medium


class Functions(functions.Functions):  # type: ignore[misc]
    """Ours, beside JMESPath's own. A function of a medium that is not there is null, and null is left out."""

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_url(self, medium: Any) -> str | None:
        if medium is None or isinstance(medium, str):
            return medium
        return _medium(medium).link or self._func_data_uri(medium)

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_data_uri(self, medium: Any) -> str | None:
        if medium is None:
            return None
        return f"data:{_medium(medium).media_type};base64,{_medium(medium).encoded()}"

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_base64(self, medium: Any) -> str | None:
        return None if medium is None else _medium(medium).encoded()

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_media_type(self, medium: Any) -> str | None:
        return None if medium is None else _medium(medium).media_type

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_file(self, medium: Any) -> Part | None:
        return None if medium is None else Part(_medium(medium))

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_with_urls(self, value: Any) -> Any:
        """The value with `url` of each medium in it, at any depth."""
        return _replaced(value, self._func_url)

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_with_files(self, value: Any) -> Any:
        """The value with `file` of each medium in it that nobody can fetch, and the links of the others; null where
        there is nothing to send along."""
        found: list[Part] = []

        def sent(medium: Medium) -> str | Part:
            if medium.link:
                return medium.link
            found.append(Part(medium))
            return found[-1]

        replaced = _replaced(value, sent)
        return replaced if found else None

    @functions.signature({"types": ["number", "null"]}, {"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_nearest(self, number: float | None, choices: list[float]) -> float | None:
        if number is None or not choices:
            return None
        return min(choices, key=lambda choice: (abs(choice - number), choice))

    @functions.signature({"types": ["number", "null"]})  # type: ignore[untyped-decorator]
    def _func_integer(self, number: float | None) -> int | None:
        return None if number is None else round(number)

    @functions.signature({"types": ["number", "null"]}, {"types": ["number", "null"]})  # type: ignore[untyped-decorator]
    def _func_times(self, left: float | None, right: float | None) -> float | None:
        return None if left is None or right is None else left * right

    @functions.signature({"types": []}, {"types": ["object"]})  # type: ignore[untyped-decorator]
    def _func_pick(self, key: Any, choices: Mapping[str, Any]) -> Any:
        """The choice of that name; numbers are named as JSON writes them."""
        name = key if isinstance(key, str) else f"{key:g}" if isinstance(key, float) else str(key)
        return choices.get(name)

    @functions.signature({"types": ["object"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_only(self, members: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
        """The members of these names: an upstream's doors take different ones, and a route's options say which."""
        return {name: value for name, value in members.items() if name in names}

    @functions.signature({"types": ["string", "null"]}, {"types": ["string"]})  # type: ignore[untyped-decorator]
    def _func_split(self, text: str | None, separator: str) -> list[str]:
        return [] if not text else text.split(separator)

    @functions.signature({"types": []}, {"types": ["string"]})  # type: ignore[untyped-decorator]
    def _func_has(self, whole: Any, part: str) -> bool:
        """As `contains`, in any case of letters, and false where there is nothing to look in."""
        if isinstance(whole, list):
            return any(self._func_has(item, part) for item in whole)
        return isinstance(whole, str) and part.lower() in whole.lower()

    @functions.signature({"types": []}, {"types": ["string"]}, {"types": []})  # type: ignore[untyped-decorator]
    def _func_find(self, items: Any, name: str, value: Any) -> Any:
        """The first of the objects in a list whose member of that name is the value, which is not null."""
        if not isinstance(items, list) or value is None:
            return None
        return next((item for item in items if isinstance(item, dict) and item.get(name) == value), None)

    @functions.signature({"types": ["object", "array"]}, {"types": ["object"]})  # type: ignore[untyped-decorator]
    def _func_fill(self, template: Any, words: Mapping[str, Any]) -> Any:
        """The template with each text `$name` replaced by the word of that name, whatever its type is."""
        return _filled(template, words)


MISFITS = (exceptions.JMESPathError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What an expression comes to grief with over values that it was not written for: no answer may be more than that."""

OWN_MISFITS = (*MISFITS, AttributeError, AssertionError, OSError, RuntimeError)


class Language:
    """JMESPath's functions, ours, and an operator's own by their names: Python, where expressions do not reach."""

    def __init__(self, own: Mapping[str, Callable[..., Any]] = MappingProxyType({})) -> None:
        made: Any = type("Own", (Functions,), {f"_func_{name}": _adopted(name, each) for name, each in own.items()})
        self.functions = functions.Functions.FUNCTION_TABLE | Functions.FUNCTION_TABLE | made.FUNCTION_TABLE
        self.options = jmespath.Options(custom_functions=made())


LANGUAGE = Language()


class Expression:
    """Asks a question of the words: `answer.data.task_id`, `nearest(duration_s, [5, 10])`, `{text: prompt}`."""

    def __init__(self, text: str, language: Language = LANGUAGE) -> None:
        self.text = text
        self._options = language.options
        try:
            self._compiled = jmespath.compile(text)
            _check(self._compiled.parsed, language.functions)
        except exceptions.JMESPathError as error:
            raise LanguageError(f"cannot be read: {_first_line(error)}") from None
        except RecursionError:
            raise LanguageError("cannot be read: it is nested too deeply") from None

    def __call__(self, words: Mapping[str, Any]) -> Any:
        try:
            return self._compiled.search(words, options=self._options)
        except MISFITS as error:
            raise LanguageError(f"'{self.text}' does not fit: {_misfit(error)}") from None


class Template:
    """A text with expressions in braces, such as `/v1/tasks/{id}`. `quotes` writes their values for a URL's path, but
    for one that stands at the very beginning."""

    def __init__(self, text: str, language: Language = LANGUAGE, *, quotes: bool = False) -> None:
        self.text = text
        self._quotes = quotes
        pieces = PLACEHOLDER.split(text)
        self._pieces: list[str | Expression] = [
            Expression(piece, language) if index % 2 else piece for index, piece in enumerate(pieces)
        ]

    def __call__(self, words: Mapping[str, Any]) -> str:
        text = ""
        for piece in self._pieces:
            text += piece if isinstance(piece, str) else self._value(piece, words, quotes=self._quotes and text != "")
        return text

    def _value(self, expression: Expression, words: Mapping[str, Any], *, quotes: bool) -> str:
        value = expression(words)
        if value is None or isinstance(value, Mapping | list | Medium):
            raise LanguageError(f"'{{{expression.text}}}' in '{self.text}' is no text here")
        text = str(value)
        if not quotes:
            return text
        # An upstream's own id goes into the path of the next call: it must not walk out of it.
        if not {".", ".."}.isdisjoint(text.split("/")):
            raise LanguageError(f"'{{{expression.text}}}' in '{self.text}' leads out of its path")
        return quote(text, safe="/:@")


class Url(Template):
    """The URL of a call: a path under the base URL, or a whole URL that an answer has told, as it is."""

    def __init__(self, text: str, language: Language = LANGUAGE) -> None:
        super().__init__(text, language, quotes=True)


def holds(value: Any) -> bool:
    """JMESPath's own truth: null, false, and what is empty do not hold; a number does, even zero."""
    return value is not None and value is not False and value != "" and value != [] and value != {}


def without_nulls(value: Any) -> Any:
    """A body as it is sent: what is null is left out. Raises `LanguageError` for a medium that nothing was made of."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    if isinstance(value, Medium):
        raise LanguageError("a medium needs url(), data_uri(), base64() or file() around it")
    return value


def _medium(value: Any) -> Medium:
    if not isinstance(value, Medium):
        raise TypeError(f"a medium is wanted (image, video, ...), and this is {type(value).__name__}")
    return value


def _replaced(value: Any, replace: Callable[[Medium], Any]) -> Any:
    if isinstance(value, Medium):
        return replace(value)
    if isinstance(value, dict):
        return {key: _replaced(item, replace) for key, item in value.items()}
    return [_replaced(item, replace) for item in value] if isinstance(value, list) else value


def _filled(template: Any, words: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        return {key: _filled(item, words) for key, item in template.items()}
    if isinstance(template, list):
        return [_filled(item, words) for item in template]
    if isinstance(template, str) and template.startswith("$"):
        if template[1:] not in words:
            raise TypeError(f"the template wants '{template}', and there is no such word")
        return words[template[1:]]
    return template


def _misfit(error: Exception) -> str:
    """In words without the values: they may be a caller's, or a key that an upstream has echoed."""
    if isinstance(error, exceptions.JMESPathTypeError):
        return f"{error.function_name}() takes {' or '.join(error.expected_types)}, and has {error.actual_type}"
    return _first_line(error) if type(error) is TypeError else type(error).__name__


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _adopted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """An operator's function as the library wants one. Whatever it raises is that it does not fit."""

    def call(_: object, *given: Any) -> Any:
        try:
            return function(*given)
        except OWN_MISFITS as error:
            raise TypeError(f"{name}() raised {type(error).__name__}") from error

    taken: list[dict[str, list[str]]] = [{"types": []} for _ in inspect.signature(function).parameters]
    adopted: Callable[..., Any] = functions.signature(*taken)(call)
    return adopted


def _check(tree: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Every function exists and has its arguments, every word at the root is one of ours."""
    for call in _calls(tree):
        name, given = call["value"], len(call["children"])
        if name not in known:
            raise LanguageError(f"there is no function '{name}'; there are {', '.join(sorted(known))}")
        signature = known[name]["signature"]
        is_open = bool(signature) and signature[-1].get("variadic", False)
        if given < len(signature) or (given > len(signature) and not is_open):
            raise LanguageError(f"'{name}' takes {len(signature)} arguments, and has {given}")
    if _negates_a_part(tree):
        raise LanguageError("'!a.b' is the b of '!a', which is nothing; write '!(a.b)'")
    for word in _roots(tree):
        if word not in WORDS:
            raise LanguageError(f"there is no word '{word}'; there are {', '.join(sorted(WORDS))}")


def _negates_a_part(tree: Mapping[str, Any]) -> bool:
    children = _children(tree)
    if tree["type"] in RELATIVE and children and children[0]["type"] == "not_expression":
        return True
    return any(map(_negates_a_part, children))


def _calls(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if tree["type"] == "function_expression":
        yield tree
    for child in _children(tree):
        yield from _calls(child)


RELATIVE = ("subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection")
"""What looks at its first part from where it stands, and at the others from what that has found."""


def _roots(tree: Mapping[str, Any]) -> Iterator[str]:
    """The fields that are looked up in the words themselves."""
    if tree["type"] == "field":
        yield tree["value"]
        return
    children = _children(tree)
    if tree["type"] == "expref":
        return
    for child in children[:1] if tree["type"] in RELATIVE else children:
        yield from _roots(child)


def _children(tree: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [child for child in tree["children"] if isinstance(child, dict)]
