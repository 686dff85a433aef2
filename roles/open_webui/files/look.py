"""What the role needs to know of the guest before it changes anything, as JSON. Standard library only."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

DESCRIPTOR = Path("/etc/rocmox/served/open_webui.json")


def nearest(path: Path) -> Path:
    """The path itself or the first folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def port_is_free(address: str, port: int) -> bool:
    """Whether this guest could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def own_address() -> str:
    """The guest's address in its network, or nothing; connecting a datagram socket only looks up the route (udp(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        try:
            end.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
        except OSError:
            return ""
        return str(end.getsockname()[0])


def active(unit: str) -> bool:
    """Whether systemd runs the unit."""
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def memory_mib() -> int:
    """The guest's own limit where lxcfs shows it (/proc/meminfo), else the machine's memory."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:")) >> 10


def started_at(unit: str) -> float:
    """Seconds since the epoch when the unit's process began; now, when it does not run."""
    argv = ["systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", unit]
    shown = subprocess.run(argv, check=False, stdout=subprocess.PIPE, text=True).stdout.strip()
    age = time.monotonic() - int(shown) / 1e6 if shown.isdecimal() and active(unit) else 0.0
    return time.time() - age


def stale(settings: Path, unit: str) -> bool:
    """Whether an interrupted run left settings that the running service has not read."""
    files = [*settings.glob("*.env"), Path("/etc/systemd/system") / unit]
    begun = started_at(unit)
    return any(path.stat().st_mtime > begun for path in files if path.exists())


def look(root: Path, settings: Path, state: Path, *, unit: str, address: str, port: int) -> dict[str, object]:
    """Python as [3, 11, 2]; sizes in MiB; releases that were installed completely; names of the files of settings."""
    link = root / "current"
    return {
        "python": list(sys.version_info[:3]),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "machine": platform.machine(),
        "address": own_address(),
        "disk_mib": shutil.disk_usage(nearest(root)).free >> 20,
        "memory_mib": memory_mib(),
        "releases": sorted(path.parent.name for path in (root / "venvs").glob("*/.complete")),
        "current": link.readlink().name if link.is_symlink() else "",
        "settings": sorted(path.name for path in settings.glob("*")),
        "stale": stale(settings, unit),
        "database": (state / "data" / "webui.db").exists(),
        "descriptor": DESCRIPTOR.read_text(encoding="utf-8") if DESCRIPTOR.exists() else "",
        "port_taken": not active(unit) and not port_is_free(address, port),
    }


if __name__ == "__main__":
    *folders, its_unit, its_address, its_port = sys.argv[1:]
    print(json.dumps(look(*map(Path, folders), unit=its_unit, address=its_address, port=int(its_port))))
