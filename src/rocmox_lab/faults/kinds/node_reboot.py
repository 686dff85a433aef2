"""The node reboots, in good order or as if its power failed: at once, or when a chosen call of the API arrives."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.orders import CALL, note_firing, order_call
from rocmox_lab.faults.target import FaultTarget

_NOW = "now"
_COMMANDS = {"power-cut": ["systemctl", "reboot", "--force", "--force"], "reboot": ["systemctl", "reboot"]}
_SILENT_SECONDS = 60


def apply(target: FaultTarget, values: Values) -> None:
    """Reboot, or order it for a call, which is then never answered."""
    argv = _COMMANDS[str(values["how"])]
    if values["path"] == _NOW:
        target.run(argv)
        note_firing(target, FAULT.name, _NOW)
        return
    order_call(target, FAULT.name, values, {"act": "run", "argv": argv, "seconds": _SILENT_SECONDS, "when": "before"})


FAULT = Fault(
    name="node-reboot",
    summary="the node reboots, at once (path=now) or when a call of the API arrives",
    parameters=(
        Parameter(name="how", default="power-cut", choices=tuple(_COMMANDS), meaning="at once, or in good order"),
        *(Parameter(name="path", default=_NOW, meaning=each.meaning) if each.name == "path" else each for each in CALL),
    ),
    apply=apply,
    counts=True,
)
