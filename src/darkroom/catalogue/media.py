"""The media that a caller gave: where among the inputs each one stands, and what it is for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from darkroom.brief import Role

Kind = Literal["image", "video", "audio"]

ROLES: Mapping[str, tuple[Role, Kind]] = {
    "image": (Role.IMAGE, "image"),
    "last_image": (Role.LAST_IMAGE, "image"),
    "reference": (Role.REFERENCE, "image"),
    "reference_video": (Role.REFERENCE, "video"),
    "video": (Role.VIDEO, "video"),
    "audio": (Role.AUDIO, "audio"),
    "person": (Role.PERSON, "image"),
    "garment": (Role.GARMENT, "image"),
}
"""Role of a field to what its media are for, and what kind they are where the caller does not say."""

KEYFRAMES = "keyframes"
"""A role of its own: what a keyframe is for depends on the other one."""

LINK = "uri"
"""The `format` of the texts in a schema that stand for a medium."""


@dataclass(frozen=True, slots=True)
class MediaInput:
    """`field` is the path of the text that names the medium, such as `keyframes.frame0.url` or `image_urls.1`; `source`
    is that text: a URL, a data URI, or `generation:ID` for the result of an earlier generation."""

    field: str
    role: Role
    kind: Kind
    source: str


def among(roles: Mapping[str, str]) -> dict[str, str]:
    """Of a model's inputs, by their roles, those that are media."""
    return {name: role for name, role in roles.items() if role in ROLES or role == KEYFRAMES}


def media_in(media: Mapping[str, str], properties: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[MediaInput]:
    """Every medium in accepted inputs, in the schema's order; `media` are the roles of those that may be there."""
    return [
        medium
        for name, role in media.items()
        if name in inputs
        for medium in _media_of(name, role, properties[name], inputs[name])
    ]


def _media_of(name: str, role: str, schema: Mapping[str, Any], value: Any) -> Iterator[MediaInput]:
    if role == KEYFRAMES:
        yield from _keyframes(name, schema, value)
        return
    purpose, usual_kind = ROLES[role]
    for path, source, kind in _links(schema, value, name):
        yield MediaInput(path, purpose, kind or usual_kind, source)


def _links(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[tuple[str, str, Kind | None]]:
    """Path, text and kind of every link in `value`: the texts that its schema calls so, at any depth."""
    if isinstance(value, str):
        if schema.get("format") == LINK:
            yield path, value, None
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _links(schema.get("items", schema), item, f"{path}.{number}")
    elif isinstance(value, dict):
        yield from _links_of_object(schema.get("properties", {}), value, path)


def _links_of_object(
    properties: Mapping[str, Any], value: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str, Kind | None]]:
    told = value.get("type")
    if told == "generation":
        yield f"{path}.id", f"generation:{value['id']}", "video"
        return
    # Runway's objects say beside the link whether it is a picture or a video.
    kind: Kind | None = "image" if told == "image" else "video" if told == "video" else None
    for name, schema in properties.items():
        if name in value:
            yield from (
                (where, source, kind or inner) for where, source, inner in _links(schema, value[name], f"{path}.{name}")
            )


def _keyframes(name: str, schema: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[MediaInput]:
    """Luma's two ends. An earlier generation at one end is a video to be continued; at both, they are the two ends."""
    found = {
        end: link
        for end in ("frame0", "frame1")
        if end in value
        for link in _links(schema["properties"][end], value[end], f"{name}.{end}")
    }
    generations = [end for end, (_, source, _) in found.items() if source.startswith("generation:")]
    for end, (path, source, kind) in found.items():
        is_continued = generations == [end]
        at_end = Role.IMAGE if end == "frame0" else Role.LAST_IMAGE
        yield MediaInput(path, Role.VIDEO if is_continued else at_end, kind or "image", source)


def is_before(media: Sequence[MediaInput]) -> bool:
    """A video at the last keyframe is continued backwards: the new part goes before it."""
    return any(medium.role is Role.VIDEO and medium.field.endswith(".frame1.id") for medium in media)
