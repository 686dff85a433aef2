"""The way into a machine: SSH through QEMU's port on 127.0.0.1, with the machine's own host key."""

from __future__ import annotations

import time
from pathlib import Path

from rocmox.errors import MachineError
from rocmox.machine.ssh import SshMachine

BOOT_SECONDS = 900  # half a minute on a quiet computer; emulation on a busy one takes its time
_PAUSE_SECONDS = 0.5


def ssh_options(port: int, private_key: Path, known_hosts: Path) -> tuple[str, ...]:
    """Words for ssh that reach this machine and no other."""
    known = ("-o", f"UserKnownHostsFile={known_hosts}", "-o", "IdentitiesOnly=yes")
    return ("-p", str(port), "-i", str(private_key), *known)


def ssh_machine(port: int, private_key: Path, known_hosts: Path) -> SshMachine:
    """Root of the machine behind the port."""
    return SshMachine("root@127.0.0.1", options=ssh_options(port, private_key, known_hosts))


def write_known_hosts(path: Path, *, port: int, host_public_key: str) -> None:
    """Let the machine's key be the only one that is accepted behind the port."""
    path.write_text(f"[127.0.0.1]:{port} {host_public_key}")


def boot_id(machine: SshMachine) -> str:
    """Changes with every boot (random(4)); MachineError while nobody answers."""
    return machine.run(["cat", "/proc/sys/kernel/random/boot_id"], timeout_seconds=15).check().stdout.strip()


def wait_until_up(
    machine: SshMachine, console: Path, *, not_boot: str = "", timeout_seconds: float = BOOT_SECONDS
) -> str:
    """Wait until systemd has settled (`running`, `degraded`), in another boot than `not_boot`; returns its word.

    MachineError with the console's last lines when it takes longer.
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        try:
            if boot_id(machine) != not_boot:
                word = machine.run(["systemctl", "is-system-running", "--wait"], timeout_seconds=timeout_seconds)
                if word.stdout.strip() in {"running", "degraded"}:
                    return word.stdout.strip()
        except MachineError:
            pass
        time.sleep(_PAUSE_SECONDS)
    raise MachineError(
        f"the machine did not come up within {timeout_seconds:g} s",
        remedy=f"{console} has its console; it ends with: {last_lines(console)}",
    )


def last_lines(console: Path, count: int = 5) -> str:
    """The console's end, on one line."""
    text = console.read_text(errors="replace") if console.exists() else "(nothing)"
    return " | ".join(line.strip() for line in text.splitlines()[-count:])
