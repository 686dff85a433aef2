"""A template becomes a root file system (`PVE::LXC::Create::restore_tar_archive`, `PVE::LXC::Setup::post_create_hook`).

All of it happens in a child with mount and process namespaces of its own: whatever kills the caller ends the child and
its tar, and the image is unmounted and its loop device free again at that moment.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import rocmox
from rocmox_lab.pve.runtime import guest_file
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import CreateSpec, Detected, GuestSpec, Log, RuntimeFailedError

_ISOLATE = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
)


def unpack(guest: GuestSpec, create: CreateSpec, layout: Layout, log: Log) -> Detected:
    """Fill the guest's empty volumes from the template; lines of the child go into the task log as they come."""
    if not Path(create.archive).is_file():
        raise RuntimeFailedError(f"can't find file '{create.archive}'")
    layout.rootfs(guest.vmid).mkdir(mode=0o755, parents=True, exist_ok=True)
    layout.guest(guest.vmid).chmod(0o755)
    order = json.dumps({"guest": guest_file.to_json(guest), "create": dataclasses.asdict(create)})
    with subprocess.Popen(
        [*_ISOLATE, sys.executable, "-S", "-s", "-m", "rocmox_lab.pve.runtime.populate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(Path(rocmox.__file__).parents[1])},
    ) as child:
        detected, failure = _converse(child, order, log)
    if failure or child.returncode or detected is None:
        raise RuntimeFailedError(failure or f"unpacking ended with exit status {child.returncode}")
    return detected


def _converse(child: subprocess.Popen[str], order: str, log: Log) -> tuple[Detected | None, str]:
    """Hand over the order on stdin, pass on what is meant for the log; the result and the failure, if any."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeFailedError("unpacking has no pipes to its child")
    child.stdin.write(order)
    child.stdin.close()
    detected, failure = None, ""
    for line in child.stdout:
        kind, _, text = line.rstrip("\n").partition(" ")
        if kind == "LOG":
            log(text)
        elif kind == "DETECTED":
            detected = Detected(**json.loads(text))
        elif kind == "FAILED":
            failure = text
        elif line.strip():
            log(line.rstrip("\n"))
    return detected, failure
