"""A machine's own kernel log, of this boot and of the one before.

journald keeps both; `dmesg` shows what the ring buffer still holds of this one; pstore keeps the last words of a kernel
that died (`/sys/fs/pstore`, moved by systemd-pstore to `/var/lib/systemd/pstore`). A constructed machine offers
`/dev/kmsg` and `/sys/fs/pstore` as plain files.
"""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError, CommandError
from rocmox.machine import is_constructed
from rocmox.machine.base import Machine

MOST_LINES = 20_000
_TIMEOUT_SECONDS = 30.0
_PSTORE = ("/sys/fs/pstore", "/var/lib/systemd/pstore")
_PERSISTENT = "/var/log/journal"
_DEVICE = "/dev/kmsg"
_PERSIST = "Keep the journal across boots: `mkdir -p /var/log/journal && systemctl restart systemd-journald`."


@dataclasses.dataclass(frozen=True, kw_only=True)
class BootLog:
    """The last lines of one boot's kernel log and where they come from."""

    text: bytes
    source: str


def read_this_boot(machine: Machine) -> BootLog | None:
    """CannotLookError when the kernel's messages are refused; None when a constructed machine offers none."""
    if is_constructed(machine) and (kept := _read_file(machine, _DEVICE)) is not None:
        return BootLog(text=kept, source=_DEVICE)
    journal = _run(machine, _journal(0))
    if journal:
        return BootLog(text=journal, source=" ".join(_journal(0)))
    ring = _run(machine, ["dmesg"])
    if ring:
        return BootLog(text=ring, source="dmesg")
    if is_constructed(machine):
        return None
    raise CannotLookError(
        "neither journald nor dmesg shows the kernel's messages", remedy="Run it as root on the node, not in a guest."
    )


def read_previous_boot(machine: Machine) -> BootLog | None:
    """CannotLookError when it was not kept; None when there was none, or a constructed machine offers none."""
    for folder in _PSTORE:
        if text := _read_pstore(machine, folder):
            return BootLog(text=text, source=folder)
    journal = _run(machine, _journal(-1))
    if journal:
        return BootLog(text=journal, source=" ".join(_journal(-1)))
    if is_constructed(machine) or machine.exists(_PERSISTENT):
        return None
    raise CannotLookError("the journal keeps no boot before this one", remedy=_PERSIST)


def _journal(boot: int) -> list[str]:
    output = ["--output=short-iso-precise", "--no-hostname", f"--lines={MOST_LINES}"]
    return ["journalctl", "--dmesg", f"--boot={boot}", "--no-pager", "--quiet", *output]


def _run(machine: Machine, argv: list[str]) -> bytes:
    """What the command wrote; nothing when it fails. A constructed machine runs nothing of its host."""
    if is_constructed(machine) and not getattr(machine, "replays", False):
        return b""
    try:
        done = machine.run(argv, timeout_seconds=_TIMEOUT_SECONDS, environment={"LC_ALL": "C"})
    except CommandError:
        return b""
    return b"" if done.exit_status else done.stdout.encode(errors="replace")


def _read_pstore(machine: Machine, folder: str) -> bytes:
    try:
        names = machine.list_directory(folder)
    except OSError:
        return b""
    parts = [_read_file(machine, f"{folder}/{name}") for name in names if name.startswith(("dmesg", "console"))]
    return b"\n".join(part for part in parts if part)


def _read_file(machine: Machine, path: str) -> bytes | None:
    try:
        return machine.read_bytes(path)
    except OSError:
        return None
