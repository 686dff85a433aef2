"""Which guests run, and their processes (`PVE::LXC::list_active_containers`, `find_lxc_pid`)."""

from __future__ import annotations

import re
import time
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime.layout import Layout

_COMMAND_SOCKET = re.compile(r"@(?P<path>\S*)/(?P<vmid>\d+)/command$")
_POLL_SECONDS = 0.02


def running_vmids(layout: Layout, sockets: Path = Path("/proc/net/unix")) -> set[int]:
    """Guests whose monitor listens on its command socket; the table is this network namespace's, hence this node's."""
    found = set()
    for line in sockets.read_text().splitlines():
        match = _COMMAND_SOCKET.search(line)
        if match and match["path"] == str(layout.lxc):
            found.add(int(match["vmid"]))
    return found


def init_pid(vmid: int) -> int | None:
    """The guest's first process as the node sees it; None when there is none."""
    text = LocalMachine().run(["lxc-info", "-n", str(vmid), "-p", "-H"]).stdout.strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def monitor_pid(pid: int) -> int:
    """The monitor: parent of the guest's first process (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def wait_until_down(layout: Layout, vmid: int, *, timeout_seconds: float) -> bool:
    """Whether the monitor has gone before the time is over; only then are volumes and interfaces free again."""
    deadline = time.monotonic() + timeout_seconds
    while vmid in running_vmids(layout):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
