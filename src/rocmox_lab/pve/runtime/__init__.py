"""Container runtime of the lab node: volumes, templates, LXC configuration, start, stop, and work inside guests.

What pve-container does below Proxmox VE's API (`PVE::LXC`, `PVE::LXC::Setup`, `lxc-pve-prestart-hook`), on real LXC.
Runs inside the node as root; standard library only.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from rocmox_lab.pve.runtime_protocol import GuestRuntime


def create_runtime(root: str = "/", pve_version: str = "8.4", gpu_root: str | None = None) -> GuestRuntime:
    """The runtime of this node; `root` prefixes the paths it writes (tests), everything else is the kernel's."""
    from rocmox_lab.pve.runtime.lxc_runtime import LxcRuntime  # noqa: PLC0415 - keeps `pct list` quick to start

    return LxcRuntime(root=root, pve_version=pve_version, gpu_root=gpu_root)
