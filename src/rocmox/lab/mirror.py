"""What the lab's mirror holds: archives and wheels, fetched once into `ROCMOX_CACHE/mirror`."""

from __future__ import annotations

from pathlib import Path

from rocmox.lab.progress import Progress
from rocmox.machine import Machine


def ensure_mirror(machine: Machine, cache: Path, progress: Progress) -> None:
    """Fetch what is missing."""
    for name in ("sources", "wheels", "images/system", "ccache"):
        (cache / "mirror" / name).mkdir(mode=0o755, parents=True, exist_ok=True)
