"""What lists and `status/current` say about a guest: numbers of the runtime with PVE's names and types."""

from __future__ import annotations

import os
from typing import Any

from rocmox_lab.pve.guests.config import GuestConfig
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeStatus

MIB = 1 << 20
# PVE 9 shows the guest's pressure stall information while it runs.
PRESSURES = ("pressurecpusome", "pressureiofull", "pressureiosome", "pressurememoryfull", "pressurememorysome")


def current(guests: Guests, vmid: int, config: GuestConfig | None = None) -> dict[str, Any]:
    """One guest, as PVE::LXC's vmstatus has it."""
    config = config or guests.files.load(vmid)
    status = guests.node.runtime.status(vmid)
    if "rootfs" not in config.values:
        return _bare(vmid, config)
    spec = guests.spec(vmid, _outline(config))
    maximum = spec.rootfs.size_bytes or 0
    entry: dict[str, Any] = {
        "vmid": vmid,
        "type": "lxc",
        "name": spec.hostname,
        "status": "running" if status.running else "stopped",
        "cpus": _cpus(spec),
        "maxmem": spec.memory_mib * MIB,
        "maxswap": spec.swap_mib * MIB,
        "maxdisk": maximum,
        **_counters(status),
    }
    if status.running and status.pid is not None:
        entry["pid"] = status.pid
    if status.running and guests.node.modern:
        entry.update(dict.fromkeys(PRESSURES, 0))
    for key in ("lock", "tags"):
        if key in config.values:
            entry[key] = config.values[key]
    if config.flag("template"):
        entry["template"] = 1
    return entry


def _outline(config: GuestConfig) -> GuestConfig:
    """The settings that lists show: PVE does not look at devices and networks here, so a bad one does no harm."""
    kept = {key: value for key, value in config.values.items() if not key.startswith(("dev", "net", "mp"))}
    outline = GuestConfig()
    outline.current.values = kept
    return outline


def _bare(vmid: int, config: GuestConfig) -> dict[str, Any]:
    """A guest that is being made: its file holds a lock and nothing else."""
    entry: dict[str, Any] = {
        "vmid": vmid,
        "type": "lxc",
        "name": config.values.get("hostname", f"CT{vmid}"),
        "status": "stopped",
        "cpus": os.cpu_count() or 1,
        "maxmem": 512 * MIB,
        "maxswap": 0,
        "maxdisk": 0,
        **_counters(RuntimeStatus(running=False)),
    }
    if "lock" in config.values:
        entry["lock"] = config.values["lock"]
    return entry


def _counters(status: RuntimeStatus) -> dict[str, Any]:
    return {
        "uptime": status.uptime_seconds,
        "cpu": status.cpu_fraction or 0,
        "mem": status.memory_bytes,
        "swap": status.swap_bytes,
        "disk": status.disk_used_bytes,
        "netin": status.network_in_bytes,
        "netout": status.network_out_bytes,
        "diskread": status.disk_read_bytes,
        "diskwrite": status.disk_write_bytes,
    }


def _cpus(spec: GuestSpec) -> int | float:
    if spec.cpulimit:
        return int(spec.cpulimit) if spec.cpulimit == int(spec.cpulimit) else spec.cpulimit
    return spec.cores or os.cpu_count() or 1


def resource(guests: Guests, vmid: int) -> dict[str, Any]:
    """The guest's line of `/cluster/resources`."""
    found = current(guests, vmid)
    entry = {
        "id": f"lxc/{vmid}",
        "node": guests.node.name,
        "template": found.get("template", 0),
        "maxcpu": found["cpus"],
        **{
            key: found[key]
            for key in (
                "type", "vmid", "name", "status", "uptime", "cpu", "mem", "maxmem", "disk", "maxdisk",
                "netin", "netout", "diskread", "diskwrite",
            )
        },
    }  # fmt: skip
    for key in ("tags", "lock"):
        if key in found:
            entry[key] = found[key]
    return entry
