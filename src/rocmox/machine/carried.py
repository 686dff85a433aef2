"""A part of rocmox as one program text, for a machine where nothing may be installed: `python3 -I - < TEXT`.

`program("rocmox.facts.served_now", request)` is a program that calls `main(request)` of that module there and prints
what it returns as JSON. It holds the sources of the module and of everything of rocmox that it imports, so what travels
is what is tested here; all of it must get by with the standard library. `python3 -m rocmox.machine.carried MODULE`
prints such a program, with the request as JSON on standard input.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

_SOURCES = Path(__file__).resolve().parents[1]
_PACKAGE = "rocmox"
_START = """
import importlib.abc, importlib.util, json, sys
SOURCES, START, REQUEST = json.loads({carried!r})
class Carried(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name in SOURCES:
            return importlib.util.spec_from_loader(name, self, origin=name, is_package=SOURCES[name][0])
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__][1], module.__name__, "exec"), module.__dict__)
sys.meta_path.insert(0, Carried())
print(json.dumps(importlib.import_module(START).main(REQUEST)))
"""


def program(module: str, request: object) -> str:
    """The text of a program; the same sources and request give the same text."""
    sources = {name: (is_package, text) for name, is_package, text in _closure(module)}
    return _START.format(carried=json.dumps([dict(sorted(sources.items())), module, request]))


def _closure(module: str) -> Iterator[tuple[str, bool, str]]:
    """The module, the packages around it and what they import, each once: name, whether it is a package, source."""
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found = _file(name)
        if found is None:
            continue
        path, is_package = found
        text = path.read_text(encoding="utf-8")
        yield name, is_package, text
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += _imported(text)


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == _PACKAGE)


def _file(name: str) -> tuple[Path, bool] | None:
    """Where a module lies; None for a name inside a module."""
    place = _SOURCES.joinpath(*name.split(".")[1:])
    if (place / "__init__.py").is_file():
        return place / "__init__.py", True
    file = place.with_suffix(".py") if name != _PACKAGE else place / "__init__.py"
    return (file, False) if file.is_file() else None


if __name__ == "__main__":
    print(program(sys.argv[1], json.loads(sys.stdin.read() or "null")))
