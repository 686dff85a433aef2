"""Something is wrong with the node's cards: what the kernel would show of it, in the constructed tree."""

from __future__ import annotations

import json

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.gpus.changes import take_back
from rocmox_lab.gpus.variations import VARIATIONS, vary

_SAVED = "gpu-tree.saved"


def apply(target: FaultTarget, values: Values) -> None:
    """Change the tree, and keep what it was."""
    clear(target, values)
    kept = vary(target.gpu_tree, str(values["what"]), card=int(values["card"]))
    target.faults.mkdir(parents=True, exist_ok=True)
    (target.faults / _SAVED).write_text(json.dumps(kept), encoding="utf-8")


def clear(target: FaultTarget, values: Values) -> None:  # noqa: ARG001 - what was kept says it all
    """Restore every place that was changed."""
    saved = target.faults / _SAVED
    if saved.exists():
        take_back(target.gpu_tree, json.loads(saved.read_text(encoding="utf-8")))
        saved.unlink()


FAULT = Fault(
    name="gpu-tree",
    summary="something is wrong with a card, its slot or its driver",
    parameters=(
        Parameter(name="what", default="small-bar", meaning="what is wrong", choices=tuple(VARIATIONS)),
        Parameter(name="card", default=0, meaning="which card, counted from 0 by PCI address"),
    ),
    apply=apply,
    clear=clear,
)
