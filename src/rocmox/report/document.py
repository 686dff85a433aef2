"""JSON on standard output."""

from __future__ import annotations

import json
from typing import Any


def print_document(document: dict[str, Any]) -> None:
    """One JSON document, indented, keys in the order in which they were made, non-ASCII as it is."""
    print(json.dumps(document, indent=2, ensure_ascii=False))
