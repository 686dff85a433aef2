"""Reading one text of a machine, with an error that says why when it cannot be read."""

from __future__ import annotations

import os

from rocmox.errors import CannotLookError
from rocmox.machine.base import Machine

_KERNEL_BITS = 64
_LONGEST_BYTES = 1 << 20  # no file of /sys or /proc that rocmox reads comes near; a hostile capture may


def read_text(machine: Machine, path: str) -> str:
    """The file without its last newline; CannotLookError with the kernel's reason when there is none to be had."""
    try:
        content = machine.read_bytes(path)
    except OSError as error:
        raise CannotLookError(f"{path}: {why(error)}") from error
    if len(content) > _LONGEST_BYTES:
        raise CannotLookError(f"{path}: {len(content)} bytes, which is not a file of /sys or /proc")
    return content.decode(errors="replace").rstrip("\n")


def list_names(machine: Machine, path: str) -> list[str]:
    """The names in a directory; CannotLookError with the kernel's reason when it cannot be listed."""
    try:
        return machine.list_directory(path)
    except OSError as error:
        raise CannotLookError(f"{path}: {why(error)}") from error


def why(error: OSError) -> str:
    """The kernel's reason in its own words, such as "Operation not permitted"."""
    return os.strerror(error.errno) if error.errno else str(error)


def parse_whole_number(text: str, what: str) -> int:
    """A decimal or 0x… number of at most 64 bits; CannotLookError that quotes the text when it is none."""
    word = text.strip()
    try:
        number = int(word, 16 if word.lower().startswith("0x") else 10)
    except ValueError as error:
        raise CannotLookError(f"{what}: {word[:40]!r} is not a number") from error
    if abs(number) >> _KERNEL_BITS:
        raise CannotLookError(f"{what}: a number of {len(word)} digits, which the kernel does not have")
    return number
