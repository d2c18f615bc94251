"""Finds a path's routes in a tree of segments: the time does not grow with the number of routes, as a list's would."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from darkroom.wire import Dialect, Route


@dataclass(frozen=True, slots=True)
class Place:
    """A route, and the dialect it belongs to."""

    dialect: Dialect
    route: Route
    is_prefixed: bool


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    any_name: str = ""
    rest: "_Node | None" = None
    rest_name: str = ""
    places: dict[str, list[Place]] = field(default_factory=dict)


Match = tuple[Mapping[str, list[Place]], dict[str, str]]


class Router:
    """Every dialect's routes at their documented paths, and again under the dialect's name."""

    def __init__(self, dialects: Mapping[str, Dialect]) -> None:
        self._root = _Node()
        for name, dialect in dialects.items():
            for route in dialect.routes:
                self._add(route.path, Place(dialect, route, is_prefixed=False))
                self._add(f"/{name}{route.path}", Place(dialect, route, is_prefixed=True))

    def find(self, path: str) -> Match | None:
        """The places of a decoded path (as ASGI gives it) by method, and the values of its `{names}`."""
        return _find(self._root, path.split("/")[1:], 0, path)

    def _add(self, path: str, place: Place) -> None:
        node = self._root
        for segment in path.split("/")[1:]:
            if segment.endswith("...}"):
                node.rest = node.rest or _Node()
                node.rest_name = segment[1:-4]
                node = node.rest
            elif segment.startswith("{"):
                node.any = node.any or _Node()
                assert node.any_name in ("", segment[1:-1]), f"{path}: one place, two names"
                node.any_name = segment[1:-1]
                node = node.any
            else:
                node = node.children.setdefault(segment, _Node())
        node.places.setdefault(place.route.method, []).append(place)


def _find(node: _Node, segments: list[str], index: int, path: str) -> Match | None:
    if index == len(segments):
        return (node.places, {}) if node.places else None
    segment = segments[index]
    child = node.children.get(segment)
    if child is not None:
        found = _find(child, segments, index + 1, path)
        if found is not None:
            return found
    if node.any is not None and segment:
        found = _find(node.any, segments, index + 1, path)
        if found is not None:
            found[1][node.any_name] = segment
            return found
    if node.rest is not None and segment and node.rest.places:
        return node.rest.places, {node.rest_name: "/".join(segments[index:])}
    return None
