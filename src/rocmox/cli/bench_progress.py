"""Where `rocmox bench` says how far it is."""

from __future__ import annotations

import sys


def tell(line: str) -> None:
    """A line on standard error, at once."""
    print(f"rocmox: {line}", file=sys.stderr, flush=True)
