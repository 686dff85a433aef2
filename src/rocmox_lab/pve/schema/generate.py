"""Make the parameter tables from PVE's own API dump: names, types, limits and permissions, never descriptions.

`python -m rocmox_lab.pve.schema.generate apischema-8.4.json 8.4.json` writes one line per method, so that a
difference between two versions is a readable difference of two files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KEPT = (
    "additionalProperties",
    "allowtoken",
    "check",
    "default",
    "default_key",
    "enum",
    "format",
    "items",
    "maximum",
    "maxLength",
    "minimum",
    "minLength",
    "name",
    "optional",
    "parameters",
    "pattern",
    "permissions",
    "properties",
    "protected",
    "proxyto",
    "type",
    "user",
)
# Children of these are names chosen by PVE, not schema words: all of them stay.
NAMED = ("properties",)


def strip(node: Any, *, names: bool = False) -> Any:
    """The same tree without any text written for people."""
    if isinstance(node, list):
        return [strip(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if not names and key not in KEPT:
            continue
        # A parameter may itself be called `format`; only the schema word holds the parts of a property string.
        holds_names = not names and (key in NAMED or (key == "format" and isinstance(value, dict)))
        kept[key] = strip(value, names=holds_names)
    default = kept.get("default")
    if isinstance(default, str) and " " in default and not names:
        del kept["default"]
    return kept


def strip_method(method: dict[str, Any]) -> dict[str, Any]:
    """One method: its parameters, who may call it, whether it returns anything, and its children."""
    kept: dict[str, Any] = strip(method)
    returns = method.get("returns") or {}
    kept["returns"] = returns.get("type", "null")
    return kept


def main(argv: list[str]) -> int:
    """Read the dump named first, write the table named second."""
    source, target = argv
    paths = json.loads(Path(source).read_text(encoding="utf-8"))["paths"]
    lines = [
        json.dumps(f"{verb} {path}") + ":" + json.dumps(strip_method(method), sort_keys=True, separators=(",", ":"))
        for path, methods in sorted(paths.items())
        for verb, method in sorted(methods.items())
    ]
    Path(target).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
