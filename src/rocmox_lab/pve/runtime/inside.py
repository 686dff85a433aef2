"""Commands and files inside running guests (`pct exec`, `pct push`, `pct pull`)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import rocmox
from rocmox_lab.pve.runtime import liveness
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

_SIGNAL_BASE = 128


def execute(vmid: int, argv: Sequence[str], *, keep_environment: bool) -> int:
    """Run `lxc-attach` on the caller's own stdin, stdout and stderr; 128 + signal when the command was killed."""
    command = ["lxc-attach", "-n", str(vmid), *([] if keep_environment else ["--clear-env"]), "--", *argv]
    status = subprocess.run(command, check=False).returncode
    return _SIGNAL_BASE - status if status < 0 else status


def transfer(vmid: int, order: Mapping[str, str | int]) -> None:
    """Run one copy in a child, which may enter the guest's namespaces; RuntimeFailedError with its reason."""
    pid = liveness.init_pid(vmid)
    if pid is None:
        raise RuntimeFailedError(f"container '{vmid}' not running!")
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-m", "rocmox_lab.pve.runtime.transfer"],
        input=json.dumps({**order, "pid": pid}).encode(),
        capture_output=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin", "PYTHONPATH": str(Path(rocmox.__file__).parents[1])},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeFailedError(lines[-1] if lines else f"copying ended with exit status {done.returncode}")
