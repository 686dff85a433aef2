"""Empty cgroups that an earlier life of a guest left, beside which LXC would not start (lxc-pve-prestart-hook)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from rocmox_lab.pve.runtime.layout import Layout


def remove(layout: Layout, vmid: int) -> None:
    """Remove the guest's cgroups; one that still holds a process stays and makes LXC say so."""
    for branch in ("lxc", "lxc.monitor"):
        top = layout.cgroup / branch / str(vmid)
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
