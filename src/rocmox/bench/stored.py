"""Dataclasses from JSON that anybody may have edited: a value has the type that its field says, or is refused."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


def read_as(kind: type[T], value: object, where: str = "run") -> T:
    """A dataclass and all that is in it; TypeError or ValueError that names the place."""
    made: T = _read(kind, value, where)
    return made


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_fields(kind, value, where)
    if origin in {types.UnionType, typing.Union}:
        if value is None and type(None) in arguments:
            return None
        return _read(next(one for one in arguments if one is not type(None)), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], one, f"{where}[{place}]") for place, one in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {
            _read(arguments[0], key, where): _read(arguments[1], one, f"{where}.{key}") for key, one in value.items()
        }
    return _read_scalar(kind, value, arguments, where)


def _read_scalar(kind: Any, value: Any, words: tuple[Any, ...], where: str) -> Any:
    if typing.get_origin(kind) is typing.Literal and isinstance(value, str) and value in words:
        return value
    if kind is float and type(value) in {int, float} and math.isfinite(value):
        return float(value)
    if kind in {int, str} and type(value) is kind:
        return value
    raise TypeError(f"{where} is {str(value)[:40]!r}")


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"{where} is {str(value)[:40]!r}")
    hints = typing.get_type_hints(kind)
    unknown = value.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{where} has {', '.join(sorted(map(str, unknown)))}, which this rocmox does not know")
    return kind(**{name: _read(hints[name], one, f"{where}.{name}") for name, one in value.items()})
