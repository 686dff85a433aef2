"""Where the runtime keeps what it writes on the node; the same places as on Proxmox VE where PVE has one."""

from __future__ import annotations

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Paths below `root` (`/` on a node)."""

    root: Path = Path("/")

    @property
    def lxc(self) -> Path:
        """LXC's default path: `lxc-attach -n VMID` finds guests here."""
        return self.root / "var/lib/lxc"

    def guest(self, vmid: int) -> Path:
        """One guest's folder."""
        return self.lxc / str(vmid)

    def lxc_config(self, vmid: int) -> Path:
        """LXC configuration, generated at every start."""
        return self.guest(vmid) / "config"

    def seccomp(self, vmid: int) -> Path:
        """System call rules, generated at every start."""
        return self.guest(vmid) / "rules.seccomp"

    def guest_file(self, vmid: int) -> Path:
        """What the hooks need of the guest's configuration, as JSON."""
        return self.guest(vmid) / "guest.json"

    def rootfs(self, vmid: int) -> Path:
        """Mount point of the root file system, empty for everyone but the container's monitor."""
        return self.guest(vmid) / "rootfs"

    def passthrough(self, vmid: int) -> Path:
        """Folder on which the pre-start hook mounts a small tmpfs with the device nodes."""
        return self.guest(vmid) / "passthrough"

    @property
    def run(self) -> Path:
        """Volatile state: logs of starts, processor samples."""
        return self.root / "run/rocmox-lab"

    def start_log(self, vmid: int) -> Path:
        """LXC's log of the latest start."""
        return self.run / f"ct-{vmid}.log"

    def warnings(self, vmid: int) -> Path:
        """Warnings of the pre-start hook, for the task log (PVE: /run/pve/ct-VMID.warnings)."""
        return self.run / f"ct-{vmid}.warnings"

    def failure(self, vmid: int) -> Path:
        """Why the pre-start hook refused, in PVE's words."""
        return self.run / f"ct-{vmid}.failure"

    def cpu_sample(self, vmid: int) -> Path:
        """Processor time at an earlier look, for the load since then."""
        return self.run / f"ct-{vmid}.cpu"

    @property
    def cgroup(self) -> Path:
        """The node's cgroup2."""
        return self.root / "sys/fs/cgroup"

    def guest_cgroup(self, vmid: int) -> Path:
        """The guest's cgroup (`lxc.cgroup.dir.container`)."""
        return self.cgroup / "lxc" / str(vmid)
