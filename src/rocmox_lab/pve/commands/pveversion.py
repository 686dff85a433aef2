"""`pveversion [-v]`: what is installed here."""

from __future__ import annotations

import os
import sys

from rocmox_lab.pve.node import VERSIONS, Node


def main(argv: list[str]) -> int:
    """One line, or with `-v` one line per package."""
    number, repository, _release = VERSIONS[Node().version]
    kernel = os.uname().release
    if argv and argv[0] in {"-v", "--verbose"}:
        print(f"proxmox-ve: {number} (running kernel: {kernel})")
        print(f"pve-manager: {number} (running version: {number}/{repository})")
        return 0
    print(f"pve-manager/{number}/{repository} (running kernel: {kernel})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
