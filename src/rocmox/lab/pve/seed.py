"""Give a fresh node its root@pam password: `python -m rocmox.lab.pve.seed` reads it from standard input."""

from __future__ import annotations

import sys

from rocmox.lab.pve.access import store
from rocmox.lab.pve.node import Node


def main() -> int:
    """Read one line, store its hash."""
    store.seed(Node(), root_password=sys.stdin.readline().rstrip("\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
