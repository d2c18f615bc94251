"""One AI model: what it can do, what it takes, what it costs, and who carries it out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from darkroom.brief import Brief, Modality, Role, Task
from darkroom.catalogue.accept import Checker
from darkroom.catalogue.form import read_form
from darkroom.catalogue.frame import Size, frame
from darkroom.catalogue.media import MediaInput, is_before, media_in
from darkroom.catalogue.price import Price
from darkroom.catalogue.tasks import task_for
from darkroom.catalogue.words import Words, read, seconds
from darkroom.credits import Credits

SAME_IN_BRIEF = (
    *("prompt", "negative_prompt", "lyrics", "seed", "count", "fps", "format", "voice", "language", "speed", "scale"),
    *("start_s", "end_s", "loop", "with_audio", "keep_audio", "instrumental", "prepend"),
)
"""The words that a brief takes as they are."""

SOURCES = (Role.IMAGE, Role.LAST_IMAGE, Role.VIDEO, Role.PERSON)
"""What lends its shape to the result where the caller asks for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a route's upstream takes of what its model offers, in a brief's words; an empty one takes everything."""

    tasks: tuple[Task, ...] = ()
    durations_s: tuple[float, ...] = ()
    longest_s: float | None = None
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()


EVERYTHING = Reach()


@dataclass(frozen=True, slots=True)
class Route:
    """A provider that runs the model, and its name for it. Of a model's routes in their order, `weight` is how often
    one is taken first, against the others' weights; one of weight 0 is taken when those before it are not available."""

    provider: str
    upstream: str
    weight: float = 1.0
    reach: Reach = EVERYTHING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """`names` are the wire names in each dialect, `extra` is what only a dialect asks for. `price_band` is the least
    and the most that one result can cost. `roles` are the inputs' meanings, `media` those of them that are media;
    `assumes` speaks where they are silent."""

    slug: str
    name: str
    maker: str
    modality: Modality
    tasks: tuple[Task, ...]
    description: str
    schema: Mapping[str, object]
    price: Price
    price_band: tuple[Credits, Credits]
    expected_wait_s: tuple[int, int]
    routes: tuple[Route, ...]
    names: Mapping[str, tuple[str, ...]]
    plan: str
    answers_at_once: bool
    source: Path
    extra: Mapping[str, object]
    roles: Mapping[str, str]
    media: Mapping[str, str]
    assumes: Words
    checker: Checker

    def read_form(self, fields: Mapping[str, object]) -> dict[str, object]:
        """A form's fields as the types that the schema asks for; what cannot be read is left for `accept` to refuse."""
        return read_form(fields, self._properties)

    def without_strangers(self, given: Mapping[str, object], may_drop: Sequence[str]) -> Mapping[str, object]:
        """What was given, less those of `may_drop` that this model has no input for."""
        strangers = [name for name in may_drop if name not in self._properties]
        return {name: value for name, value in given.items() if name not in strangers} if strangers else given

    def accept(self, given: Mapping[str, object]) -> dict[str, object]:
        """The caller's inputs, checked, with defaults filled in; raises `InvalidInput` with every problem."""
        return self.checker.accept(given)

    def draft(self, given: Mapping[str, object]) -> dict[str, object]:
        """As `accept`, for a price before everything is chosen: what is required may be missing."""
        return self.checker.draft(given)

    def quote(self, inputs: Mapping[str, object], words: Words | None = None) -> Credits:
        """The price of accepted inputs, of all their results together. `words` are theirs, where they are known."""
        return self.price.quote(inputs, self.words(inputs) if words is None else words)

    def words(self, inputs: Mapping[str, object]) -> Words:
        return {**self.assumes, **read(self.roles, inputs)}

    def media_fields(self, inputs: Mapping[str, object]) -> list[MediaInput]:
        """Every medium that the caller gave, in the schema's order."""
        return media_in(self.media, self._properties, inputs)

    @property
    def _properties(self) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self.schema["properties"])

    def task_of(self, inputs: Mapping[str, object], words: Words | None = None) -> Task:
        """The task that accepted inputs ask for, by the media given and the form named."""
        return self._task(self.words(inputs) if words is None else words, self.media_fields(inputs))

    def _task(self, words: Words, given: Iterable[MediaInput]) -> Task:
        return task_for(self.tasks, frozenset(medium.role for medium in given), words.get("form", ""))

    def brief(
        self, inputs: Mapping[str, object], media: Mapping[str, tuple[Path, ...]], words: Words | None = None
    ) -> Brief:
        """Accepted inputs in our words; `media` are the local files of each of the `media_fields`. `words` are theirs,
        where they are known."""
        words = self.words(inputs) if words is None else dict(words)
        given = self.media_fields(inputs)
        task = self._task(words, given)
        width, height = self._size(task, words, given)
        if "span_s" in words:
            words["end_s"] = words.get("start_s", 0) + words["span_s"]
        if is_before(given):
            words["prepend"] = True
        return Brief(
            model=self.slug,
            task=task,
            modality=self.modality,
            width=width,
            height=height,
            duration_s=seconds(words),
            media=_by_role(given, media),
            **{name: words[name] for name in SAME_IN_BRIEF if name in words},
        )

    def _size(self, task: Task, words: Words, given: Iterable[MediaInput]) -> Size:
        # A new part of a video is as large as the old ones, whatever the model's defaults are.
        if task in (Task.EXTEND, Task.RETAKE) or self.modality not in (Modality.VIDEO, Modality.IMAGE):
            return None, None
        told = {name: words[name] for name in ("size", "resolution", "aspect_ratio") if name in words}
        return frame(self.modality, **told, has_source=any(medium.role in SOURCES for medium in given))


def _by_role(given: Iterable[MediaInput], media: Mapping[str, tuple[Path, ...]]) -> Mapping[Role, tuple[Path, ...]]:
    files: dict[Role, tuple[Path, ...]] = {}
    for medium in given:
        files[medium.role] = (*files.get(medium.role, ()), *media.get(medium.field, ()))
    return files
