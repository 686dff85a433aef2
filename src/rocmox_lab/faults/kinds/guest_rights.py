"""A guest has not the rights to its card that its configuration should give it."""

from __future__ import annotations

import re
from collections.abc import Callable

from rocmox.errors import RefusedError
from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget

_SAVED = "guest-rights.saved"
_RENDER = re.compile(r"(?m)^(?P<key>dev\d+): (?P<path>/dev/dri/renderD\d+)(?P<options>\S*)$")
_FOREIGN_GID = 104


def _wrong_gid(line: re.Match[str]) -> str:
    return f"{line['key']}: {line['path']},gid={_FOREIGN_GID}"


def _wrong_mode(line: re.Match[str]) -> str:
    return f"{line[0]},mode=0600"


def _read_only(line: re.Match[str]) -> str:
    return f"{line[0]},deny-write=1"


def _not_passed(line: re.Match[str]) -> str:  # noqa: ARG001 - the line goes
    return ""


_KINDS: dict[str, Callable[[re.Match[str]], str]] = {
    "wrong-gid": _wrong_gid,
    "wrong-mode": _wrong_mode,
    "deny-write": _read_only,
    "not-passed": _not_passed,
}


def apply(target: FaultTarget, values: Values) -> None:
    """Start the guest with another line for its first render node; RefusedError when it has none.

    `not-passed` puts the right line back afterwards, as when a line was added and the guest not restarted.
    """
    clear(target, values)
    path = _path(values)
    text = target.run(["cat", path]).check().stdout
    if not _RENDER.search(text):
        raise RefusedError(f"{path} passes no render node", remedy="Choose a guest with a card by vmid=….")
    target.faults.mkdir(parents=True, exist_ok=True)
    (target.faults / _SAVED).write_text(text, encoding="utf-8")
    changed = _RENDER.sub(_KINDS[str(values["what"])], text, count=1)
    _start_with(target, values, changed)
    if values["what"] == "not-passed":
        target.run(["tee", path], stdin=text.encode()).check()


def clear(target: FaultTarget, values: Values) -> None:
    """Start the guest with its own configuration again."""
    saved = target.faults / _SAVED
    if saved.exists():
        _start_with(target, values, saved.read_text(encoding="utf-8"))
        saved.unlink()


def _start_with(target: FaultTarget, values: Values, text: str) -> None:
    vmid = str(values["vmid"])
    target.run(["pct", "stop", vmid])
    target.run(["tee", _path(values)], stdin=text.encode()).check()
    target.run(["pct", "start", vmid]).check()


def _path(values: Values) -> str:
    return f"/etc/pve/lxc/{values['vmid']}.conf"


FAULT = Fault(
    name="guest-rights",
    summary="a guest may not open the card that is passed to it",
    parameters=(
        Parameter(name="what", default="wrong-gid", meaning="what is wrong", choices=tuple(_KINDS)),
        Parameter(name="vmid", default=101, meaning="which guest"),
    ),
    apply=apply,
    clear=clear,
)
