"""Changing packages of the node with apt-get: never a question, never a half-done run left alone."""

from __future__ import annotations

import re

from rocmox.errors import RocmoxError
from rocmox.host import ledger
from rocmox.host.packages.apt_view import complaints
from rocmox.machine import Completed, Machine

_SECONDS = 3600
_ENVIRONMENT = {
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_MODE": "l",
}
_OPTIONS = (
    *("-o", "DPkg::Lock::Timeout=600"),
    *("-o", "Dpkg::Options::=--force-confdef"),
    *("-o", "Dpkg::Options::=--force-confold"),
)


def run(machine: Machine, *arguments: str) -> Completed:
    """One apt-get."""
    argv = ["apt-get", "--yes", *_OPTIONS, *arguments]
    return machine.run(argv, timeout_seconds=_SECONDS, environment=_ENVIRONMENT)


def update(machine: Machine) -> None:
    """Fetch the lists; a source of the user's that does not answer is no reason to stop (preflight looked at ours)."""
    run(machine, "update")


def simulate(machine: Machine, *arguments: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(packages that would be new, packages that would go)."""
    text = run(machine, "--simulate", *arguments).stdout
    new = [match[1] for match in re.finditer(r"^Inst (\S+) \(", text, re.MULTILINE)]
    gone = [match[1] for match in re.finditer(r"^(?:Remv|Purg) (\S+)", text, re.MULTILINE)]
    return tuple(dict.fromkeys(new)), tuple(dict.fromkeys(gone))


def install(machine: Machine, names: tuple[str, ...]) -> None:
    """Install exactly these (`name` or `name=version`); what is new is in the ledger first."""
    arguments = ("install", "--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages", *names)
    new, gone = simulate(machine, *arguments)
    if gone:
        raise RocmoxError(
            f"installing {' '.join(names)} would remove {' '.join(gone)}; nothing was installed",
            remedy="Look at `apt-get -s install …` and decide yourself.",
        )
    ledger.add(packages=new)
    done = run(machine, *arguments)
    if done.exit_status:
        raise RocmoxError(f"apt cannot install {' '.join(names)}: {complaints(done) or done.stdout[-500:]}")


def purge(machine: Machine, names: tuple[str, ...]) -> None:
    """Remove these with their settings."""
    done = run(machine, "purge", "--allow-change-held-packages", *names)
    if done.exit_status:
        raise RocmoxError(f"apt cannot remove {' '.join(names)}: {complaints(done) or done.stdout[-500:]}")


def finish_interrupted(machine: Machine) -> None:
    """What a killed run left: unpacked packages are configured, half-unpacked ones fetched again."""
    machine.run(["dpkg", "--configure", "--pending"], timeout_seconds=_SECONDS, environment=_ENVIRONMENT)
    run(machine, "--fix-broken", "install")
