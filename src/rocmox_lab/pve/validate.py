"""Parameters of a call against the method's table: jsonschema walks, PVE's words come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator, ValidationError, validators

from rocmox_lab.pve import properties, values
from rocmox_lab.pve.answers import BadParameterError
from rocmox_lab.pve.schema import Method

Errors = Iterator[ValidationError]


def _at(name: str, message: str) -> ValidationError:
    return ValidationError(message, path=[name])


def _required(_validator: Any, names: list[str], instance: Mapping[str, Any], _schema: Any) -> Errors:
    yield from (_at(name, properties.MISSING) for name in names if name not in instance)


def _additional(_validator: Any, allowed: bool, instance: Mapping[str, Any], schema: Any) -> Errors:  # noqa: FBT001
    if not allowed:
        yield from (_at(name, properties.UNKNOWN) for name in instance if name not in schema["properties"])


def _pve(_validator: Any, rule: Mapping[str, Any], instance: Any, _schema: Any) -> Errors:
    message = check_value(rule["name"], instance, rule["entry"])
    if message:
        yield ValidationError(message)


_extend: Any = validators.extend
_Validator: Any = _extend(Draft7Validator, {"required": _required, "additionalProperties": _additional, "pve": _pve})


def normalize(value: Any) -> Any:
    """A value as Perl holds it: text; true and false are 1 and 0; lists and objects stay for the type check."""
    if value is True or value is False:
        return str(int(value))
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return [normalize(entry) for entry in value]
    return value


def check_value(name: str, value: Any, entry: Mapping[str, Any]) -> str | None:
    """None, or PVE's message about one parameter."""
    if isinstance(value, dict):
        return f"type check ('{entry.get('type', 'string')}') failed - got HASH"
    if isinstance(value, list):
        if entry.get("type") != "array":
            return f"type check ('{entry.get('type', 'string')}') failed - got ARRAY"
        items = entry.get("items", {})
        return next((text for part in value if (text := check_value(name, part, items))), None)
    if value is None:
        return None
    inline = entry.get("format")
    if isinstance(inline, dict):
        problem = properties.check_format(inline, name, value)
        if problem:
            return f"invalid format - {problem}"
    return values.check(value, entry)


def check_parameters(method: Method, parameters: Mapping[str, Any]) -> None:
    """BadParameterError naming every bad, missing and unknown parameter of the call."""
    known = {name: entry for name in parameters if (entry := method.property_of(name)) is not None}
    schema = {
        "properties": {name: {"pve": {"name": name, "entry": entry}} for name, entry in known.items()},
        "required": [
            name for name, entry in method.properties.items() if not entry.get("optional") and not name.endswith("[n]")
        ],
        "additionalProperties": bool(method.table.get("parameters", {}).get("additionalProperties", 0)),
    }
    errors = {str(error.path[0]): error.message for error in _Validator(schema).iter_errors(dict(parameters))}
    if errors:
        raise BadParameterError(errors)
