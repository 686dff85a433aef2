"""Property strings, `name=eth0,bridge=vmbr0`: PVE::JSONSchema's parse_property_string and print_property_string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rocmox_lab.pve import formats, values

Format = Mapping[str, Mapping[str, Any]]

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"


class PropertyStringError(ValueError):
    """`message` for the whole, `errors` per key; `str()` is what PVE puts behind `invalid format - `."""

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.errors = dict(errors or {})

    def text(self, name: str) -> str:
        """All of it in PVE's wording, for the parameter `name`."""
        return self.message + "".join(f"{name}.{key}: {self.errors[key]}\n" for key in sorted(self.errors))


def default_key(description: Format) -> str | None:
    """The key whose name may be left out (`/dev/kfd` for `path=/dev/kfd`)."""
    return next((key for key, entry in description.items() if entry.get("default_key")), None)


def split(text: str, description: Format) -> dict[str, str]:
    """Keys and values, unchecked; PropertyStringError for a key given twice or a value nobody asked for."""
    result: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            named = default_key(description)
            if named is None:
                message = "value without key, but schema does not define a default key\n"
                raise PropertyStringError(message)
            key, value = named, part
        if key in result:
            message = f"duplicate key in comma-separated list property: {key}\n"
            raise PropertyStringError(message)
        result[key] = value
    return result


def parse(text: str, description: Format) -> dict[str, str]:
    """Keys and values, checked; PropertyStringError in PVE's words."""
    result = split(text, description)
    errors: dict[str, str] = {}
    for key, value in result.items():
        entry = description.get(key)
        error = UNKNOWN if entry is None else values.check(value, entry, loose_boolean=True)
        if error:
            errors[key] = error
    for key, entry in description.items():
        if not entry.get("optional") and key not in result:
            errors[key] = MISSING
    if errors:
        raise PropertyStringError("format error\n", errors)
    return result


def render(parsed: Mapping[str, str], description: Format) -> str:
    """The string as PVE prints it: default key bare and first, then required keys, then the rest by name."""
    bare = default_key(description)
    rest = sorted(key for key in parsed if key != bare)
    rest.sort(key=lambda key: bool(description.get(key, {}).get("optional")))
    parts = [parsed[bare]] if bare is not None and bare in parsed else []
    return ",".join([*parts, *(f"{key}={parsed[key]}" for key in rest)])


def check_format(description: Format, name: str, value: str) -> str | None:
    """None, or the message of an inline format behind `invalid format - `."""
    try:
        parse(value, description)
    except PropertyStringError as error:
        return error.text(name)
    return None


__all__ = ["Format", "PropertyStringError", "check_format", "default_key", "formats", "parse", "render", "split"]
