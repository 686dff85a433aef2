from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

TOOL = Path(__file__).parents[2] / "tools/check-types"


def load() -> Any:
    loader = importlib.machinery.SourceFileLoader("check_types", str(TOOL))
    spec = importlib.util.spec_from_file_location("check_types", TOOL, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_file_is_in_one_set_and_no_name_twice_in_any() -> None:
    files = [Path(name) for name in ("a/look.py", "b/look.py", "c/look.py", "a/run.py", "b/run.py", "d.py")]
    found = load().sets(files)
    assert [[str(file) for file in each] for each in found] == [
        ["a/look.py", "a/run.py", "d.py"],
        ["b/look.py", "b/run.py"],
        ["c/look.py"],
    ]


def test_the_rooms_outside_the_packages_are_covered() -> None:
    tool = load()
    assert set(tool.FOLDERS) == {"inventory", "molecule", "plugins", "roles"}
    assert list(tool.ROOT.glob(tool.GUEST_FILES))
