"""Starting and ending QEMU: hardware help where it works, plain emulation otherwise."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.vm import serve
from rocmox_lab.vm.places import REPOSITORIES_ADDRESS

MEMORY_MIB = 1536
PACKAGES = ("qemu-system-x86", "qemu-utils")
"""Debian's, for QEMU itself and for qemu-img."""
DISK_NODE = "disk"
"""What QMP calls the machine's disk."""
_DRIVE = f"if=virtio,cache=unsafe,discard=unmap,node-name={DISK_NODE}"
_PROBE_SECONDS = 5
_PROBE_SAYS = 33
_LOCKED = 'Failed to get "write" lock'
_GONE_SECONDS = 30
# 16-bit code of a boot sector: mov dx, 0xf4; mov al, 0x10; out dx, al; hlt. isa-debug-exit ends QEMU with 33.
_PROBE_SECTOR = bytes.fromhex("baf400b010eef4").ljust(510, b"\0") + b"\x55\xaa"


# Old on purpose: emulation is slower with what newer ones offer (`rep movsb` as memcpy, page tables of five levels).
_EMULATED_PROCESSOR = "Nehalem"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hardware:
    """What one start of QEMU gets."""

    disk: Path
    disk_format: str
    console: Path
    pid_file: Path
    ssh_port: int
    api_port: int
    repositories: Path
    stage_file: Path
    further: tuple[str, ...] = ()
    """Further options, such as a kernel to boot past the boot loader, or a snapshot to go on from."""


@cache
def accelerator() -> tuple[str, str]:
    """(accelerator, processor): KVM when a boot sector runs under it, not merely when /dev/kvm is there."""
    with tempfile.NamedTemporaryFile() as sector:
        sector.write(_PROBE_SECTOR)
        sector.flush()
        argv = [
            *("timeout", "--signal=KILL", str(_PROBE_SECONDS), "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host"),
            *("-nodefaults", "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
            *("-drive", f"file={sector.name},format=raw,if=floppy,read-only=on"),
        ]
        works = LocalMachine(root="/").run(argv, timeout_seconds=_PROBE_SECONDS * 2).exit_status == _PROBE_SAYS
    return ("kvm", "host") if works else ("tcg,thread=multi", _EMULATED_PROCESSOR)


def command(hardware: Hardware, way: tuple[str, str]) -> list[str]:
    """QEMU's command line.

    `cache=unsafe` lets the machine's flushes cost nothing; a killed QEMU loses what the machine had not flushed, as a
    power cut does.
    """
    network = (
        f"user,id=net,hostfwd=tcp:127.0.0.1:{hardware.ssh_port}-:22,hostfwd=tcp:127.0.0.1:{hardware.api_port}-:8006,"
        f"guestfwd=tcp:{REPOSITORIES_ADDRESS}:80-cmd:{sys.executable} -I -S {Path(serve.__file__)} "
        f"{hardware.repositories} {hardware.stage_file}"
    )
    accel, processor = way
    return [
        *("qemu-system-x86_64", "-accel", accel, "-cpu", processor, "-smp", "2", "-m", str(MEMORY_MIB)),
        *("-nodefaults", "-display", "none", "-vga", "none", "-daemonize", "-pidfile", str(hardware.pid_file)),
        *("-qmp", f"unix:{monitor_of(hardware.pid_file)},server=on,wait=off"),
        *("-chardev", f"file,id=console,path={hardware.console},append=on", "-serial", "chardev:console"),
        *("-drive", f"file={hardware.disk},format={hardware.disk_format},{_DRIVE}"),
        *("-netdev", network, "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
        *hardware.further,
    ]


def start(hardware: Hardware) -> None:
    """Power on; CommandError with QEMU's words when it does not start."""
    hardware.pid_file.unlink(missing_ok=True)
    remedy = f"{' and '.join(PACKAGES)} are the packages that `make test` installs for it."
    argv, deadline = command(hardware, accelerator()), time.monotonic() + _GONE_SECONDS
    done = LocalMachine(root="/").run(argv, timeout_seconds=30)
    while _LOCKED in done.stderr and time.monotonic() < deadline:
        time.sleep(0.5)  # a QEMU that was killed is on its way out, and the kernel frees its memory first
        done = LocalMachine(root="/").run(argv, timeout_seconds=30)
    done.check(remedy=remedy)


def monitor_of(pid_file: Path) -> Path:
    """The socket where QEMU speaks QMP."""
    return pid_file.with_suffix(".qmp")


def running_pid(pid_file: Path) -> int | None:
    """QEMU's process, None when it does not run (a pid that now belongs to something else is none)."""
    try:
        pid = int(pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(pid_file).encode() in words else None


def cut_power(pid_file: Path) -> bool:
    """Kill QEMU at once and wait until it is gone; True when it ran."""
    pid = running_pid(pid_file)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_SECONDS
    while not _ended(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return True


def _ended(pid: int) -> bool:
    """Whether a killed process has let go of its files, all threads of it: it loses its command line long before."""
    try:
        states = [task.read_text().rpartition(") ")[2] for task in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return not Path(f"/proc/{pid}").exists()
    return all(state.startswith(("Z", "X")) for state in states)


def wait_until_off(pid_file: Path, *, timeout_seconds: float) -> bool:
    """Whether QEMU has ended in time."""
    deadline = time.monotonic() + timeout_seconds
    while running_pid(pid_file) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_ports(count: int) -> Sequence[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
