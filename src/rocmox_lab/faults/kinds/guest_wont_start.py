"""Guests do not start: a start hook of LXC fails, or a device node that a guest wants is gone from the node."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget

_HOOK, _INCLUDED = "/usr/local/lib/rocmox-broken-hook", "/usr/share/lxc/config/common.conf.d/90-rocmox-fault.conf"
_BREAK = """set -eu
mkdir -p "$(dirname "$1")" "$(dirname "$2")"
printf '#!/bin/sh\\ncase "$LXC_NAME" in %s) echo "broken by rocmox lab fault" >&2; exit 1;; esac\\n' "$3" >"$1"
chmod 755 "$1"
echo "lxc.hook.pre-start = $1" >"$2"
"""
_TAKE = 'set -eu; mkdir -p /run/rocmox-taken; mv "$1" /run/rocmox-taken/'
_GIVE = 'set -eu; kept="/run/rocmox-taken/$(basename "$1")"; [ ! -e "$kept" ] || mv "$kept" "$1"'


def apply(target: FaultTarget, values: Values) -> None:
    """Break the hook or take the device away."""
    if values["reason"] == "hook":
        target.run(["sh", "-c", _BREAK, "break", _HOOK, _INCLUDED, str(values["vmid"])]).check()
    else:
        target.run(["sh", "-c", _TAKE, "take", str(values["device"])]).check()


def clear(target: FaultTarget, values: Values) -> None:
    """Guests start again."""
    target.run(["rm", "-f", _HOOK, _INCLUDED]).check()
    _give_device(target, values)


def _give_device(target: FaultTarget, values: Values) -> None:
    target.run(["sh", "-c", _GIVE, "give", str(values["device"])]).check()


FAULT = Fault(
    name="guest-wont-start",
    summary="a guest does not start: its start hook fails, or a device it wants is gone",
    parameters=(
        Parameter(name="reason", default="hook", choices=("hook", "device"), meaning="what is broken"),
        Parameter(name="vmid", default="*", meaning="reason=hook: whose start"),
        Parameter(name="device", default="/dev/dri/renderD128", meaning="reason=device: which node of /dev"),
    ),
    apply=apply,
    clear=clear,
)
