"""Answers questions about files, one JSON line each, until standard input ends: runs alone, on any Python 3.

{"op": "read" | "list" | "exists" | "resolve", "path": ...} is answered by {"value": ...} or {"errno": ...}.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """One answer; an error of the kernel is its number."""
    operation, path = question["op"], question["path"]
    try:
        if operation == "read":
            with open(path, "rb") as stream:  # noqa: PTH123 - one module less to load on the machine under test
                return {"value": base64.b64encode(stream.read()).decode()}
        if operation == "list":
            return {"value": sorted(os.listdir(path))}  # noqa: PTH208
        if operation == "exists":
            return {"value": os.path.exists(path)}  # noqa: PTH110
        return {"value": os.path.realpath(path)}
    except OSError as error:
        return {"errno": error.errno or 0}


def main() -> None:
    """Say that it is ready, then answer."""
    print(json.dumps({"value": "ready"}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
