"""How the running kernel was built: `/boot/config-$(uname -r)`, `/proc/config.gz` or the modules' own copy."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.kernel import read_release
from rocmox.facts.reading import read_text, why
from rocmox.machine.base import Machine

_OPTION = re.compile(r"(?P<name>CONFIG_\w{1,100})=(?P<value>.*)")
_LARGEST_BYTES = 8 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelConfig:
    """Options that are set, by name; an option that is not set is not in it. `source` is the file that says so."""

    source: str
    options: dict[str, str]

    def is_on(self, name: str) -> bool:
        """Whether an option is built in or a module."""
        return self.options.get(name) in {"y", "m"}


def parse_config(text: str) -> dict[str, str]:
    """`CONFIG_X=y` lines as a dict; CannotLookError when there is no such line (scripts/kconfig/confdata.c)."""
    matches = (_OPTION.fullmatch(line.strip()) for line in text.splitlines())
    options = {match["name"]: match["value"].strip('"') for match in matches if match}
    if not options:
        raise CannotLookError("no CONFIG_…= line: this is not a kernel configuration")
    return options


def parse_compressed(content: bytes) -> str:
    """The text in `/proc/config.gz`; CannotLookError when it is not a gzip file or larger than any configuration."""
    expander = zlib.decompressobj(wbits=31)
    try:
        text = expander.decompress(content, _LARGEST_BYTES)
    except zlib.error as error:
        raise CannotLookError(f"/proc/config.gz: {error}") from error
    if expander.unconsumed_tail:
        raise CannotLookError(f"/proc/config.gz: more than {_LARGEST_BYTES} bytes, which is not a kernel configuration")
    return text.decode(errors="replace")


def read_config(machine: Machine) -> KernelConfig:
    """The first place that has it; CannotLookError names all that do not."""
    missing = []
    for path in _places(read_release(machine)):
        try:
            return KernelConfig(source=path, options=parse_config(_read(machine, path)))
        except CannotLookError as error:
            missing.append(error.message)
    raise CannotLookError(
        "; ".join(missing), remedy="Run it on the node, where /boot holds the kernel's configuration."
    )


def _places(release: str) -> Iterator[str]:
    yield f"/boot/config-{release}"
    yield "/proc/config.gz"
    yield f"/usr/lib/modules/{release}/config"
    yield f"/lib/modules/{release}/build/.config"


def _read(machine: Machine, path: str) -> str:
    if not path.endswith(".gz"):
        return read_text(machine, path)
    try:
        return parse_compressed(machine.read_bytes(path))
    except OSError as error:
        raise CannotLookError(f"{path}: {why(error)}") from error
