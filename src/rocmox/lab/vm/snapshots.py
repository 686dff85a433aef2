"""Snapshots of a running machine, memory included: a later start goes on where it was, within seconds."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from rocmox.errors import MachineError, UsageError
from rocmox.lab.vm import lifecycle, qemu
from rocmox.lab.vm.places import MachinePlaces, require_state

_SAVE_SECONDS = 180
_PROMPT = b"(qemu) "
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def save(name: str, label: str) -> None:
    """Keep the machine as it is now, in its own disk; one of the same label is replaced."""
    require_state(name)
    if not _NAME.fullmatch(label):
        raise UsageError(f"{label!r} is no label of a snapshot", remedy="Use lower-case letters, digits and dashes.")
    answer = _monitor(MachinePlaces(name=name).pid_file, f"savevm {label}")
    if "Error" in answer:
        raise MachineError(f"machine {name}: no snapshot {label}: {answer}")


def restore(name: str, label: str) -> None:
    """Cut the machine's power and go on from the snapshot; what was written since is gone."""
    state = require_state(name)
    lifecycle.cut(name)
    lifecycle.power_on(state, further=("-loadvm", label))


def _monitor(pid_file: Path, command: str) -> str:
    """What QEMU's monitor answers; MachineError when the machine does not run."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SAVE_SECONDS)
        try:
            connection.connect(str(qemu.monitor_of(pid_file)))
            _until_prompt(connection)
            connection.sendall(command.encode() + b"\n")
            echoed = _until_prompt(connection)
        except OSError as error:
            raise MachineError(f"the machine's monitor does not answer: {error}") from error
    return "\n".join(line.strip() for line in echoed.splitlines()[1:])


def _until_prompt(connection: socket.socket) -> str:
    text = b""
    while not text.endswith(_PROMPT):
        part = connection.recv(4096)
        if not part:
            raise MachineError("the machine ended while its monitor was asked")
        text += part
    return text.removesuffix(_PROMPT).decode(errors="replace")
