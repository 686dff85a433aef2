"""Memory and processor limits under cgroup2 (`PVE::LXC::update_lxc_config`, `PVE::CGroup`).

A machine may lack the controllers: the limits are accepted then and have no effect, which the system log says once.
"""

from __future__ import annotations

import contextlib
import syslog

from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import GuestSpec

_MIB = 1024**2
_CPU_PERIOD_MICROSECONDS = 100_000
_DEFAULT_CPU_WEIGHT = 100


def wanted(guest: GuestSpec) -> dict[str, str]:
    """cgroup2 keys and values for this guest."""
    memory = guest.memory_mib * _MIB
    values = {
        "memory.max": str(memory),
        "memory.high": str(memory * 1016 // 1024),
        "memory.swap.max": str(guest.swap_mib * _MIB),
        "cpu.weight": str(min(10000, max(1, guest.cpuunits or _DEFAULT_CPU_WEIGHT))),
        "cpu.max": "max",
    }
    if guest.cpulimit:
        values["cpu.max"] = f"{int(guest.cpulimit * _CPU_PERIOD_MICROSECONDS)} {_CPU_PERIOD_MICROSECONDS}"
    if guest.cores:
        values["cpuset.cpus"] = _first_cores(guest.cores)
    return values


def possible(guest: GuestSpec, layout: Layout) -> dict[str, str]:
    """Those of `wanted` whose controllers can be had for guests on this machine."""
    have = _delegated(layout)
    values = {key: value for key, value in wanted(guest).items() if key.split(".")[0] in have}
    if "cpu.max" in values and values["cpu.max"] == "max":
        del values["cpu.max"]
    if missing := {"memory", "cpu", "cpuset"} - have:
        _say_once(layout, missing)
    return values


def apply(guest: GuestSpec, layout: Layout) -> None:
    """Write the limits of a running guest."""
    group = layout.guest_cgroup(guest.vmid)
    for key, value in wanted(guest).items():
        if (group / key).exists():
            with contextlib.suppress(OSError):  # memory.max below what is in use now: the kernel reclaims later
                (group / key).write_text(value)


def _delegated(layout: Layout) -> set[str]:
    available = _words(layout, "cgroup.controllers")
    for name in available & {"memory", "cpu", "cpuset", "io", "pids"}:
        with contextlib.suppress(OSError):
            (layout.cgroup / "cgroup.subtree_control").write_text(f"+{name}")
    return _words(layout, "cgroup.subtree_control")


def _words(layout: Layout, name: str) -> set[str]:
    try:
        return set((layout.cgroup / name).read_text().split())
    except OSError:
        return set()


def _first_cores(count: int) -> str:
    return "0" if count == 1 else f"0-{count - 1}"


def _say_once(layout: Layout, missing: set[str]) -> None:
    mark = layout.run / "limits-without-effect"
    if mark.exists():
        return
    layout.run.mkdir(parents=True, exist_ok=True)
    mark.touch()
    names = ", ".join(sorted(missing))
    syslog.syslog(syslog.LOG_NOTICE, f"rocmox lab: limits have no effect here, this machine's cgroup2 lacks {names}")
