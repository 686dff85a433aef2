"""The lab's private mount namespace: pure cgroup2 as on Proxmox VE 8 and 9, and the node's overlay.

It lives as a bind-mounted namespace file (`unshare --mount=FILE`, `nsenter --mount=FILE`, namespaces(7)). The machine
sees neither the cgroup2 mount nor the overlay, and all of it goes when the file is unmounted and its last process ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from rocmox.machine import Completed, Machine
from rocmox_lab.settings import RUNTIME_DIRECTORY, LabPlaces

# An unshared namespace on a machine with v1 controllers shows them below /sys/fs/cgroup; they stay mounted outside.
_SET_UP = """
set -e
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mount -t overlay "$4" -o "lowerdir=$1,upperdir=$2,workdir=$3" "$5"
"""

_NUMBER_TOO_LOW = re.compile(r"/ns/mnt on \S+ failed: Invalid argument")

# Runs in a throw-away namespace: ends what is left of a container and removes its control groups.
_SWEEP_CGROUPS = """
set -e
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
for group in "/sys/fs/cgroup/lxc.monitor.$1" "/sys/fs/cgroup/lxc.payload.$1"; do
    [ -d "$group" ] || continue
    echo 1 >"$group/cgroup.kill"
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$group" ] || break
        sleep 0.2
    done
done
"""


def mount_points(machine: Machine) -> list[str]:
    """Every mount point of this process's namespace, oldest first (proc_pid_mountinfo(5), field 5)."""
    text = machine.read_bytes("/proc/self/mountinfo").decode(errors="replace")
    return [_unescape(line.split(" ")[4]) for line in text.splitlines() if line]


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), field)


def namespace_exists(machine: Machine, places: LabPlaces) -> bool:
    """Whether the namespace file holds a namespace (it is an empty file otherwise)."""
    return str(places.namespace_file) in mount_points(machine)


def create_namespace(machine: Machine, places: LabPlaces, *, lower: Path) -> None:
    """Make the namespace with the overlay mounted at `places.rootfs`; CommandError when the kernel refuses."""
    prepare_runtime_directory(machine)
    for directory in (places.upper, places.overlay_work, places.rootfs):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    places.namespace_file.touch(mode=0o600)
    command = [
        *("unshare", f"--mount={places.namespace_file}", "--propagation", "private", "sh", "-c", _SET_UP, "sh"),
        *(str(lower), str(places.upper), str(places.overlay_work), places.container, str(places.rootfs)),
    ]
    _run_on_a_fitting_processor(machine, command).check(
        remedy="`rocmox lab status` shows what is up; `rocmox lab down` and `rocmox lab up` start over."
    )


def _run_on_a_fitting_processor(machine: Machine, command: list[str]) -> Completed:
    """Run `unshare --mount=FILE`, on each processor in turn when the kernel refuses the file.

    The kernel holds a namespace in a file only when its number is above the caller's (`mnt_ns_loop`, fs/namespace.c).
    Linux 6.18 was seen to number by processor, so below a namespace made on another one the number may be lower.
    """
    done = machine.run(command)
    for processor in sorted(os.sched_getaffinity(0)):
        if not (done.exit_status and _NUMBER_TOO_LOW.search(done.stderr)):
            break
        done = machine.run(["taskset", "--cpu-list", str(processor), *command])
    return done


def prepare_runtime_directory(machine: Machine) -> None:
    """A private mount to hold namespace files: the kernel refuses them on a shared one (mount_namespaces(7))."""
    RUNTIME_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = str(RUNTIME_DIRECTORY)
    if directory not in mount_points(machine):
        machine.run(["mount", "--bind", directory, directory]).check()
        machine.run(["mount", "--make-private", directory]).check()


def remove_namespace(machine: Machine, places: LabPlaces) -> None:
    """Let go of the namespace; its mounts go with it once no process is left in it."""
    while namespace_exists(machine, places):
        machine.run(["umount", "--lazy", str(places.namespace_file)]).check()
    places.namespace_file.unlink(missing_ok=True)


def remove_runtime_directory(machine: Machine) -> None:
    """Undo `prepare_runtime_directory` when no lab is left."""
    directory = str(RUNTIME_DIRECTORY)
    while directory in mount_points(machine):
        machine.run(["umount", "--lazy", directory]).check()
    for path in (RUNTIME_DIRECTORY, RUNTIME_DIRECTORY.parent):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def sweep_cgroups(machine: Machine, container: str) -> None:
    """Kill whatever still runs in a container's control groups (cgroup.kill, Linux 5.14) and remove them."""
    machine.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", _SWEEP_CGROUPS, "sh", container]).check()


def run_in_namespace(
    machine: Machine,
    places: LabPlaces,
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    timeout_seconds: float = 60,
) -> Completed:
    """Run a command of this machine in the lab's mount namespace."""
    return machine.run(
        ["nsenter", f"--mount={places.namespace_file}", "--", *argv], stdin=stdin, timeout_seconds=timeout_seconds
    )
