"""The stand-in for libamdhip64 in the node and in a guest, healthy or failing in one of its ways.

rocmox lab fault set hip vmid=101 mode=no-copy
ROCMOX_HIP_LIBRARY=/opt/rocmox-lab/libamdhip64.so rocmox p2p --machine ct://root@NODE/101
"""

from __future__ import annotations

import shlex
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.hip import LIBRARY, MODES, build, configure, device_words

_FOLDER = "hip"
_IN_NODE = f"/var/lib/rocmox-lab/{_FOLDER}"
_IN_GUEST = "/opt/rocmox-lab"
_FILES = (LIBRARY, f"{LIBRARY}.conf")


def apply(target: FaultTarget, values: Values) -> None:
    """Build it beside the node's cards, and copy it into the guest."""
    library = build(LocalMachine(root="/"), target.node_state / _FOLDER)
    configure(library, settings(target.gpu_tree, values))
    if values["vmid"]:
        _in_guest(target, values, f"mkdir -p {_IN_GUEST}")
        for name in _FILES:
            target.run(["pct", "push", str(values["vmid"]), f"{_IN_NODE}/{name}", f"{_IN_GUEST}/{name}"]).check()


def clear(target: FaultTarget, values: Values) -> None:
    """Take it out of the node and the guest; a guest that is gone or stopped has nothing that works."""
    for name in _FILES:
        (target.node_state / _FOLDER / name).unlink(missing_ok=True)
    if values["vmid"]:
        target.run(["pct", "exec", str(values["vmid"]), "--", "rm", "-rf", _IN_GUEST])


def settings(tree: Path, values: Values) -> str:
    """The words for the stand-in: its cards are those of the node."""
    words = [f"mode={values['mode']}", f"every={values['every']}", device_words(tree)]
    words += [f"{name}={values[name]}" for name in ("pairs", "at", "only") if values[name]]
    return " ".join(word for word in words if word)


def _in_guest(target: FaultTarget, values: Values, command: str) -> None:
    target.run(["pct", "exec", str(values["vmid"]), "--", *shlex.split(command)]).check()


FAULT = Fault(
    name="hip",
    summary="a stand-in for libamdhip64 in the node and a guest, which copies as the mode says",
    parameters=(
        Parameter(name="mode", default="healthy", choices=MODES, meaning="how it fails"),
        Parameter(
            name="vmid", default=0, meaning=f"the running guest that gets {_IN_GUEST}/{LIBRARY}; 0: the node alone"
        ),
        Parameter(name="every", default=4096, meaning="mode=corrupt: one byte in so many"),
        Parameter(name="pairs", default="", meaning="the copies affected, such as 0>1,2>0; default: all"),
        Parameter(name="only", default="", meaning="the one call whose copies go wrong; default: every copy"),
        Parameter(
            name="at", default="", meaning="the call that crashes, hangs or fails; default: a copy between devices"
        ),
    ),
    apply=apply,
    clear=clear,
)
