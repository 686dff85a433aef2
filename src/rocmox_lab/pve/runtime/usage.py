"""State and counters of a guest (`PVE::LXC::vmstatus`)."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from rocmox_lab.pve.runtime import guest_file, liveness
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import RuntimeStatus

_SECTOR_BYTES = 512
_LEAST_SAMPLE_SECONDS = 1.0


def status(vmid: int, layout: Layout) -> RuntimeStatus:
    """Everything the API shows; counters that this machine does not keep are 0."""
    pid = liveness.init_pid(vmid) if vmid in liveness.running_vmids(layout) else None
    if pid is None:
        return RuntimeStatus(running=False)
    read_bytes, written_bytes = _disk_traffic(pid)
    received_bytes, sent_bytes = _network_traffic(vmid)
    return RuntimeStatus(
        running=True,
        pid=pid,
        uptime_seconds=_uptime(pid),
        cpu_fraction=_load(vmid, layout),
        memory_bytes=_memory(layout.guest_cgroup(vmid)),
        swap_bytes=_number(layout.guest_cgroup(vmid) / "memory.swap.current") or 0,
        disk_used_bytes=_disk_used(pid),
        network_in_bytes=received_bytes,
        network_out_bytes=sent_bytes,
        disk_read_bytes=read_bytes,
        disk_write_bytes=written_bytes,
    )


def _uptime(pid: int) -> int:
    """Whole seconds since the guest's first process began (proc_pid_stat(5), field 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    started_seconds = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return max(0, int(time.clock_gettime(time.CLOCK_BOOTTIME) - started_seconds))


def _load(vmid: int, layout: Layout) -> float:
    """Share of the guest's cores in use since an earlier look at least a second ago."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        usage = _cpu_seconds(layout.guest_cgroup(vmid))
        now = time.monotonic()
        sample = layout.cpu_sample(vmid)
        old = json.loads(sample.read_text()) if sample.exists() else {"time": now, "usage": usage, "load": 0.0}
        if now - old["time"] < _LEAST_SAMPLE_SECONDS and sample.exists():
            return float(old["load"])
        elapsed = max(now - old["time"], _LEAST_SAMPLE_SECONDS)
        load = max(0.0, usage - old["usage"]) / elapsed / _cores(vmid, layout)
        sample.write_text(json.dumps({"time": now, "usage": usage, "load": load}))
        return load
    return 0.0


def _cpu_seconds(group: Path) -> float:
    lines = (group / "cpu.stat").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("usage_usec"))) / 1e6


def _cores(vmid: int, layout: Layout) -> int:
    return guest_file.load(layout.guest_file(vmid)).cores or os.cpu_count() or 1


def _memory(group: Path) -> int:
    """The controller's count, or the resident pages of every process where the machine has no such controller."""
    counted = _number(group / "memory.current")
    if counted is not None:
        return counted
    pages = 0
    for folder, _, _ in os.walk(group):  # passes over groups that go meanwhile, as those of short units do
        for pid in _words(Path(folder) / "cgroup.procs"):
            with contextlib.suppress(OSError, IndexError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _disk_used(pid: int) -> int:
    try:
        space = os.statvfs(f"/proc/{pid}/root")
    except OSError:
        return 0
    return (space.f_blocks - space.f_bfree) * space.f_frsize


def _disk_traffic(pid: int) -> tuple[int, int]:
    """Bytes read and written through the root file system's loop device (Documentation/block/stat.rst)."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        device = Path(f"/proc/{pid}/root").stat().st_dev
        fields = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()
        return int(fields[2]) * _SECTOR_BYTES, int(fields[6]) * _SECTOR_BYTES
    return 0, 0


def _network_traffic(vmid: int) -> tuple[int, int]:
    """What the node sends is what the guest receives."""
    totals = {"tx_bytes": 0, "rx_bytes": 0}
    for interface in Path("/sys/class/net").glob(f"veth{vmid}i*"):
        for name in totals:
            totals[name] += _number(interface / "statistics" / name) or 0
    return totals["tx_bytes"], totals["rx_bytes"]


def _number(path: Path) -> int | None:
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
