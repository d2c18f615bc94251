"""What is wrong in a model file, and the line that shows it."""

import re
from collections.abc import Sequence

Place = tuple[str | int, ...]
"""Where in a file: the keys from the outside in. A number is an entry of the file's `[[models]]`, from 0."""


class Fault(Exception):
    """Raised by whoever reads a part of a model; the loader knows the file, and makes it a `CatalogueError`."""

    def __init__(self, reason: str, *place: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place: Place = place

    def within(self, *outer: str | int) -> "Fault":
        return Fault(self.reason, *outer, *self.place)


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line, from 1, that best shows `place`: as far along it as its keys can be found, one after another. A number
    is an entry of the array of tables named before it, or of `[[models]]` where none is."""
    # A comment may well name the key that is missing below it.
    code = re.sub(r"(?m)^[ \t]*#.*$", lambda comment: " " * len(comment[0]), text)
    at, end = 0, len(code)
    array = "models"
    for key in place:
        if isinstance(key, int):
            starts = [match.start() for match in re.finditer(rf"(?m)^[ \t]*\[\[{re.escape(array)}\]\]", code)]
            at, end = (*starts, end)[key : key + 2] if key < len(starts) else (at, end)
        elif found := re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])").search(code, at, end):
            at, array = found.end(), key
    return text.count("\n", 0, at) + 1
