"""The child of `inside.transfer`: copies one file between the node and a guest; order as JSON on stdin.

The guest's file is opened by a process that has entered the guest's user and mount namespaces and is the guest's root
there, so links in the guest lead nowhere else (`PVE::LXC::Namespaces::run_in_userns`).
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - whatever Python loads lazily must be here before the file system changes
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from rocmox_lab.pve.runtime import syscalls

_READY = b"+"


def push(order: dict[str, Any]) -> None:
    """Copy the node's `source` to the guest's `destination` with owner and mode."""
    with os.fdopen(_open(order["source"], "failed to open {} for reading"), "rb") as reading:
        enter(order["pid"])
        try:
            target = os.open(order["destination"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SystemExit(f"failed to create file: {order['destination']}: {error.strerror}") from error
        with os.fdopen(target, "wb") as writing:
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fchown(target, order["uid"], order["gid"])
            os.fchmod(target, order["mode"])


def pull(order: dict[str, Any]) -> None:
    """Copy the guest's `source` to the node's `destination`, which stays as it is when there is nothing to copy."""
    pipe, pipe_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(pipe)
        _send(order, pipe_end)
        return
    os.close(pipe_end)
    with os.fdopen(pipe, "rb") as reading:
        if reading.read(1) == _READY:
            with Path(order["destination"]).open("wb") as writing:
                shutil.copyfileobj(reading, writing)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(1)


def _send(order: dict[str, Any], pipe_end: int) -> None:
    enter(order["pid"])
    with os.fdopen(_open(order["source"], "failed to open {}: {}"), "rb") as reading, os.fdopen(pipe_end, "wb") as pipe:
        pipe.write(_READY)
        shutil.copyfileobj(reading, pipe)


def enter(pid: int) -> None:
    """Become root of the guest with this first process."""
    user, mounts = (os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("user", "mnt"))
    if not os.path.samestat(os.fstat(user), Path("/proc/self/ns/user").stat()):  # setns refuses one's own
        syscalls.enter_namespace(user, syscalls.CLONE_NEWUSER)
    syscalls.enter_namespace(mounts, syscalls.CLONE_NEWNS)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _open(path: str, message: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SystemExit(message.format(path, error.strerror)) from error


def main() -> None:
    """Carry out the order; the reason of a failure goes to stderr."""
    order = json.load(sys.stdin)
    {"push": push, "pull": pull}[order["action"]](order)


if __name__ == "__main__":
    main()
