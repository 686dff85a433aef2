"""The devices that libamdhip64 finds, or why it finds none."""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError
from rocmox.health.hip.answer import NO_DEVICE, ask
from rocmox.machine import Machine

_LIMIT_SECONDS = 20.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Devices:
    """PCI address by device number; `why_none` is a word for a code, and `reason` says it to people."""

    addresses: tuple[str, ...]
    library: str | None = None
    why_none: str = ""
    reason: str = ""


def read_devices(machine: Machine) -> Devices:
    """Asks in a child process: a library that crashes or hangs is an answer. Never raises."""
    try:
        answer = ask(machine, {"job": "devices"}, limit_seconds=_LIMIT_SECONDS)
    except CannotLookError as error:
        return Devices(addresses=(), why_none="NOT_TESTED", reason=error.message)
    library = answer.last("library")
    if missing := answer.last("missing"):
        return Devices(addresses=(), why_none="NOT_TESTED", reason=f"no libamdhip64 can be loaded: {missing}")
    if answer.end != "done":
        kind = "LIBRARY_HUNG" if answer.end in {"timeout", "stuck"} else "LIBRARY_CRASHED"
        reason = f"{library or 'libamdhip64'} {answer.in_words}"
        return Devices(addresses=(), library=library, why_none=kind, reason=reason)
    if answer.error_name:
        kind = "NO_DEVICE" if answer.error_name == NO_DEVICE else "LIBRARY_FAILED"
        reason = f"{library}: {answer.last('error')['call']} returned {answer.error_name}"
        return Devices(addresses=(), library=library, why_none=kind, reason=reason)
    addresses = tuple(answer.last("devices") or ())
    if not addresses:
        return Devices(addresses=(), library=library, why_none="NO_DEVICE", reason=f"{library} finds no device")
    return Devices(addresses=addresses, library=library)
