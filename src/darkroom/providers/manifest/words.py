"""The object that a manifest's expressions are asked about: what is wanted, in our words, and what has come back."""

from collections.abc import Mapping
from copy import deepcopy
from math import gcd
from pathlib import Path
from typing import Any

from darkroom.brief import Brief, Role
from darkroom.ports import Work
from darkroom.providers.client import Answer
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.language import LanguageError, Medium
from darkroom.providers.manifest.routing import route_of

Words = dict[str, Any]

ONE = {
    Role.IMAGE: "image",
    Role.LAST_IMAGE: "last_image",
    Role.VIDEO: "video",
    Role.AUDIO: "audio",
    Role.PERSON: "person",
    Role.GARMENT: "garment",
}
SAME = (
    *(
        "prompt",
        "negative_prompt",
        "lyrics",
        "seed",
        "count",
        "width",
        "height",
        "duration_s",
        "fps",
        "format",
        "voice",
    ),
    *("language", "speed", "scale", "start_s", "end_s", "loop", "prepend", "with_audio", "keep_audio", "instrumental"),
)
EMPTY_IS_NULL = ("prompt", "negative_prompt", "lyrics", "format", "voice", "language")


def words_of(work: Work, manifest: Manifest) -> Words:
    brief = work.brief
    words: Words = {name: getattr(brief, name) for name in SAME}
    for name in EMPTY_IS_NULL:
        words[name] = words[name] or None
    # A whole number of seconds is written as one: upstreams that want 5 refuse 5.0.
    if brief.duration_s is not None and brief.duration_s == int(brief.duration_s):
        words["duration_s"] = int(brief.duration_s)
    words = {
        **words,
        **_media(brief, work.links),
        "task": brief.task.value,
        "modality": brief.modality.value,
        "size": _told(work, "size") or _size(brief),
        "resolution": _told(work, "resolution") or _resolution(brief),
        "aspect_ratio": _told(work, "aspect_ratio") or _aspect_ratio(brief),
        "inputs": _inputs(work),
        "reference": work.reference,
        "model": work.upstream,
        "callback_url": work.callback_url,
        "options": _options(manifest, work),
        "templates": manifest.templates,
        **dict.fromkeys(("before", "answer", "http", "id", "kept", "item")),
    }
    return {**words, "words": _own(words, manifest)} if manifest.words else words


def with_answer(words: Words, answer: Answer) -> Words:
    return {**words, "answer": answer.value, "http": {"status": answer.status, "headers": dict(answer.headers)}}


def _own(words: Words, manifest: Manifest) -> Words:
    own: Words = {}
    words = {**words, "words": own}
    for name, expression in manifest.words.items():
        try:
            own[name] = expression(words)
        except LanguageError:
            own[name] = None  # about something that was not given
    return own


def _inputs(work: Work) -> Words:
    """The model's own inputs, with each medium where its name stood."""
    inputs: Words = deepcopy(dict(work.inputs)) if work.media else dict(work.inputs)
    for field, (path, *_) in work.media.items():
        *parents, last = field.split(".")
        place: Any = inputs
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[int(last) if isinstance(place, list) else last] = Medium(path, work.links.get(path))
    return inputs


def _media(brief: Brief, links: Mapping[Path, str]) -> Words:
    media: Words = dict.fromkeys(ONE.values())
    for role, name in ONE.items():
        paths = brief.media.get(role, ())
        if paths:
            media[name] = Medium(paths[0], links.get(paths[0]))
    # Of several pictures to change, all but the first are to borrow from.
    references = (*brief.media.get(Role.IMAGE, ())[1:], *brief.media.get(Role.REFERENCE, ()))
    media["references"] = [Medium(path, links.get(path)) for path in references]
    return media


def _told(work: Work, name: str) -> str | None:
    value = work.words.get(name)
    return str(value) if value else None


def _size(brief: Brief) -> str | None:
    return f"{brief.width}x{brief.height}" if brief.width and brief.height else None


def _resolution(brief: Brief) -> str | None:
    return f"{min(brief.width, brief.height)}p" if brief.width and brief.height else None


def _aspect_ratio(brief: Brief) -> str | None:
    if not brief.width or not brief.height:
        return None
    common = gcd(brief.width, brief.height)
    return f"{brief.width // common}:{brief.height // common}"


def _options(manifest: Manifest, work: Work) -> Words:
    route = route_of(manifest.form, work.brief.model, work.upstream)
    return {**manifest.form.options, **(route.options if route else {})}
