"""One value against one schema entry, in the order and the words of PVE::JSONSchema's check_prop."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from rocmox_lab.pve import formats

TRUE_WORDS = {"1", "on", "yes", "true"}
FALSE_WORDS = {"0", "off", "no", "false"}
_INTEGER = re.compile(r"^[+-]?\d+$")
_NUMBER = re.compile(r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$")


@functools.lru_cache(maxsize=256)
def pattern(text: str) -> re.Pattern[str]:
    """A Perl pattern (`(?^:…)`) for whole values."""
    return re.compile("^(?:" + text.replace("(?^:", "(?:").replace("(?^i:", "(?i:") + ")$")


def check_type(value: str, wanted: str | None, *, loose_boolean: bool = False) -> str | None:
    """None when a text can be read as the type."""
    fits = {
        "integer": lambda: bool(_INTEGER.match(value)),
        "number": lambda: bool(_NUMBER.match(value)),
        "boolean": lambda: value in {"0", "1"} or (loose_boolean and value.lower() in TRUE_WORDS | FALSE_WORDS),
    }.get(wanted or "string")
    return None if fits is None or fits() else f"type check ('{wanted}') failed - got '{value}'"


def check(value: str, entry: Mapping[str, Any], *, loose_boolean: bool = False) -> str | None:
    """None, or PVE's message about one scalar value; inline formats are the caller's."""
    wrong_type = check_type(value, entry.get("type"), loose_boolean=loose_boolean)
    if wrong_type:
        return wrong_type
    named = entry.get("format")
    if isinstance(named, str):
        problem = formats.check(named, value)
        if problem:
            return f"invalid format - {problem}"
    return _check_limits(value, entry)


def _check_limits(value: str, entry: Mapping[str, Any]) -> str | None:
    problem = _check_text(value, entry) or _check_range(value, entry)
    if problem is None and "enum" in entry and value not in entry["enum"]:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(entry['enum'])}'"
    return problem


def _check_text(value: str, entry: Mapping[str, Any]) -> str | None:
    if "pattern" in entry and not pattern(entry["pattern"]).match(value):
        return "value does not match the regex pattern"
    if "maxLength" in entry and len(value) > int(entry["maxLength"]):
        return f"value may only be {entry['maxLength']} characters long"
    if "minLength" in entry and len(value) < int(entry["minLength"]):
        return f"value must be at least {entry['minLength']} characters long"
    return None


def _check_range(value: str, entry: Mapping[str, Any]) -> str | None:
    if not _NUMBER.match(value):
        return None
    if "maximum" in entry and float(value) > float(entry["maximum"]):
        return f"value must have a maximum value of {entry['maximum']}"
    if "minimum" in entry and float(value) < float(entry["minimum"]):
        return f"value must have a minimum value of {entry['minimum']}"
    return None


def is_true(value: str | None) -> bool:
    """A stored or sent boolean."""
    return value is not None and value.lower() in TRUE_WORDS
