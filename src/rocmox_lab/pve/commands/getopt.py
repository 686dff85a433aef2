"""Options as PVE's command line reads them (PVE::JSONSchema's get_options over Getopt::Long).

`-memory 512`, `--memory 512` and `--memory=512` are the same; a boolean may stand without a value; options and
arguments mix until `--`; everything behind it is an argument.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_OPTION = re.compile(r"^--?(?P<name>[A-Za-z][A-Za-z0-9\-_]*)(?:=(?P<value>.*))?$", re.DOTALL)
_TRUE = {"1", "on", "yes", "true"}
_FALSE = {"0", "off", "no", "false"}


class UnknownOptionError(Exception):
    """An option nobody knows, or one without its value; `line` is what Getopt::Long prints."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """A command line taken apart."""

    arguments: list[str]
    options: dict[str, Any]


def parse(words: Sequence[str], known: Callable[[str], Mapping[str, Any] | None]) -> Words:
    """Arguments and options; `known` gives an option's schema entry, None for one that does not exist."""
    arguments: list[str] = []
    options: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments += rest
            break
        match = _OPTION.match(word)
        if match is None:
            arguments.append(word)
            continue
        entry = known(match["name"])
        if entry is None:
            raise UnknownOptionError(f"Unknown option: {match['name']}")
        options[match["name"]] = _value(match, entry, rest)
    return Words(arguments=arguments, options=options)


def _value(match: re.Match[str], entry: Mapping[str, Any], rest: list[str]) -> str:
    if entry.get("type") == "boolean":
        value = match["value"]
        if value is None and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        return "1" if value is None else _boolean(value)
    if match["value"] is not None:
        return match["value"]
    if not rest:
        raise UnknownOptionError(f"Option {match['name']} requires an argument")
    return rest.pop(0)


def _boolean(value: str) -> str:
    if value.lower() in _TRUE:
        return "1"
    return "0" if value.lower() in _FALSE else value
