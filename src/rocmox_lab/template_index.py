"""What `pveam available` shows on a node: what its mirror holds, with the checksums PVE verifies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def template_index(templates: Path) -> str:
    """`aplinfo.json` for the node: name, system, version and SHA-512 of each template in the cache."""
    return json.dumps([_entry(path) for path in sorted(templates.glob("*.tar.zst"))], indent=2) + "\n"


def _entry(path: Path) -> dict[str, str]:
    package, version, _architecture = path.name.removesuffix(".tar.zst").split("_")
    with path.open("rb") as archive:
        sha512sum = hashlib.file_digest(archive, "sha512").hexdigest()
    return {
        "template": path.name,
        "os": package.rpartition("-")[0],
        "section": "system",
        "version": version,
        "sha512sum": sha512sum,
    }
