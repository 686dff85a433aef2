"""The parameter tables of one PVE version and the way from a path to its method."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

INDEXED = re.compile(r"^([a-z]+)(\d+)$")
# How many of each indexed parameter PVE knows (PVE::LXC::Config: MAX_DEVICES, MAX_MOUNT_POINTS, MAX_LXC_NETWORKS …).
INDEX_LIMITS = {"dev": 256, "mp": 256, "net": 32, "unused": 256, "link": 8, "acmedomain": 6}
# The top of the tree stands in no dump.
EXTRA: dict[str, dict[str, Any]] = {
    "GET /": {"parameters": {"additionalProperties": 0, "properties": {}}, "permissions": {"user": "all"}}
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """One verb on one path, as PVE's own schema describes it."""

    verb: str
    path: str
    table: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """Parameter name (an indexed one as `net[n]`) → its description."""
        properties: Mapping[str, Mapping[str, Any]] = self.table.get("parameters", {}).get("properties", {})
        return properties

    @property
    def on_node(self) -> bool:
        """Whether the call is forwarded to the node named in the path."""
        return self.table.get("proxyto") == "node"

    def property_of(self, name: str) -> Mapping[str, Any] | None:
        """The description of a parameter, `net0` found under `net[n]`; None when there is none."""
        found = self.properties.get(name)
        if found is not None:
            return found
        match = INDEXED.match(name)
        if match and (match[2] == "0" or not match[2].startswith("0")):
            base, number = match[1], int(match[2])
            if number < INDEX_LIMITS.get(base, 256):
                return self.properties.get(f"{base}[n]")
        return None


class Schema:
    """All methods of one version."""

    def __init__(self, version: str) -> None:
        text = resources.files(__package__).joinpath(f"{version}.json").read_text(encoding="utf-8")
        self.version = version
        self._methods: dict[str, dict[str, Any]] = {**EXTRA, **json.loads(text)}
        self._paths: dict[int, list[tuple[str, ...]]] = {}
        for path in sorted({name.split(" ", 1)[1] for name in self._methods}):
            parts = tuple(part for part in path.split("/") if part)
            self._paths.setdefault(len(parts), []).append(parts)

    def method(self, verb: str, path: str) -> Method | None:
        """The method under its template path, `/nodes/{node}/lxc`."""
        table = self._methods.get(f"{verb} {path}")
        return Method(verb=verb, path=path, table=table) if table is not None else None

    def find(self, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """The method a real path leads to, with the parameters found in it."""
        template, parameters = self.match(path)
        if template is None:
            return None
        method = self.method(verb, template)
        return (method, parameters) if method else None

    def match(self, path: str) -> tuple[str | None, dict[str, str]]:
        """The template of a real path (literal names win over placeholders) and what the placeholders hold."""
        parts = tuple(part for part in path.split("/") if part)
        best: tuple[int, tuple[str, ...]] | None = None
        for template in self._paths.get(len(parts), []):
            literal = _score(template, parts)
            if literal is not None and (best is None or literal > best[0]):
                best = (literal, template)
        if best is None and len(parts) > 6 and parts[4:5] == ("content",):  # noqa: PLR2004 - /nodes/N/storage/S/content/V
            parts = (*parts[:5], "/".join(parts[5:]))
            return self.match_parts(parts)
        if best is None:
            return None, {}
        return "/" + "/".join(best[1]), _placeholders(best[1], parts)

    def match_parts(self, parts: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
        """As `match`, for a path already cut, whose parts may hold slashes."""
        for template in self._paths.get(len(parts), []):
            if _score(template, parts) is not None:
                return "/" + "/".join(template), _placeholders(template, parts)
        return None, {}

    def verbs(self, template: str) -> set[str]:
        """HTTP methods of a template path."""
        return {name.split(" ", 1)[0] for name in self._methods if name.split(" ", 1)[1] == template}

    def children(self, template: str) -> list[str]:
        """Template paths one level below."""
        depth = len([part for part in template.split("/") if part])
        prefix = template.rstrip("/") + "/"
        found = {
            "/" + "/".join(parts[: depth + 1]) for parts in self._all() if ("/" + "/".join(parts)).startswith(prefix)
        }
        return sorted(found)

    def _all(self) -> list[tuple[str, ...]]:
        return [parts for group in self._paths.values() for parts in group]


def _score(template: tuple[str, ...], parts: tuple[str, ...]) -> int | None:
    literal = 0
    for expected, part in zip(template, parts, strict=True):
        if expected == part:
            literal += 1
        elif not expected.startswith("{"):
            return None
    return literal


def _placeholders(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str]:
    return {name[1:-1]: part for name, part in zip(template, parts, strict=True) if name.startswith("{")}


@functools.lru_cache(maxsize=4)
def load(version: str) -> Schema:
    """The tables of `8.4` or `9.2`, read once."""
    return Schema(version)
