"""Whether the firmware asks for signed modules: `mokutil --sb-state`, else the EFI variable itself."""

from __future__ import annotations

import re

from rocmox.errors import CannotLookError, CommandError
from rocmox.machine.base import Machine

# EFI_GLOBAL_VARIABLE; four bytes of attributes, then one byte of value (UEFI specification, 8.1 and 3.3).
_VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_BYTES = 5


def parse_state(text: str) -> bool:
    """Whether `mokutil --sb-state` says that Secure Boot is enforced; CannotLookError for words that do not tell."""
    words = text.lower()
    if "validation is disabled in shim" in words or "setup mode" in words:
        return False
    if re.search(r"\bsecureboot enabled\b", words):
        return True
    if re.search(r"\bsecureboot disabled\b", words) or "efi variables are not supported" in words:
        return False
    raise CannotLookError(f"`mokutil --sb-state` said {text.strip()[:120]!r}")


def read_state(machine: Machine) -> bool:
    """False on a machine that booted without EFI; CannotLookError when neither mokutil nor the firmware tells."""
    try:
        done = machine.run(["mokutil", "--sb-state"], environment={"LC_ALL": "C"})
        return parse_state(done.stdout + done.stderr)
    except CommandError:
        pass  # not installed: the variable tells as well
    if not machine.exists("/sys/firmware/efi"):
        return False
    try:
        content = machine.read_bytes(_VARIABLE)
    except FileNotFoundError:
        return False  # a firmware without Secure Boot has no such variable
    except OSError as error:
        raise CannotLookError(f"{_VARIABLE}: {error.strerror}") from error
    if len(content) != _BYTES:
        raise CannotLookError(f"{_VARIABLE}: {len(content)} bytes, not {_BYTES}")
    return content[-1] == 1
