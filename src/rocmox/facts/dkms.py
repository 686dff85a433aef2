"""What DKMS built for which kernel (`dkms status`), and why a build failed (`make.log`)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from rocmox.errors import CommandError
from rocmox.machine.base import Machine

INSTALLED = "installed"
TREE = "/var/lib/dkms"
_ARCHITECTURE = "x86_64"  # the only one that Proxmox VE runs on
# dkms 3: "amdgpu/6.8.5-2041575.24.04, 6.8.12-4-pve, x86_64: installed (Original modules exist)", "amdgpu/6.8.5: added"
# dkms 2: "amdgpu, 6.8.5-2041575.24.04, 6.8.12-4-pve, x86_64: installed"
_LINE = re.compile(
    r"(?P<name>[\w.+-]+)(?:/|,\s*)(?P<version>[^,:/\s]+)"
    r"(?:,\s*(?P<kernel>[^,:\s]+),\s*(?P<arch>[^,:\s]+))?\s*:\s*(?P<state>[\w-]+)(?P<note>.*)"
)
# gcc, make and ld, in the order of their precision; "Error! …" are dkms' own words.
_ERRORS = (
    re.compile(r"(?:fatal )?error:", re.IGNORECASE),
    re.compile(r"undefined (?:reference|!)|^ERROR: modpost", re.IGNORECASE),
    re.compile(r"^make(?:\[\d+\])?: \*\*\* "),
    re.compile(r"\berror\b", re.IGNORECASE),
)
_LONGEST_ERROR = 400


@dataclasses.dataclass(frozen=True, kw_only=True)
class DkmsModule:
    """One line of `dkms status`; `kernel` is None while a module is only added. `note` holds dkms' warnings."""

    name: str
    version: str
    kernel: str | None
    state: str
    note: str = ""

    @property
    def usable(self) -> bool:
        """Whether this kernel loads exactly what DKMS built: `installed`, and not replaced by another file since."""
        return self.state == INSTALLED and "Diff between built and installed" not in self.note


def parse_status(text: str) -> tuple[DkmsModule, ...]:
    """Every module of `dkms status`, of dkms 2 and 3; other lines (warnings, broken links) are left out."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and not line.lower().startswith(("error", "warning", "deprecated")):
            note = match["note"].strip(" ()")
            found.append(
                DkmsModule(
                    name=match["name"],
                    version=match["version"],
                    kernel=match["kernel"],
                    state=match["state"].lower(),
                    note=note,
                )
            )
    return tuple(found)


def read_status(machine: Machine) -> tuple[DkmsModule, ...]:
    """`dkms status`; empty when dkms is not installed."""
    try:
        done = machine.run(["dkms", "status"], environment={"LC_ALL": "C"})
    except CommandError:
        return ()
    return parse_status(done.stdout)


def installed_for(modules: Iterable[DkmsModule], name: str, kernel: str) -> DkmsModule | None:
    """The version of a module that a kernel loads, None when DKMS installed none for it."""
    return next((m for m in modules if m.name == name and m.kernel == kernel and m.usable), None)


def is_whole(machine: Machine, module: DkmsModule) -> bool:
    """Whether each file that dkms keeps for this kernel is a module for it, and not the rest of a power cut.

    Its `vermagic` begins with the kernel's release (scripts/mod/modpost.c); modinfo finds none in a torn file. What
    cannot be looked at counts as whole.
    """
    place = f"{TREE}/{module.name}/{module.version}/{module.kernel}/{_ARCHITECTURE}/module"
    try:
        files = [f"{place}/{name}" for name in machine.list_directory(place) if ".ko" in name]
        words = [machine.run(["modinfo", "-F", "vermagic", path]).stdout.split() for path in files]
    except (OSError, CommandError):
        return True
    return bool(words) and all(word[:1] == [module.kernel] for word in words)


def first_error(make_log: str) -> str | None:
    """The line that explains a failed build, the compiler's first one where it speaks; None when none does."""
    lines = [line.strip() for line in make_log.splitlines()]
    for pattern in _ERRORS:
        for line in lines:
            if pattern.search(line):
                return line[:_LONGEST_ERROR]
    return None


def make_logs(name: str, version: str, kernel: str) -> tuple[str, ...]:
    """Where dkms leaves a build's log: while it builds or after it failed, then after it succeeded."""
    place = f"{TREE}/{name}/{version}"
    return (f"{place}/build/make.log", f"{place}/{kernel}/{_ARCHITECTURE}/log/make.log")


def read_first_error(machine: Machine, name: str, version: str, kernel: str) -> tuple[str, str] | None:
    """(the first error of the last build for this kernel, the log it stands in); None where there is no such log."""
    for path in make_logs(name, version, kernel):
        try:
            text = machine.read_bytes(path).decode(errors="replace")
        except OSError:
            continue
        if kernel in text:
            return first_error(text) or "the log holds no line with an error", path
    return None
