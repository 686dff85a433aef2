"""Who has a device open: runs alone, on any Python 3, standard library only.

The question is the first argument, in JSON: {"paths": ["/dev/kfd", …], "proc": "/proc"}.
Processes of others are seen by root alone; `blind` says how many could not be looked at.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import Any


def opened_by(process: pathlib.Path, paths: set[str]) -> list[str]:
    """Which of the paths a process has open, by its `/proc/PID/fd` links; PermissionError for a stranger's."""
    found = set()
    for descriptor in (process / "fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return sorted(found & paths)


def name_of(process: pathlib.Path) -> str | None:
    """The kernel's name of a process, None when it is gone or in another namespace."""
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return None


def main(question: dict[str, Any]) -> dict[str, Any]:
    """The holders by process id, and how many processes could not be looked at."""
    root, paths = pathlib.Path(question["proc"]), set(question["paths"])
    holders, blind = [], 0
    for process in root.iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            opened = opened_by(process, paths)
        except PermissionError:
            blind += 1
            continue
        except OSError:
            continue  # it has ended
        if opened:
            holders.append({"pid": int(process.name), "name": name_of(process), "paths": opened})
    return {"holders": sorted(holders, key=lambda entry: entry["pid"]), "blind": blind}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
