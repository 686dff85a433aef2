"""`rules.seccomp`: the system calls a guest may not make (`PVE::LXC::make_seccomp_config`). Pure."""

from __future__ import annotations

from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime_protocol import GuestSpec

_REFUSED = ("kexec_load", "open_by_handle_at", "init_module", "finit_module", "delete_module")
_EPERM, _ENOSYS = 1, 38


def render(guest: GuestSpec) -> str:
    """LXC's version 2 deny list; `keyctl` is hidden from unprivileged guests unless the feature is on."""
    lines = ["2", "denylist", "reject_force_umount", "[all]"]
    lines += [f"{call} errno {_EPERM}" for call in _REFUSED]
    if id_map_of(guest).ranges and guest.features.get("keyctl") != "1":
        lines.append(f"keyctl errno {_ENOSYS}")
    return "\n".join(lines) + "\n"
