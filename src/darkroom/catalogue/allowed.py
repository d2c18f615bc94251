"""What may stand at a place of a file, for whoever has written something else there."""

from collections.abc import Sequence
from typing import Any

from msgspec import inspect


def allowed(root: type, place: Sequence[str | int]) -> str:
    """The names or the values that the type knows there, in words; empty where any would do."""
    found: Any = inspect.type_info(root)
    for step in place:
        inner = _inside(found, step)
        if inner is None:
            names = _names(found)
            return f"there are {', '.join(sorted(names))}" if names else ""
        found = inner
    return _values(found)


def _inside(info: Any, step: str | int) -> Any:
    """The type of a part; None where there is no such part."""
    match info:
        case inspect.Metadata():
            return _inside(info.type, step)
        case inspect.StructType() | inspect.DataclassType():
            return next((field.type for field in info.fields if field.encode_name == step), None)
        case inspect.DictType():
            return info.value_type if step in _names(info) or not _names(info) else None
        case inspect.ListType() | inspect.VarTupleType():
            return info.item_type if isinstance(step, int) else _inside(info.item_type, step)
        case inspect.UnionType():
            return next(filter(None, (_inside(each, step) for each in info.types)), None)
    return None


def _names(info: Any) -> tuple[str, ...]:
    match info:
        case inspect.Metadata():
            return _names(info.type)
        case inspect.StructType() | inspect.DataclassType():
            return tuple(field.encode_name for field in info.fields)
        case inspect.DictType(key_type=inspect.LiteralType(values=values)):
            return tuple(map(str, values))
        case inspect.ListType() | inspect.VarTupleType():
            return _names(info.item_type)
        case inspect.UnionType():
            return tuple(name for each in info.types for name in _names(each))
    return ()


def _values(info: Any) -> str:
    match info:
        case inspect.Metadata():
            return (info.extra_json_schema or {}).get("description") or _values(info.type)
        case inspect.LiteralType():
            return f"it is one of {', '.join(str(value) or 'nothing' for value in info.values)}"
        case inspect.EnumType():
            return f"it is one of {', '.join(str(each.value) for each in info.cls)}"
        case inspect.ListType() | inspect.VarTupleType():
            return _values(info.item_type)
    return ""
